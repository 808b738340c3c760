// Carries out what scheduling.h decides: a thread that sleeps until something happened or a moment has come, looks at
// what is stored, and does each thing in a transaction of its own that checks the state again. It also finds what an
// earlier process left (recover). Nothing is polled; a slow look every `safety_interval` is a net, no path. Threads:
// wake() from any; start, stop, run_once and recover from one. Stop it before its executor.
#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "server/runs/gate.h"
#include "server/runs/phase_executor.h"
#include "server/runs/scheduling.h"

namespace tollgate::runs {

struct SchedulerOptions {
  std::size_t concurrency = 2;  // phases at once
  std::chrono::seconds safety_interval{30};
  std::span<const StartCheck> checks = start_checks();  // all, but in tests that show what each is for
};

// What it stands on; all of it outlives it.
struct SchedulerParts {
  domain::Store& store;
  LogHub& logs;
  EventBus& events;
  Gate& gate;
  PhaseExecutor& executor;
  PhaseRunner& runner;
  const Clock& clock;
  RandomSource& random;
  std::function<void(const std::string&)> on_error;
};

class Scheduler {
 public:
  Scheduler(SchedulerParts parts, SchedulerOptions options) : parts_(std::move(parts)), options_(options) {}
  ~Scheduler() { stop(); }

  // Recovers, then begins the thread.
  void start();
  void stop();
  void wake();

  // Looks and acts until there is nothing to do; how much was done. What start()'s thread does, for tests.
  std::size_t run_once();
  // Brings what an earlier process left into a truthful state: phases that run are attached to, those that ended are
  // taken in, those without a trace end as errored (runner_lost); logs of runs that are over get their end; files of
  // phases that are over are removed. May be called at any time and again.
  void recover();

 private:
  Snapshot look();
  bool act(const Decision& decision);
  bool transition(const Decision& decision);
  bool try_to_start(const Decision& decision);
  void announce_gate(const domain::Run& run, domain::PhaseKind phase, const std::string& line);
  void recover_gate(const domain::Run& run, domain::PhaseKind phase);
  void loop();
  void published(const domain::Run& run, const std::string& what);

  SchedulerParts parts_;
  SchedulerOptions options_;
  std::optional<TimePoint> look_again_;
  std::thread thread_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
};

}  // namespace tollgate::runs
