// Signs the end of the audit's chain when the server starts and each hour from then on, so that an end that is cut off
// later is found. A checkpoint is also a line of the log: who keeps the log elsewhere can compare. Looks at the records
// since the last one before it signs; what does not fit is an error in the log, and nothing is signed until a person
// has looked. Threads: its own, and sign_now() from any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "server/domain/store.h"

namespace tollgate::app {

class AuditCheckpoints {
 public:
  AuditCheckpoints(domain::Store& store, Secret key, Log& log, std::chrono::seconds every = std::chrono::hours(1));
  ~AuditCheckpoints() { stop(); }
  void start();
  void stop();  // idempotent
  // Whether the chain was whole. Never throws.
  bool sign_now();

 private:
  void run();

  domain::Store& store_;
  const Secret key_;
  Log& log_;
  const std::chrono::seconds every_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tollgate::app
