#include "runner/protocol/phase_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "common/os/child_process.h"

namespace tollgate::runner {
namespace {

using std::chrono::steady_clock;

constexpr int kAliveFd = 3;  // in the runner
// How soon a runner that lives but does not listen is looked at again; it is about to end.
constexpr Duration kReconnectPause{50};

Result<UniqueFd> take_spool(const Spool& spool) {
  UniqueFd fd(
      openat(spool.directory().fd(), spool_file::kAlive.data(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(Code::io, fmt::format("opening {}/alive: {}", spool.path(), std::strerror(errno)));
  // Who asks whether the runner lives holds the lock for a moment.
  const auto give_up = steady_clock::now() + std::chrono::seconds(1);
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail(Code::io, fmt::format("locking {}/alive: {}", spool.path(), std::strerror(errno)));
    }
    if (steady_clock::now() >= give_up) {
      return fail(Error(Code::locked, fmt::format("a runner has the spool {}", spool.path())).because("spool_busy"));
    }
    poll(nullptr, 0, 1);
  }
  return fd;
}

UniqueFd connect_to(const os::PrivateDirectory& directory) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw std::system_error(errno, std::generic_category(), "socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket_path(directory);
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

}  // namespace

std::string socket_path(const os::PrivateDirectory& directory) {
  std::string path = fmt::format("{}/{}", directory.path(), spool_file::kControl);
  // The link of the descriptor is as good as the path, and short.
  if (path.size() >= sizeof sockaddr_un{}.sun_path) {
    path = fmt::format("/proc/self/fd/{}/{}", directory.fd(), spool_file::kControl);
  }
  return path;
}

struct PhaseClient::Impl {
  explicit Impl(Spool spool_) : spool(std::move(spool_)), woken(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!woken) throw std::system_error(errno, std::generic_category(), "eventfd");
  }

  // What the spool says, whatever the runner says.
  Progress look() const {
    Progress progress;
    // The lock first: a runner that is gone by now has written what it had to.
    const bool alive = spool.alive();
    progress.ended = !alive || spool.has(spool_file::kResult);
    progress.output_bytes = spool.output_size();
    const auto serials = spool.state_serials();
    if (!serials.empty()) progress.state_serial = serials.back();
    return progress;
  }

  // Until something is said, wake() was called or the time is over. True: woken.
  bool listen(steady_clock::time_point until) {
    if (!connection) {
      connection = connect_to(spool.directory());
      // What happened before we were connected is told at once by the runner.
    }
    auto left = std::chrono::ceil<Duration>(until - steady_clock::now());
    if (!connection) left = std::min(left, kReconnectPause);
    left = std::clamp(left, Duration(0), Duration(24 * 3600 * 1000));
    pollfd fds[2] = {{connection.get(), POLLIN, 0}, {woken.get(), POLLIN, 0}};
    if (poll(fds, 2, static_cast<int>(left.count())) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    if (connection && fds[0].revents != 0) {
      char buffer[kMaxControlLine];
      // Only that something was said counts; the spool tells what.
      const ssize_t got = recv(connection.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) connection.reset();
    }
    std::uint64_t count = 0;
    return read(woken.get(), &count, sizeof count) > 0;
  }

  Result<void> say(ControlCommand command) const {
    const UniqueFd line = connect_to(spool.directory());
    const std::string text = to_line(command);
    if (!line || send(line.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
      return fail(Error(Code::unavailable, fmt::format("no runner listens at {}", spool.path())).because("no_runner"));
    }
    return {};
  }

  Spool spool;
  UniqueFd woken;
  UniqueFd connection;
  std::optional<Progress> told;
};

PhaseClient::PhaseClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PhaseClient::PhaseClient(PhaseClient&&) noexcept = default;
PhaseClient& PhaseClient::operator=(PhaseClient&&) noexcept = default;
PhaseClient::~PhaseClient() = default;

Result<PhaseClient> PhaseClient::start(const std::string& program, Spool spool, const Bundle& bundle) {
  TG_TRY(const UniqueFd alive, take_spool(spool));
  if (spool.has(spool_file::kResult)) {
    return fail(Error(Code::conflict, fmt::format("the phase of {} is over", spool.path())).because("phase_over"));
  }
  os::Command command;
  command.argv = {program, "phase", "--spool", spool.path(), "--alive-fd", std::to_string(kAliveFd)};
  command.environment.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  command.error = os::Stdio::pipe();
  command.descriptors.emplace_back(kAliveFd, alive.get());
  os::CaptureOptions options;
  const Secret text = to_text(bundle);
  options.input = std::string(text.reveal());
  auto captured = os::capture(std::move(command), options);
  wipe(options.input);
  if (!captured) return fail(std::move(captured).error().while_doing("starting the runner"));
  if (!captured->succeeded()) {
    std::string said = captured->error_output;
    while (!said.empty() && said.back() == '\n')
      said.pop_back();
    return fail(Error(Code::unavailable, fmt::format("the runner did not start ({}): {}",
                                                     os::describe_wait_status(captured->wait_status), said))
                    .because("runner_refused"));
  }
  return PhaseClient(std::make_unique<Impl>(std::move(spool)));
}

Result<PhaseClient> PhaseClient::attach(const std::string& spool_path) {
  TG_TRY(Spool spool, Spool::open(spool_path));
  return PhaseClient(std::make_unique<Impl>(std::move(spool)));
}

const Spool& PhaseClient::spool() const {
  return impl_->spool;
}

Progress PhaseClient::wait(Duration timeout) {
  const auto until = steady_clock::now() + timeout;
  for (;;) {
    const Progress now = impl_->look();
    const bool news = !impl_->told || *impl_->told != now;
    if (!news && !now.ended && !impl_->listen(until) && steady_clock::now() < until) continue;
    const Progress latest = news ? now : impl_->look();
    impl_->told = latest;
    return latest;
  }
}

void PhaseClient::wake() {
  const std::uint64_t one = 1;
  // It fails only where it is set already.
  [[maybe_unused]] const ssize_t ignored = write(impl_->woken.get(), &one, sizeof one);
}

Result<void> PhaseClient::cancel() {
  return impl_->say(ControlCommand::cancel);
}

Result<void> PhaseClient::terminate() {
  return impl_->say(ControlCommand::terminate);
}

Result<void> PhaseClient::kill() {
  return impl_->say(ControlCommand::kill);
}

bool PhaseClient::alive() const {
  return impl_->spool.alive();
}

}  // namespace tollgate::runner
