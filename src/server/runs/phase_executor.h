// Supervises the phases that run: one thread for each, which copies output into the log and every new state into the
// workspace's history the moment it appears, and takes the end in. Whatever it does can be done again: a phase is
// attached to after a crash and taken up where it was. It decides nothing about queues. Threads: all methods at once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/random.h"
#include "common/base/time.h"
#include "server/domain/store.h"
#include "server/runs/events.h"
#include "server/runs/log_hub.h"
#include "server/runs/phase_credentials.h"
#include "server/runs/phase_runner.h"
#include "server/runs/start_phase.h"
#include "server/runs/state_intake.h"

namespace tollgate::runs {

// What it stands on; all of it outlives it.
struct ExecutorParts {
  domain::Store& store;
  domain::BlobStore& blobs;
  LogHub& logs;
  PhaseRunner& runner;
  EventBus& events;
  const Clock& clock;
  RandomSource& random;
  std::function<void()> wake;                               // something is to be decided again
  std::function<void(const std::string&)> on_error;         // what an operator has to know
  std::function<void(std::string_view step)> step_reached;  // for kill tests: throws where it "dies"; may be empty
  PhaseCredentials* credentials = nullptr;                  // nullptr: phases get none
};

class PhaseExecutor {
 public:
  explicit PhaseExecutor(ExecutorParts parts) : parts_(std::move(parts)) {}
  ~PhaseExecutor() { stop(); }

  // The committed start gets its process. Failing to do so ends the run with reason "start_failed".
  void start(StartedPhase started);
  // A run found "planning" or "applying" by a process that did not start it. Does nothing where it is supervised.
  void attach(const domain::Run& run);
  // No effect where the run has no phase here.
  void interrupt(const std::string& run_id);
  void kill(const std::string& run_id);
  std::set<std::string> active();
  // Lets go of all phases without ending them, and waits for the threads.
  void stop();
  // Waits until no phase is supervised any more: for tests.
  void join();

  static std::string plan_key(std::string_view phase_id) { return fmt::format("plan/{}", phase_id); }
  static std::string plan_json_key(std::string_view phase_id) { return fmt::format("plan-json/{}", phase_id); }
  static std::string plan_redacted_key(std::string_view phase_id) { return fmt::format("plan-redacted/{}", phase_id); }

 private:
  struct Supervised {
    std::thread thread;
    std::mutex mutex;                    // of what follows
    std::shared_ptr<ActivePhase> phase;  // empty while it is being started
    bool interrupt = false;
    bool kill = false;
  };
  // nullptr where the run has no phase that is executed.
  std::shared_ptr<Supervised> supervised(const std::string& run_id);
  using Supervise = std::function<void(Supervised&)>;
  void launch(const std::string& run_id, Supervise body);
  void reap();
  Result<void> give_credentials(const StartedPhase& started, PhaseSpec& spec);
  void prepare_and_watch(Supervised& self, const StartedPhase& started);
  void watch(Supervised& self, std::shared_ptr<ActivePhase> phase, const domain::Run& run, domain::PhaseKind kind);
  bool copy(ActivePhase& phase, const domain::Run& run, domain::PhaseKind kind, StateIntake& states);
  void finish(const std::string& run_id, domain::PhaseKind kind, PhaseReport report,
              std::optional<std::int64_t> serial);
  void step(std::string_view name) const {
    if (parts_.step_reached) parts_.step_reached(name);
  }

  ExecutorParts parts_;
  std::atomic<bool> stopping_{false};
  std::condition_variable idle_;
  std::mutex mutex_;  // of what follows
  std::map<std::string, std::shared_ptr<Supervised>> supervised_;
  std::vector<std::shared_ptr<Supervised>> ended_;
};

}  // namespace tollgate::runs
