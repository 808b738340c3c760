// Runs the programs of a phase one after the other and meanwhile does everything else: copies their output, ships
// states, answers the control socket, and stops them when somebody says so or the time is over. Stopping is one SIGINT
// to the program (terraform takes a second one as "at once" and loses state), SIGTERM after the grace, then SIGKILL to
// everything. A program has ended when nothing that it started is left. One thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "runner/control_server.h"
#include "runner/credentials_endpoint.h"
#include "runner/kept_session.h"
#include "runner/output_log.h"
#include "runner/process_host.h"
#include "runner/state_watch.h"

namespace tollgate::runner {

// Receives what a program writes, as it comes.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void take(std::string_view bytes) = 0;
};

// Keeps the first bytes up to a limit.
class BufferSink final : public OutputSink {
 public:
  explicit BufferSink(std::size_t limit) : limit_(limit) {}
  void take(std::string_view bytes) override;
  const std::string& text() const { return text_; }
  bool complete() const { return complete_; }

 private:
  std::size_t limit_;
  std::string text_;
  bool complete_ = true;
};

struct ProgramEnd {
  int exit_code = -1;  // 128 + n for death by signal n
  bool signaled() const { return exit_code > 128; }
};

class PhaseLoop {
 public:
  // How far stopping has come; it never goes back.
  enum class Stop { none, interrupt, terminate, kill };

  // `signals`: a signalfd, SIGTERM on which means cancel. All of it outlives this.
  PhaseLoop(const Limits& limits, ControlServer& control, OutputLog& log, int signals, const Clock& clock);

  void use(ProcessHost& host) { host_ = &host; }
  void watch(StateWatch* states) { states_ = states; }
  // Renewed in time, and its end ends the phase.
  void keep(KeptSession& session) { session_ = &session; }
  // Served to each program, at its host's port.
  void serve(CredentialsEndpoint& endpoint) { endpoint_ = &endpoint; }

  // Errors: those of the host's start.
  Result<ProgramEnd> run(const HostedCommand& command, OutputSink& output, OutputSink& errors);
  // Answers what has been asked meanwhile; between programs.
  void breathe();

  // Once true, no further program may be started but for what shows what has happened.
  bool stopping() const { return stop_ != Stop::none; }
  Stop stop() const { return stop_; }
  // Why (one of reason::), empty while nobody said so.
  const std::string& stop_reason() const { return stop_reason_; }
  // Programs that only show what has happened still run after a cancel, but not beyond the grace.
  bool killed() const { return stop_ == Stop::kill; }

  void tell_progress(bool ended = false);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Stream {
    UniqueFd fd;
    OutputSink* sink = nullptr;
  };
  void turn(Stream* streams, std::size_t count, std::optional<Time> until);
  void request(Stop stop, std::string_view reason);
  void escalate();
  void watch_limits();
  void watch_session();
  void read_signals();
  int timeout(std::optional<Time> until) const;
  static bool read_some(Stream& stream);

  const Limits& limits_;
  const Clock& clock_;  // of sessions, whose end is a point in time
  ControlServer& control_;
  OutputLog& log_;
  int signals_;
  ProcessHost* host_ = nullptr;
  StateWatch* states_ = nullptr;
  KeptSession* session_ = nullptr;
  CredentialsEndpoint* endpoint_ = nullptr;
  bool running_ = false;
  Stop stop_ = Stop::none;
  std::string stop_reason_;
  std::optional<Time> next_stop_;
  Time deadline_;
};

}  // namespace tollgate::runner
