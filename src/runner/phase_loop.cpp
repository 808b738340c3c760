#include "runner/phase_loop.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

namespace tollgate::runner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// While what a program left behind is being killed, and while a state is half written.
constexpr milliseconds kSoon{5};
constexpr int kLongest = 60000;
// Read from a pipe before others get their turn.
constexpr int kReadsInARow = 16;

}  // namespace

void BufferSink::take(std::string_view bytes) {
  if (bytes.size() > limit_ - text_.size()) complete_ = false;
  text_.append(bytes.substr(0, limit_ - text_.size()));
}

PhaseLoop::PhaseLoop(const Limits& limits, ControlServer& control, OutputLog& log, int signals, const Clock& clock)
    : limits_(limits),
      clock_(clock),
      control_(control),
      log_(log),
      signals_(signals),
      deadline_(steady_clock::now() + seconds(limits.seconds)) {}

Result<ProgramEnd> PhaseLoop::run(const HostedCommand& command, OutputSink& output, OutputSink& errors) {
  TG_TRY(HostedStreams opened, host_->start(command));
  std::array<Stream, 2> streams;
  streams[0] = {std::move(opened.output), &output};
  streams[1] = {std::move(opened.error), &errors};
  if (endpoint_) endpoint_->listen_on(std::move(opened.served));
  running_ = true;
  std::optional<int> status;
  bool ended = false;
  while (!status) {
    turn(streams.data(), streams.size(), ended ? std::optional(steady_clock::now() + kSoon) : std::nullopt);
    pollfd end{host_->ended_fd(), POLLIN, 0};
    ended = ended || (poll(&end, 1, 0) > 0);
    if (ended) status = host_->finished();
  }
  running_ = false;
  if (endpoint_) endpoint_->listen_on({});
  // Nobody is left who could write: what is in the pipes is all there is.
  for (Stream& stream : streams) {
    while (stream.fd && read_some(stream)) {
    }
  }
  if (states_) states_->look();
  tell_progress();
  ProgramEnd end;
  end.exit_code = *status;
  return end;
}

void PhaseLoop::breathe() {
  turn(nullptr, 0, steady_clock::now());
}

int PhaseLoop::timeout(std::optional<Time> until) const {
  Time next = deadline_;
  // Once over, the deadline has had its effect.
  if (stop_ != Stop::none) next = next_stop_ ? *next_stop_ : Time::max();
  if (until) next = std::min(next, *until);
  if (states_ && states_->pending()) next = std::min(next, steady_clock::now() + kSoon);
  auto left =
      next == Time::max() ? milliseconds(kLongest) : std::chrono::ceil<milliseconds>(next - steady_clock::now());
  const auto due = session_ && stop_ == Stop::none ? session_->due() : std::nullopt;
  if (due) left = std::min<milliseconds>(left, *due - clock_.now());
  return static_cast<int>(std::clamp<long long>(left.count(), 0, kLongest));
}

void PhaseLoop::turn(Stream* streams, std::size_t count, std::optional<Time> until) {
  std::vector<pollfd> entries;
  for (std::size_t at = 0; at < count; ++at)
    entries.push_back({streams[at].fd.get(), POLLIN, 0});
  // A program that has ended stays readable; run() then asks by time.
  entries.push_back({host_ && running_ && !until ? host_->ended_fd() : -1, POLLIN, 0});
  entries.push_back({states_ ? states_->fd() : -1, POLLIN, 0});
  entries.push_back({signals_, POLLIN, 0});
  entries.push_back({session_ ? session_->fd() : -1, POLLIN, 0});
  const std::size_t first_served = entries.size();
  if (endpoint_) endpoint_->add_to(entries);
  const std::size_t first_control = entries.size();
  control_.add_to(entries);
  if (poll(entries.data(), entries.size(), timeout(until)) < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "poll");
  }
  // Before anybody is served: what they get is not to be in the log.
  watch_session();
  if (endpoint_) endpoint_->handle(entries.data() + first_served, first_control - first_served);
  for (std::size_t at = 0; at < count; ++at) {
    for (int round = 0; streams[at].fd && entries[at].revents != 0 && round < kReadsInARow; ++round) {
      if (!read_some(streams[at])) break;
    }
  }
  if (states_ && (entries[count + 1].revents != 0 || states_->pending())) states_->look();
  if (entries[count + 2].revents != 0) read_signals();
  control_.handle(entries.data() + first_control, entries.size() - first_control, [&](ControlCommand command) {
    switch (command) {
      case ControlCommand::cancel:
        request(Stop::interrupt, reason::kCanceled);
        break;
      case ControlCommand::terminate:
        request(Stop::terminate, reason::kCanceled);
        break;
      case ControlCommand::kill:
        request(Stop::kill, reason::kForceCanceled);
        break;
      case ControlCommand::ping:
        break;
    }
  });
  watch_limits();
  tell_progress();
}

// False when nothing is there now, or never again.
bool PhaseLoop::read_some(Stream& stream) {
  char buffer[65536];
  ssize_t got = 0;
  while ((got = read(stream.fd.get(), buffer, sizeof buffer)) < 0 && errno == EINTR) {
  }
  if (got > 0) {
    stream.sink->take({buffer, static_cast<std::size_t>(got)});
    return true;
  }
  if (got == 0) stream.fd.reset();
  return false;
}

void PhaseLoop::read_signals() {
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGTERM) request(Stop::interrupt, reason::kCanceled);
  }
}

void PhaseLoop::watch_limits() {
  const auto now = steady_clock::now();
  if (stop_ == Stop::none && now >= deadline_) request(Stop::interrupt, reason::kLimitSeconds);
  if (stop_ == Stop::none && !log_.failure().empty()) request(Stop::interrupt, reason::kDiskFull);
  if (next_stop_ && now >= *next_stop_) escalate();
}

void PhaseLoop::watch_session() {
  if (!session_) return;
  const KeptSession::News news = session_->look();
  if (!news.secrets.empty()) log_.redact_too(news.secrets);
  if (!news.note.empty()) log_.note(news.note);
  if (stop_ == Stop::none && session_->is_over()) request(Stop::interrupt, reason::kCredentialsExpired);
}

void PhaseLoop::request(Stop stop, std::string_view why) {
  if (stop <= stop_) return;
  // The first reason counts, but that being killed is said.
  if (stop_reason_.empty() || stop == Stop::kill) stop_reason_ = std::string(why);
  stop_ = stop;
  next_stop_ = std::nullopt;
  const auto now = steady_clock::now();
  switch (stop) {
    case Stop::none:
      return;
    case Stop::interrupt:
      next_stop_ = now + seconds(limits_.cancel_grace_seconds);
      if (running_) host_->interrupt();
      return;
    case Stop::terminate:
      next_stop_ = now + seconds(limits_.kill_grace_seconds);
      if (running_) host_->terminate();
      return;
    case Stop::kill:
      if (running_) host_->kill_all();
      return;
  }
}

void PhaseLoop::escalate() {
  const std::string why = stop_reason_;
  request(stop_ == Stop::interrupt ? Stop::terminate : Stop::kill, why);
}

void PhaseLoop::tell_progress(bool ended) {
  Progress progress;
  progress.output_bytes = log_.size();
  if (states_) progress.state_serial = states_->serial();
  progress.ended = ended;
  control_.tell(progress);
}

}  // namespace tollgate::runner
