#include "server/app/server_metrics.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "common/crypto/hash.h"

namespace tollgate::app {
namespace {

using domain::PhaseStatus;
using domain::RunStatus;

bool is_loopback(std::string_view peer) {
  if (peer.starts_with("::ffff:")) peer.remove_prefix(7);
  return peer == "::1" || peer.starts_with("127.");
}

http::Response sentence(int status, std::string text) {
  http::Response response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  response.body = std::move(text);
  return response;
}

struct ProcessMemory {
  double resident = 0;
  bool known = false;
};

ProcessMemory resident_memory() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"), &std::fclose);
  long size = 0;
  long resident = 0;
  if (!file || std::fscanf(file.get(), "%ld %ld", &size, &resident) != 2) return {};
  return {static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)), true};
}

void define_all(Metrics& metrics) {
  using Kind = Metrics::Kind;
  metrics.define("tollgate_build_info", Kind::gauge, "1, with the version as label.");
  metrics.define("process_resident_memory_bytes", Kind::gauge, "Memory of the worker that answers.");
  metrics.define("process_open_fds", Kind::gauge, "Open descriptors of the worker that answers.");
  metrics.define("process_start_time_seconds", Kind::gauge, "When that worker began; all counters count from there.");
  metrics.define("tollgate_runs", Kind::gauge, "Runs that are not over, by status.");
  metrics.define("tollgate_runs_finished_total", Kind::counter, "Runs that ended, by their last status.");
  metrics.define("tollgate_run_queue_length", Kind::gauge, "Plans and applies that wait for a runner.");
  metrics.define("tollgate_run_queue_oldest_seconds", Kind::gauge, "How long the first of them has been queued.");
  metrics.define("tollgate_gates_waiting", Kind::gauge, "Plans and applies that wait for a one-time code.");
  metrics.define("tollgate_gates_oldest_seconds", Kind::gauge, "How long the first of them has been queued.");
  metrics.define("tollgate_runner_phases", Kind::gauge, "Plans and applies that runners execute.");
  metrics.define("tollgate_runner_phases_limit", Kind::gauge, "How many may at once.");
  metrics.define("tollgate_phases_started_total", Kind::counter, "Plans and applies that were started.");
  metrics.define("tollgate_log_bytes_total", Kind::counter, "Bytes of run logs taken in.");
  metrics.define("tollgate_log_lines_dropped_total", Kind::counter, "Lines of this server's log that nobody read.");
  metrics.define("tollgate_disk_free_bytes", Kind::gauge, "Free space where the server keeps its data.");
  metrics.define("tollgate_clock_skew_seconds", Kind::gauge, "How far this clock is behind AWS's, by its last answer.");
}

}  // namespace

ServerMetrics::ServerMetrics(Metrics& metrics, domain::Store& store, runs::EventBus& events, const Clock& clock,
                             MetricsAccess access, std::function<ServerFigures()> figures)
    : metrics_(metrics),
      store_(store),
      clock_(clock),
      access_(std::move(access)),
      figures_(std::move(figures)),
      started_(clock.now()) {
  define_all(metrics);
  for (const RunStatus status : domain::kRunStatuses) {
    if (domain::is_final(status)) metrics.add("tollgate_runs_finished_total", {{"status", domain::to_text(status)}}, 0);
  }
  for (const std::string_view phase : {"plan", "apply"})
    metrics.add("tollgate_phases_started_total", {{"phase", phase}}, 0);
  metrics.add("tollgate_log_bytes_total", {}, 0);
  metrics.add("tollgate_log_lines_dropped_total", {}, 0);
  subscription_ = events.subscribe("", [this](const runs::Event& event) { happened(event); });
}

void ServerMetrics::happened(const runs::Event& event) {
  if (event.what == "planning") metrics_.add("tollgate_phases_started_total", {{"phase", "plan"}});
  if (event.what == "applying") metrics_.add("tollgate_phases_started_total", {{"phase", "apply"}});
  const auto status = domain::parse_run_status(event.status);
  // States and codes are events of their own, and no end of anything.
  const bool about_its_status = event.what != "state" && !event.what.starts_with("mfa_");
  if (status && domain::is_final(*status) && about_its_status) {
    metrics_.add("tollgate_runs_finished_total", {{"status", domain::to_text(*status)}});
  }
}

std::optional<http::Response> ServerMetrics::refusal(const http::Request& request) const {
  if (access_.token) {
    const std::string* sent = request.header("Authorization");
    const std::string wanted = "Bearer " + std::string(access_.token->reveal());
    if (sent != nullptr && crypto::constant_time_equal(*sent, wanted)) return std::nullopt;
    auto response = sentence(401, "These figures need the bearer token of metrics.token_file.\n");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  const bool forwarded = request.header("X-Forwarded-For") != nullptr || request.header("Forwarded") != nullptr;
  if (!access_.behind_proxy && !forwarded && is_loopback(request.peer)) return std::nullopt;
  return sentence(403,
                  "Without a token of their own these figures are for this machine alone. "
                  "Set metrics.token_file to read them from elsewhere or behind a proxy.\n");
}

void ServerMetrics::look_at_runs() {
  const TimePoint now = clock_.now();
  const auto unfinished = store_.read([](domain::Tables& tables) { return tables.runs().unfinished(); });
  std::map<RunStatus, double> by_status;
  double queued = 0;
  double gated = 0;
  Duration oldest_queued{0};
  Duration oldest_gated{0};
  for (const domain::Run& run : unfinished) {
    ++by_status[run.status];
    for (const domain::Phase* phase : {&run.plan, &run.apply}) {
      const Duration age = std::max(Duration(0), now - phase->queued_at.value_or(run.created_at));
      if (phase->status == PhaseStatus::queued) {
        ++queued;
        oldest_queued = std::max(oldest_queued, age);
      } else if (phase->status == PhaseStatus::mfa_waiting) {
        ++gated;
        oldest_gated = std::max(oldest_gated, age);
      }
    }
  }
  for (const RunStatus status : domain::kRunStatuses) {
    if (!domain::is_final(status)) metrics_.set("tollgate_runs", by_status[status], {{"status", to_text(status)}});
  }
  metrics_.set("tollgate_run_queue_length", queued);
  metrics_.set("tollgate_run_queue_oldest_seconds", std::chrono::duration<double>(oldest_queued).count());
  metrics_.set("tollgate_gates_waiting", gated);
  metrics_.set("tollgate_gates_oldest_seconds", std::chrono::duration<double>(oldest_gated).count());
}

void ServerMetrics::look_at_process() {
  metrics_.set("tollgate_build_info", 1, {{"version", TOLLGATE_VERSION}});
  metrics_.set("process_start_time_seconds", std::chrono::duration<double>(started_.time_since_epoch()).count());
  if (const ProcessMemory memory = resident_memory(); memory.known) {
    metrics_.set("process_resident_memory_bytes", memory.resident);
  }
  std::error_code unknown;
  const std::filesystem::directory_iterator open("/proc/self/fd", unknown);
  if (!unknown) {
    metrics_.set("process_open_fds", static_cast<double>(std::distance(begin(open), end(open))));
  }
}

http::Response ServerMetrics::answer(const http::Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    auto response = sentence(405, "This address answers GET only.\n");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  if (auto refused = refusal(request)) return std::move(*refused);
  look_at_runs();
  look_at_process();
  const ServerFigures figures = figures_();
  metrics_.set("tollgate_runner_phases", static_cast<double>(figures.phases));
  metrics_.set("tollgate_runner_phases_limit", static_cast<double>(figures.most_phases));
  metrics_.raise("tollgate_log_bytes_total", static_cast<double>(figures.log_bytes));
  metrics_.raise("tollgate_log_lines_dropped_total", static_cast<double>(figures.dropped_lines));
  if (figures.disk_free) metrics_.set("tollgate_disk_free_bytes", static_cast<double>(*figures.disk_free));
  if (figures.clock_skew) {
    metrics_.set("tollgate_clock_skew_seconds", std::chrono::duration<double>(*figures.clock_skew).count());
  }
  http::Response response;
  response.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}};
  response.body = metrics_.text();
  return response;
}

}  // namespace tollgate::app
