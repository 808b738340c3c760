// A PhaseRunner whose phases do what the test says. What it holds stands for files and processes: it outlives the
// server's objects. Counts what must never happen twice.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "server/runs/phase_runner.h"

namespace tollgate::runs {

struct FakeSpool {
  std::mutex mutex;
  std::condition_variable changed;
  std::string workspace_id;
  std::vector<std::string> variables;  // the names it was given
  domain::PhaseKind kind = domain::PhaseKind::plan;
  std::string output;
  std::vector<std::string> states;
  std::optional<PhaseReport> report;
  std::uint64_t version = 0;
  int interrupts = 0;
  int kills = 0;

  template <class F>
  void change(F f) {
    {
      const std::lock_guard lock(mutex);
      f(*this);
      ++version;
    }
    changed.notify_all();
  }
};

class FakePhase final : public ActivePhase {
 public:
  explicit FakePhase(std::shared_ptr<FakeSpool> spool) : spool_(std::move(spool)) {}
  void wait() override {
    std::unique_lock lock(spool_->mutex);
    spool_->changed.wait(lock, [&] { return spool_->version != seen_ || woken_; });
    seen_ = spool_->version;
    woken_ = false;
  }
  void wake() override {
    {
      const std::lock_guard lock(spool_->mutex);
      woken_ = true;
    }
    spool_->changed.notify_all();
  }
  std::string read_output(std::uint64_t offset, std::size_t limit) override {
    const std::lock_guard lock(spool_->mutex);
    return offset < spool_->output.size() ? spool_->output.substr(offset, limit) : "";
  }
  std::optional<std::string> next_state() override {
    const std::lock_guard lock(spool_->mutex);
    if (taken_ >= spool_->states.size()) return std::nullopt;
    return spool_->states[taken_++];
  }
  std::optional<PhaseReport> report() override {
    const std::lock_guard lock(spool_->mutex);
    return spool_->report;
  }
  void interrupt() override {
    spool_->change([](FakeSpool& spool) { ++spool.interrupts; });
  }
  void kill() override {
    spool_->change([](FakeSpool& spool) { ++spool.kills; });
  }

 private:
  std::shared_ptr<FakeSpool> spool_;
  std::uint64_t seen_ = 0;
  std::size_t taken_ = 0;
  bool woken_ = false;
};

class FakeRunner final : public PhaseRunner {
 public:
  Result<std::unique_ptr<ActivePhase>> start(const PhaseSpec& spec) override {
    if (on_start) on_start(spec);
    auto spool = std::make_shared<FakeSpool>();
    spool->workspace_id = spec.run->workspace_id;
    spool->kind = spec.phase;
    for (const FrozenVariable& variable : *spec.variables)
      spool->variables.push_back(variable.key);
    const std::lock_guard lock(mutex_);
    if (!started_.insert(spec.phase_id).second) ++violations_;  // nothing is started twice
    if (spec.phase == domain::PhaseKind::apply) {
      for (const auto& [id, other] : spools_) {
        const std::lock_guard other_lock(other->mutex);
        // I6: one writer for each workspace.
        if (other->kind == spec.phase && other->workspace_id == spool->workspace_id && !other->report) ++violations_;
      }
      if (spec.plan != "plan of " + spec.run->plan.id) ++violations_;
    }
    spools_[spec.phase_id] = spool;
    return std::make_unique<FakePhase>(spool);
  }
  std::unique_ptr<ActivePhase> attach(const std::string& id) override {
    const auto found = spool(id);
    return found ? std::make_unique<FakePhase>(found) : nullptr;
  }
  void wipe(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    spools_.erase(id);
  }
  std::vector<std::string> present() override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, spool] : spools_) {
      ids.push_back(id);
    }
    return ids;
  }
  std::shared_ptr<FakeSpool> spool(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto at = spools_.find(id);
    return at == spools_.end() ? nullptr : at->second;
  }
  std::function<void(const PhaseSpec&)> on_start;  // before anything else
  int violations() {
    const std::lock_guard lock(mutex_);
    return violations_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<FakeSpool>> spools_;
  std::set<std::string> started_;
  int violations_ = 0;
};

}  // namespace tollgate::runs
