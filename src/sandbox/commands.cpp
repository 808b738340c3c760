#include "sandbox/commands.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "common/base/encoding.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "common/http/server.h"
#include "common/os/atomic_file.h"
#include "common/os/file_lock.h"
#include "sandbox/call_log.h"
#include "sandbox/endpoint.h"
#include "sandbox/example_world.h"
#include "sandbox/journal.h"
#include "sandbox/object_store.h"
#include "sandbox/policy/case.h"
#include "sandbox/totp.h"
#include "sandbox/world_file.h"

namespace tollgate::sandbox {
namespace {

constexpr std::size_t kMaxWorldFile = 16 << 20;
constexpr std::uint64_t kMaxBody = 512ULL << 20;
constexpr unsigned kHandlerThreads = 16;  // waiting faults occupy one each

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(Code::io, fmt::format("cannot create {}: {}", path, std::generic_category().message(errno)));
  }
  return {};
}

Result<std::string> absolute(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  if (!real) {
    return fail(Error(Code::not_found, fmt::format("there is no directory {}", path))
                    .do_next(fmt::format("Run: tollgate-sandbox init {}", path)));
  }
  return std::string(real.get());
}

Result<WorldFile> load_world_file(const std::string& directory, TimePoint now) {
  const std::string path = directory + "/world.toml";
  auto text = os::read_file(path, kMaxWorldFile);
  if (!text) {
    Error error = std::move(text).error();
    if (error.code == Code::not_found) error.do_next(fmt::format("Run: tollgate-sandbox init {}", directory));
    return fail(std::move(error));
  }
  return read_world(*text, path, now);
}

Result<os::PrivateDirectory> state_directory(const std::string& directory) {
  return os::PrivateDirectory::create(directory + "/state");
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// The world as it is now, for commands beside a running server.
Result<World> current_world(const std::string& directory) {
  TG_TRY(WorldFile file, load_world_file(directory, SystemClock().now()));
  TG_TRY(const auto state, state_directory(directory));
  TG_CHECK(read_journal(state, file.world));
  return std::move(file.world);
}

}  // namespace

Result<void> init(const std::string& directory, std::uint16_t port) {
  TG_CHECK(make_directory(directory));
  TG_TRY(const std::string path, absolute(directory));
  if (::access((path + "/world.toml").c_str(), F_OK) == 0) {
    return fail(Error(Code::conflict, fmt::format("{}/world.toml is there already", path))
                    .do_next("Choose another directory, or edit that file."));
  }
  SystemRandom random;
  const ExampleFiles files = example_files(random, port);
  TG_CHECK(make_directory(path + "/aws"));
  TG_CHECK(os::write_file_atomically(path + "/aws/config", files.config));
  TG_CHECK(os::write_file_atomically(path + "/aws/credentials", files.credentials));
  TG_CHECK(os::write_file_atomically(path + "/env", env_file(path, port)));
  // Last, because it says that all is there.
  TG_CHECK(os::write_file_atomically(path + "/world.toml", files.world_toml));
  print(fmt::format(
      "Wrote an example world to {0}: users ana and bob with MFA devices, roles deploy, read-only and audit.\n\n"
      "  tollgate-sandbox serve {1} &\n"
      "  . {1}/env\n"
      "  tollgate-sandbox code {1} ana     # what ana's phone shows\n"
      "  aws --profile prod sts get-caller-identity\n",
      path, directory));
  return {};
}

Result<void> serve(const std::string& directory, std::optional<std::uint16_t> port) {
  // Before any thread is there, so that only sigwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  const SystemClock clock;
  SystemRandom random;
  TG_TRY(const std::string path, absolute(directory));
  TG_TRY(WorldFile file, load_world_file(path, clock.now()));
  TG_TRY(const auto state, state_directory(path));
  TG_TRY(const auto lock, os::FileLock::try_acquire(state, "lock"));
  if (!lock) return fail(Code::locked, fmt::format("another tollgate-sandbox serves {}", path));
  TG_TRY(Journal journal, Journal::open(state, file.world, clock.now()));
  TG_TRY(CallLog log, CallLog::open(state));
  TG_TRY(FaultFolder faults, FaultFolder::open(state));
  TG_TRY(FileObjects objects, FileObjects::open(state, random));

  EndpointHooks hooks;
  hooks.save = [&](World& world) { journal.save(world); };
  hooks.log = [&](const LogEntry& entry) { log.append(entry); };
  hooks.take_faults = [&](std::string_view action) {
    auto taken = faults.take(action);
    if (taken) return std::move(*taken);
    fmt::print(stderr, "tollgate-sandbox: {}\n", taken.error().text());
    return std::vector<Fault>();
  };
  Endpoint endpoint(std::move(file.world), std::move(file.faults), objects, clock, random, std::move(hooks));

  http::ServerOptions options;
  options.port = port.value_or(file.port);
  options.handler_threads = kHandlerThreads;
  options.max_body_bytes = kMaxBody;
  TG_TRY(const auto server, http::start_server(options, [&](const http::Request& r) { return endpoint.handle(r); }));
  TG_CHECK(os::write_file_atomically(path + "/env", env_file(path, server->port())));
  print(fmt::format("listening on http://127.0.0.1:{}\n", server->port()));
  std::fflush(stdout);

  int received = 0;
  while (sigwait(&signals, &received) != 0) {
  }
  endpoint.stop();
  server->stop();
  return {};
}

Result<void> show_code(const std::string& directory, const std::string& user, const std::string& serial, bool next) {
  TG_TRY(const std::string path, absolute(directory));
  TG_TRY(const World world, current_world(path));
  std::vector<const MfaDevice*> found;
  for (const auto& [key, device] : world.devices.all()) {
    const bool of_user = device.user == user || device.account + "/" + device.user == user;
    if (of_user && !device.user.empty() && (serial.empty() || serial == key)) found.push_back(&device);
  }
  if (found.empty()) {
    return fail(Code::not_found, serial.empty() ? fmt::format("user {} has no MFA device", user)
                                                : fmt::format("user {} has no MFA device {}", user, serial));
  }
  if (found.size() > 1) {
    std::string serials;
    for (const MfaDevice* device : found)
      serials += (serials.empty() ? "" : ", ") + device->serial;
    return fail(Error(Code::usage, fmt::format("user {} has several MFA devices", user))
                    .do_next(fmt::format("Choose one with --serial: {}", serials)));
  }
  const Duration ahead = next ? Duration(std::chrono::seconds(kTotpPeriod)) : Duration::zero();
  print(totp(found.front()->seed, SystemClock().now() + ahead) + "\n");
  return {};
}

Result<void> show_log(const std::string& directory, bool json) {
  TG_TRY(const std::string path, absolute(directory));
  TG_TRY(const auto state, state_directory(path));
  TG_TRY(const auto lines, read_call_log(state));
  for (const std::string& line : lines) {
    if (json) {
      print(line + "\n");
      continue;
    }
    TG_TRY(const LogEntry entry, log_entry_from_json(line));
    print(to_text_line(entry) + "\n");
  }
  return {};
}

Result<void> set_fault(const std::string& directory, const Fault& fault) {
  TG_TRY(const std::string path, absolute(directory));
  TG_TRY(const auto state, state_directory(path));
  TG_TRY(FaultFolder faults, FaultFolder::open(state));
  // Names sort in the order in which the faults were set.
  SystemRandom random;
  const auto now = SystemClock().now().time_since_epoch().count();
  return faults.add(fault, fmt::format("{:016}-{}", now, hex_encode(random.bytes(4))));
}

Result<void> list_faults(const std::string& directory) {
  TG_TRY(const std::string path, absolute(directory));
  TG_TRY(const auto state, state_directory(path));
  TG_TRY(const FaultFolder faults, FaultFolder::open(state));
  TG_TRY(const auto list, faults.list());
  for (const Fault& fault : list)
    print(json::to_text(to_json(fault)) + "\n");
  return {};
}

Result<void> clear_faults(const std::string& directory) {
  TG_TRY(const std::string path, absolute(directory));
  TG_TRY(const auto state, state_directory(path));
  TG_TRY(FaultFolder faults, FaultFolder::open(state));
  return faults.clear();
}

Result<void> evaluate_stdin(bool explain) {
  std::string text;
  char chunk[65536];
  while (const std::size_t count = std::fread(chunk, 1, sizeof(chunk), stdin))
    text.append(chunk, count);
  TG_TRY(const policy::Decision decision, policy::evaluate_case(text));
  print(fmt::format("{}\n", policy::outcome_name(decision.outcome)));
  if (explain) print(decision.reason + "\n");
  return {};
}

}  // namespace tollgate::sandbox
