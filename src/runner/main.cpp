// tollgate-runner: executes one phase of one run. `phase` reads its bundle from stdin, takes the spool, and goes on by
// itself: the process that was started ends as soon as everything is ready.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>

#include "common/base/random.h"
#include "common/os/process_hardening.h"
#include "common/os/program_search.h"
#include "runner/phase_run.h"
#include "runner/protocol/sandbox_check.h"
#include "runner/redaction_patterns.h"
#include "runner/sandbox_host.h"

namespace tollgate::runner {
namespace {

constexpr std::size_t kMaxBundle = std::size_t{64} << 20;
constexpr std::string_view kFetchProgram = "tollgate-fetch";
constexpr const char* kUsage =
    "Usage: tollgate-runner phase --spool DIR [--alive-fd N] < BUNDLE\n"
    "       tollgate-runner check < BUNDLE\n"
    "\n"
    "Executes one phase (a plan or an apply) of one run. The server starts it; DIR holds what the phase needs and\n"
    "receives what it gives, BUNDLE is a JSON document. --alive-fd names an inherited descriptor of DIR/alive that is\n"
    "locked already. `check` builds the sandbox that BUNDLE wants around a program that does nothing, and says what "
    "is\n"
    "in force.\n";

struct Arguments {
  std::string spool;
  int alive_fd = -1;
};

std::optional<Arguments> parse_arguments(int count, char** words) {
  if (count < 2 || std::string_view(words[1]) != "phase") return std::nullopt;
  Arguments arguments;
  for (int at = 2; at + 1 < count; at += 2) {
    const std::string_view flag = words[at];
    const std::string_view value = words[at + 1];
    if (flag == "--spool") {
      arguments.spool = std::string(value);
    } else if (flag == "--alive-fd") {
      const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), arguments.alive_fd);
      if (problem != std::errc() || end != value.data() + value.size() || arguments.alive_fd < 3) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  if (count % 2 != 0 || arguments.spool.empty() || arguments.spool.front() != '/') return std::nullopt;
  return arguments;
}

Result<Secret> read_bundle() {
  std::string text;
  for (;;) {
    const std::size_t filled = text.size();
    if (text.capacity() < filled + 65536) {
      std::string larger;
      larger.reserve(2 * filled + 131072);
      larger = text;
      wipe(text);
      text = std::move(larger);
    }
    const std::size_t room = std::min<std::size_t>(65536, kMaxBundle - filled);
    if (room == 0) return fail(Code::invalid, "the bundle is too large");
    text.resize(filled + room);
    ssize_t got = 0;
    while ((got = read(STDIN_FILENO, text.data() + filled, room)) < 0 && errno == EINTR) {
    }
    text.resize(filled + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got < 0) return fail(Code::io, fmt::format("reading the bundle: {}", std::strerror(errno)));
    if (got == 0) return Secret::take(std::move(text));
  }
}

// The locked descriptor of `alive`: the one that was inherited, or our own.
Result<UniqueFd> take_spool(const Spool& spool, int inherited) {
  UniqueFd fd(inherited >= 0 ? inherited
                             : openat(spool.directory().fd(), spool_file::kAlive.data(),
                                      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  struct stat given {};
  struct stat named {};
  if (!fd || fstat(fd.get(), &given) != 0 ||
      fstatat(spool.directory().fd(), spool_file::kAlive.data(), &named, AT_SYMLINK_NOFOLLOW) != 0 ||
      given.st_ino != named.st_ino || given.st_dev != named.st_dev) {
    return fail(Code::usage, "the descriptor is not that of the spool's lock");
  }
  fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  // Of an inherited one this changes nothing: the lock belongs to the open file.
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Error(Code::locked, fmt::format("a runner has the spool {}", spool.path())).because("spool_busy"));
  }
  return fd;
}

std::vector<Secret> secrets_of(const Bundle& bundle) {
  std::vector<Secret> secrets = bundle.redact;
  for (const BundleVariable& variable : bundle.variables) {
    if (variable.sensitive) secrets.push_back(variable.value);
  }
  for (const EnvironmentEntry& entry : bundle.environment) {
    if (entry.redact) secrets.push_back(entry.value);
  }
  if (bundle.aws) {
    secrets.emplace_back(bundle.aws->keys.access_key_id);
    secrets.push_back(bundle.aws->keys.secret_access_key);
    secrets.push_back(bundle.aws->keys.session_token);
  }
  return secrets;
}

// What a phase has of AWS.
struct Access {
  std::unique_ptr<KeptSession> session;
  std::unique_ptr<CredentialsEndpoint> endpoint;
};

Access access_of(const Bundle& bundle, const Clock& clock, RandomSource& random) {
  Access access;
  if (!bundle.aws) return access;
  const auto& renewal = bundle.aws->renewal;
  KeptSession::Assume assume;
  if (renewal) {
    auto program = os::program_beside(kFetchProgram);
    if (!program) throw std::runtime_error(program.error().message);
    assume = assume_by_fetch(*renewal, std::move(*program), clock);
  }
  access.session = std::make_unique<KeptSession>(*bundle.aws, std::move(assume), clock);
  if (renewal) {
    access.endpoint =
        std::make_unique<CredentialsEndpoint>(random, [session = access.session.get()] { return session->document(); });
  }
  return access;
}

// Only a second process can lead a session, and whoever started us need not wait for the phase.
void leave_parent() {
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child > 0) _exit(0);
  setsid();
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int number = 0; number < 3; ++number)
    dup2(null.get(), number);
  // The directory we were started in need not stay.
  [[maybe_unused]] const int ignored = chdir("/");
}

UniqueFd take_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
    sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

PhaseResult execute(const PhaseParts& parts) {
  try {
    return PhaseRun(parts).execute();
  } catch (const std::exception& broken) {
    PhaseResult result;
    result.reason = std::string(reason::kInternal);
    result.sentence = broken.what();
    result.started_at = result.ended_at = parts.clock.now();
    result.output_bytes = parts.log.size();
    const auto serials = parts.spool.state_serials();
    if (!serials.empty()) result.state_serial = serials.back();
    return result;
  }
}

Result<void> run_phase(const Arguments& arguments) {
  TG_TRY(const Spool spool, Spool::open(arguments.spool));
  TG_TRY(const UniqueFd alive, take_spool(spool, arguments.alive_fd));
  TG_TRY(const Secret text, read_bundle());
  TG_TRY(const Bundle bundle, parse_bundle(text.reveal()));
  TG_TRY(OutputLog log,
         OutputLog::create(spool, redaction_patterns(secrets_of(bundle)),
                           static_cast<std::uint64_t>(bundle.limits.log_bytes), bundle.log_format == LogFormat::json));
  TG_TRY(ControlServer control, ControlServer::listen(spool));
  const UniqueFd signals = take_signals();
  leave_parent();

  const SystemClock clock;
  SystemRandom random;
  const Access access = access_of(bundle, clock, random);
  if (access.endpoint) log.redact_too({access.endpoint->token()});
  const PhaseResult result = execute(
      {spool, bundle, control, log, signals.get(), clock, host_for, access.session.get(), access.endpoint.get()});
  // Without it, also after a power cut that took it, the server finds a free lock and no result, and says so.
  const auto written = spool.write(spool_file::kResult, to_text(result));
  Progress progress;
  progress.output_bytes = log.size();
  progress.state_serial = result.state_serial;
  progress.ended = true;
  control.tell(progress);
  return written;
}

Result<void> run_check() {
  TG_TRY(const Secret text, read_bundle());
  TG_TRY(const Bundle bundle, parse_bundle(text.reveal()));
  TG_TRY(const std::string fetch, os::program_beside(kFetchProgram));
  if (access(fetch.c_str(), X_OK) != 0) {
    return fail(
        Error(Code::unavailable, fmt::format("{} is not there, which renews the AWS session of a long run", fetch))
            .do_next("install it beside tollgate-runner"));
  }
  TG_TRY(const isolation::IsolationReport report, try_sandbox(bundle));
  std::puts(to_text(SandboxFacts{report.applied, warnings_of(report)}).c_str());
  return {};
}

}  // namespace
}  // namespace tollgate::runner

int main(int count, char** words) {
  using namespace tollgate;
  if (count == 2 && std::string_view(words[1]) == "--version") {
    std::puts("tollgate-runner " TOLLGATE_VERSION);
    return 0;
  }
  const bool check = count == 2 && std::string_view(words[1]) == "check";
  const auto arguments = runner::parse_arguments(count, words);
  if (!arguments && !check) {
    std::fputs(runner::kUsage, count == 2 && std::string_view(words[1]) == "--help" ? stdout : stderr);
    return count == 2 && std::string_view(words[1]) == "--help" ? 0 : exit_status(Code::usage);
  }
  os::harden_process();
  try {
    const auto done = check ? runner::run_check() : runner::run_phase(*arguments);
    if (done) return 0;
    std::fprintf(stderr, "tollgate-runner: %s\n%s\n", done.error().text().c_str(), done.error().next.c_str());
    return exit_status(done.error().code);
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "tollgate-runner: %s\n", broken.what());
    return exit_status(Code::internal);
  }
}
