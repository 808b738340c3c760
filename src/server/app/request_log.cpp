#include "server/app/request_log.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace tollgate::app {
namespace {

constexpr std::string_view kRequests = "tollgate_http_requests_total";
constexpr std::string_view kSeconds = "tollgate_http_request_seconds";

// Whatever somebody sends as a method must not become a word of the log or a label of its own.
std::string_view known_method(std::string_view method) {
  static constexpr std::array<std::string_view, 7> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  const auto found = std::find(kMethods.begin(), kMethods.end(), method);
  return found != kMethods.end() ? *found : std::string_view("other");
}

std::optional<std::int64_t> size_of(const http::Response& response) {
  if (response.stream) return std::nullopt;
  if (!response.file) return static_cast<std::int64_t>(response.body.size());
  std::error_code unknown;
  const auto size = std::filesystem::file_size(*response.file, unknown);
  return unknown ? std::nullopt : std::optional(static_cast<std::int64_t>(size));
}

}  // namespace

RequestLog::RequestLog(Log& log, Metrics& metrics, LoggedRequests which) : log_(log), metrics_(metrics), which_(which) {
  metrics.define(kRequests, Metrics::Kind::counter, "Requests by route and status.");
  metrics.define(kSeconds, Metrics::Kind::histogram, "How long answers took until their first byte, by route.",
                 {0.001, 0.005, 0.025, 0.1, 0.5, 2, 10});
}

void RequestLog::answered(const http::Request& request, const api::Exchange& exchange, const http::Response& response,
                          std::chrono::microseconds took) {
  const std::string_view route = exchange.route.empty() ? std::string_view("none") : exchange.route;
  metrics_.observe(kSeconds, std::chrono::duration<double>(took).count(), {{"route", route}});
  LogFields more{
      {"ms", static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count())}};
  if (const auto size = size_of(response)) more.emplace_back("bytes", *size);
  if (!exchange.user_id.empty()) more.emplace_back("user", exchange.user_id);
  if (!exchange.token_id.empty()) more.emplace_back("token", exchange.token_id);
  if (!request.peer.empty()) more.emplace_back("peer", request.peer);
  write({exchange.request_id, known_method(request.method), route, response.status}, std::move(more));
}

void RequestLog::refused(const http::Request& head, std::string_view request_id, int status) {
  LogFields more;
  if (!head.peer.empty()) more.emplace_back("peer", head.peer);
  write({request_id, known_method(head.method), "none", status}, std::move(more));
}

void RequestLog::write(const Line& line, LogFields more) {
  const std::string status = std::to_string(line.status);
  metrics_.add(kRequests, {{"method", line.method}, {"route", line.route}, {"status", status}});
  if (which_ == LoggedRequests::none || (which_ == LoggedRequests::errors && line.status < 400)) return;
  LogFields fields{{"request", std::string(line.request_id)},
                   {"method", std::string(line.method)},
                   {"route", std::string(line.route)},
                   {"status", static_cast<std::int64_t>(line.status)}};
  fields.insert(fields.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  log_.write(line.status >= 500 ? LogLevel::error : LogLevel::info, "request", "answered", fields);
}

}  // namespace tollgate::app
