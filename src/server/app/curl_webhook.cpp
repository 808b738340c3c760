#include "server/app/curl_webhook.h"

#include <arpa/inet.h>

#include <algorithm>

#include "common/net/address.h"

namespace tollgate::app {
namespace {

constexpr std::size_t kLongestAddress = 2048;
constexpr std::chrono::milliseconds kConnectTimeout{3000};
constexpr std::chrono::milliseconds kTotalTimeout{8000};
constexpr std::size_t kLargestAnswer = 1 << 20;

bool is_literal(const std::string& host) {
  in6_addr any{};
  return inet_pton(AF_INET, host.c_str(), &any) == 1 || inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

Error not_public(std::string_view host, std::string_view what) {
  return Error(Code::invalid, fmt::format("{} {}: a webhook goes to public addresses", host, what))
      .because("webhook_address")
      .do_next("or the server's configuration names it in webhook.allow");
}

}  // namespace

CurlWebhook::CurlWebhook(const std::string& exceptions, net::CurlOptions options) : options_(std::move(options)) {
  std::string entry;
  for (const char c : exceptions + ",") {
    if (c == ',') {
      if (!entry.empty()) exceptions_.push_back(std::move(entry));
      entry.clear();
    } else if (c != ' ') {
      entry += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
  }
}

bool CurlWebhook::excepted(const net::Url& url) const {
  const bool six = url.host.find(':') != std::string::npos;
  const std::string name = six ? fmt::format("[{}]:{}", url.host, url.port) : fmt::format("{}:{}", url.host, url.port);
  return std::find(exceptions_.begin(), exceptions_.end(), name) != exceptions_.end();
}

Result<net::Url> CurlWebhook::checked(const std::string& url) const {
  if (url.size() > kLongestAddress) return fail(Code::invalid, "the address is longer than 2048 characters");
  TG_TRY(net::Url parsed, net::parse_url(url));
  if (excepted(parsed)) return parsed;
  if (!parsed.secure()) {
    return fail(Error(Code::invalid, "a webhook's address begins with https://").because("webhook_address"));
  }
  if (net::is_loopback_host(parsed.host) || (is_literal(parsed.host) && !net::is_public_address(parsed.host))) {
    return fail(not_public(parsed.host, "is no public address"));
  }
  return parsed;
}

Result<void> CurlWebhook::check(const std::string& url) const {
  TG_TRY(const net::Url parsed, checked(url));
  (void)parsed;
  return {};
}

Result<std::string> CurlWebhook::address_of(const net::Url& url) const {
  TG_TRY(const auto addresses, net::resolve_host(url.host, url.port));
  if (!excepted(url) && !std::all_of(addresses.begin(), addresses.end(), net::is_public_address)) {
    return fail(not_public(url.host, "leads to an address that is not public"));
  }
  return addresses.front();
}

runs::WebhookAnswer CurlWebhook::send(const std::string& url,
                                      const std::vector<std::pair<std::string, std::string>>& headers,
                                      const std::string& body) {
  runs::WebhookAnswer answer;
  const auto parsed = checked(url);
  const auto address = parsed ? address_of(*parsed) : Result<std::string>(fail(parsed.error()));
  if (!address) {
    answer.error = address.error().message;
    return answer;
  }
  net::Request request;
  request.method = "POST";
  request.url = url;
  request.headers = headers;
  request.body = body;
  request.connect_timeout = kConnectTimeout;
  request.total_timeout = kTotalTimeout;
  request.max_response_bytes = kLargestAnswer;
  request.use_proxy = false;  // it would look the name up itself
  request.connect_to = *address;
  const auto response = net::make_curl_client(options_)->send(request);
  if (!response) {
    answer.error = response.error().error.message;
    return answer;
  }
  answer.status = response->status;
  answer.body = response->body;
  if (!answer.successful()) {
    answer.error = fmt::format("{} answered with status {}{}", parsed->authority(), answer.status,
                               answer.status >= 300 && answer.status < 400 ? ", and redirects are not followed" : "");
  }
  return answer;
}

}  // namespace tollgate::app
