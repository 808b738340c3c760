// /metrics: what the server counts, and what it looks up when it is asked. Who may read it: a bearer token of its own
// from a file, or without one whoever asks from this machine. Threads: answer() from any.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/base/metrics.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/http/server.h"
#include "server/domain/store.h"
#include "server/runs/events.h"

namespace tollgate::app {

// What is only known when it is asked for.
struct ServerFigures {
  std::size_t phases = 0;  // that a runner executes
  std::size_t most_phases = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t dropped_lines = 0;
  std::optional<std::uint64_t> disk_free;
  std::optional<Duration> clock_skew;
};

struct MetricsAccess {
  std::optional<Secret> token;
  // Behind a proxy everybody asks from this machine, so that it says nothing about who does.
  bool behind_proxy = false;
};

class ServerMetrics {
 public:
  // References outlive this.
  ServerMetrics(Metrics& metrics, domain::Store& store, runs::EventBus& events, const Clock& clock,
                MetricsAccess access, std::function<ServerFigures()> figures);
  http::Response answer(const http::Request& request);

 private:
  std::optional<http::Response> refusal(const http::Request& request) const;
  void look_at_runs();
  void look_at_process();
  void happened(const runs::Event& event);

  Metrics& metrics_;
  domain::Store& store_;
  const Clock& clock_;
  MetricsAccess access_;
  std::function<ServerFigures()> figures_;
  const TimePoint started_;
  std::unique_ptr<runs::EventBus::Subscription> subscription_;
};

}  // namespace tollgate::app
