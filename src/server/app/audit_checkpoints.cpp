#include "server/app/audit_checkpoints.h"

#include <exception>

#include "server/audit/checkpoint.h"

namespace tollgate::app {

AuditCheckpoints::AuditCheckpoints(domain::Store& store, Secret key, Log& log, std::chrono::seconds every)
    : store_(store), key_(std::move(key)), log_(log), every_(every) {}

void AuditCheckpoints::start() {
  thread_ = std::thread([this] { run(); });
}

void AuditCheckpoints::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void AuditCheckpoints::run() {
  while (true) {
    (void)sign_now();
    std::unique_lock lock(mutex_);
    if (stopped_.wait_for(lock, every_, [this] { return stop_; })) return;
  }
}

bool AuditCheckpoints::sign_now() {
  try {
    const auto signed_until =
        store_.write([&](domain::Tables& tables) { return audit::advance_checkpoint(tables, key_); });
    if (!signed_until) {
      log_.error("audit.broken", signed_until.error().message);
      return false;
    }
    log_.info("audit.checkpoint", "the audit's chain is signed up to here",
              {{"records", std::to_string(signed_until->records)}, {"hash", signed_until->last_hash}});
    return true;
  } catch (const std::exception& broken) {
    log_.error("audit.checkpoint_failed", broken.what());
    return false;
  }
}

}  // namespace tollgate::app
