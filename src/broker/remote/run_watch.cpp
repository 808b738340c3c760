#include "broker/remote/run_watch.h"

#include <algorithm>

#include "broker/remote/log_reader.h"

namespace tollgate::remote {
namespace {

constexpr int kLogPiece = 256 << 10;
// Stock clients do not show them, and the server fills them with nothing.
constexpr int kApplyPreambleLines = 3;
// Empty reads of a log without an end mark after which the end of its phase is believed.
constexpr int kEmptyReadsAtEnd = 4;
constexpr Duration kFirstBackoff{1000};
constexpr Duration kMaxBackoff{10000};

bool may_pass(const Error& error) {
  return error.code == Code::unavailable || error.code == Code::unknown || error.code == Code::throttled;
}

bool has_log(const PhaseView& phase) {
  return !phase.log_url.empty() && phase.status != "pending" && phase.status != "unreachable";
}

bool is_over(const PhaseView& phase) {
  return phase.status == "finished" || phase.status == "errored" || phase.status == "canceled" ||
         phase.status == "unreachable";
}

class Watch {
 public:
  Watch(ApiClient& api, const std::string& run_id, const Clock& clock, const WatchOptions& options,
        const WatchSinks& sinks)
      : api_(api), run_id_(run_id), clock_(clock), options_(options), sinks_(sinks) {
    apply_.lines_to_skip = kApplyPreambleLines;
  }

  Result<RunView> run() {
    TG_CHECK(refresh());
    while (true) {
      TG_TRY(const bool grew, follow_logs());
      if (is_at_end()) return std::move(run_);
      if (!grew) {
        if (sinks_.waiting) sinks_.waiting(run_);
        clock_.sleep_for(options_.poll);
      }
      if (clock_.now() - refreshed_at_ >= options_.refresh) TG_CHECK(refresh());
    }
  }

 private:
  struct Phase {
    LogReader reader;
    int lines_to_skip = 0;
    int empty_reads = 0;
    bool done = false;
  };

  // Repeats what failed for a passing reason, as long as patience lasts.
  template <class Call>
  auto patiently(const Call& call) -> decltype(call()) {
    const TimePoint begin = clock_.now();
    Duration wait = kFirstBackoff;
    while (true) {
      auto result = call();
      if (result || !may_pass(result.error())) return result;
      if (clock_.now() - begin >= options_.patience) return result;
      if (wait == kFirstBackoff) sinks_.notice(fmt::format("{}; trying again", result.error().text()));
      clock_.sleep_for(wait);
      wait = std::min(wait * 2, kMaxBackoff);
    }
  }

  Result<void> refresh() {
    TG_TRY(const json::Value document,
           patiently([&] { return api_.get(fmt::format("runs/{}?include={}", run_id_, kRunIncludes)); }));
    TG_TRY(RunView next, parse_run(document));
    refreshed_at_ = clock_.now();
    const bool changed = next.status != run_.status;
    run_ = std::move(next);
    if (changed) sinks_.changed(run_);
    return look_at_gate();
  }

  // What of a gate a person wants to be told of when it changes. A planned run's gate is there before anybody confirmed
  // the plan, and is asked about afterwards.
  static std::string gate_key(const RunView& run) {
    if (!run.gate) return "";
    const GateView& gate = *run.gate;
    return fmt::format("{} {} {} {} {} {}", gate.gate_id, gate.phase, gate.state, gate.tries_left.value_or(-1),
                       gate.you_can, run.status == "planned");
  }

  Result<void> look_at_gate() {
    const std::string key = gate_key(run_);
    if (key == gate_key_) return {};
    gate_key_ = key;
    if (!run_.gate || !sinks_.gate_changed) return {};
    TG_TRY(const bool answered, sinks_.gate_changed(run_));
    return answered ? refresh() : Result<void>();
  }

  // Whether anything came.
  Result<bool> follow_logs() {
    TG_TRY(const bool plan_grew, follow(plan_, run_.plan));
    if (!plan_.done) return plan_grew;
    TG_TRY(const bool apply_grew, follow(apply_, run_.apply));
    return plan_grew || apply_grew;
  }

  Result<bool> follow(Phase& phase, const PhaseView& view) {
    if (phase.done) return false;
    if (!has_log(view)) {
      phase.done = is_over(view) || (is_final(run_.status) && view.status.empty());
      return false;
    }
    TG_TRY(const std::string bytes, patiently([&]() -> Result<std::string> {
             const char joint = view.log_url.find('?') == std::string::npos ? '?' : '&';
             return api_.read_signed(
                 fmt::format("{}{}limit={}&offset={}", view.log_url, joint, kLogPiece, phase.reader.offset()));
           }));
    for (const std::string& line : phase.reader.take(bytes))
      TG_CHECK(show(phase, line));
    phase.empty_reads = bytes.empty() ? phase.empty_reads + 1 : 0;
    const bool over = is_over(view) || is_final(run_.status);
    phase.done = phase.reader.complete() || (over && phase.empty_reads >= kEmptyReadsAtEnd);
    if (phase.done) {
      const std::string rest = phase.reader.take_rest();
      if (!rest.empty()) TG_CHECK(show(phase, rest));
      // What comes next stands in the run, not in the log.
      TG_CHECK(refresh());
    }
    return !bytes.empty();
  }

  Result<void> show(Phase& phase, const std::string& line) {
    if (phase.lines_to_skip > 0) {
      --phase.lines_to_skip;
      return {};
    }
    return sinks_.log(line);
  }

  bool is_at_end() const {
    const bool resting = run_.status == "planned_and_saved" || (options_.until_planned && run_.status == "planned");
    if (resting) return plan_.done;
    if (!is_final(run_.status)) return false;
    return (plan_.done || !has_log(run_.plan)) && (apply_.done || !has_log(run_.apply));
  }

  ApiClient& api_;
  const std::string& run_id_;
  const Clock& clock_;
  const WatchOptions& options_;
  const WatchSinks& sinks_;
  RunView run_;
  std::string gate_key_;
  TimePoint refreshed_at_{};
  Phase plan_;
  Phase apply_;
};

}  // namespace

Result<RunView> watch_run(ApiClient& api, const std::string& run_id, const Clock& clock, const WatchOptions& options,
                          const WatchSinks& sinks) {
  return Watch(api, run_id, clock, options, sinks).run();
}

int exit_status_of(const RunView& run) {
  if (run.status == "errored") return 1;
  if (run.status == "canceled" || run.status == "force_canceled") return 2;
  return run.status == "discarded" ? 3 : 0;
}

}  // namespace tollgate::remote
