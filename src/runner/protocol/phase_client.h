// The server's end of one phase: starts its runner, or attaches to one that an earlier process of the server started,
// and follows it. It neither polls nor owns the phase: letting go of a PhaseClient does not end it. One thread calls
// wait(); wake(), cancel(), terminate(), kill(), alive() and everything of spool() may be called by others meanwhile.
#pragma once

#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "runner/protocol/bundle.h"
#include "runner/protocol/control.h"
#include "runner/protocol/spool.h"

namespace tollgate::runner {

class PhaseClient {
 public:
  // Starts `program` (tollgate-runner) for a spool whose input files are there. Returns when the runner has read the
  // bundle, holds the spool, listens, and is no child of ours any more. From the moment this takes the spool until the
  // runner ends the spool is locked, whoever is killed in between. Errors: Code::locked (reason spool_busy): a runner
  // has it; Code::conflict (reason phase_over): it has a result; Code::unavailable (reason runner_refused) with what
  // the runner said; those of os::spawn.
  static Result<PhaseClient> start(const std::string& program, Spool spool, const Bundle& bundle);
  // Code::not_found where there is no such spool. The runner may be alive, gone or lost.
  static Result<PhaseClient> attach(const std::string& spool_path);

  PhaseClient(PhaseClient&&) noexcept;
  PhaseClient& operator=(PhaseClient&&) noexcept;
  ~PhaseClient();

  const Spool& spool() const;
  // Blocks until there is something new since the last call, wake() was called, or the time is over; at once where the
  // phase has ended. The first call returns what there is.
  Progress wait(Duration timeout);
  void wake();

  // Code::unavailable where no runner listens (it is over, or lost). Saying it again is harmless.
  Result<void> cancel();
  Result<void> terminate();
  Result<void> kill();

  // Whether the runner lives.
  bool alive() const;

 private:
  struct Impl;
  explicit PhaseClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A path for sockaddr_un (at most 107 bytes) however long the directory's own is.
std::string socket_path(const os::PrivateDirectory& directory);

}  // namespace tollgate::runner
