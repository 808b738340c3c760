// The process that holds the listening socket while workers come and go, so that no client is ever refused: stock
// terraform aborts a person's command on one refused read of a log. It starts a worker on the socket, replaces it on
// SIGHUP (first the old one ends, for there is one writer to the database; connections wait in the kernel's queue
// meanwhile), and starts another where one dies. It reads no request and holds no key. Main thread only; other threads
// must not exist yet.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/os/environment.h"

namespace tollgate::app {

// In the worker: the listening socket, and where it writes one byte once it serves.
inline constexpr int kWorkerListenFd = 3;
inline constexpr int kWorkerReadyFd = 4;

struct SupervisorOptions {
  std::vector<std::string> worker_argv;  // argv[0] is an absolute path: a replaced file is the next worker's program
  os::Environment environment;
  int listen_fd = -1;          // stays the caller's
  Duration stop_grace{35000};  // after SIGTERM, before SIGKILL
  // A worker that dies so often is not started again: the fault is not a passing one.
  int most_deaths = 5;
  Duration within{60000};
};

// Returns when SIGTERM or SIGINT ended the last worker: 0. Errors: Code::unavailable (reason "worker_dies") where
// workers keep dying or the first one never became ready, and what spawn says.
Result<int> supervise_workers(const SupervisorOptions& options, Log& log, const Clock& clock);

}  // namespace tollgate::app
