#include "runner/sandbox_host.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "common/os/program_search.h"
#include "runner/process_host.h"
#include "runner/protocol/phase_result.h"

namespace tollgate::runner {
namespace {

using isolation::LimitHit;
using isolation::SandboxSpec;

// Where MemoryFiles appear inside.
constexpr const char* kMemoryDirectory = "/run/phase";
constexpr std::uint64_t kMostFiles = 1'000'000;
constexpr std::uint64_t kMostOpenFiles = 65536;

std::string resolved(const std::string& path) {
  char target[PATH_MAX];
  return realpath(path.c_str(), target) ? target : path;
}

std::uint64_t open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return std::min<std::uint64_t>(limit.rlim_max, kMostOpenFiles);
}

void set_limits(const Limits& wished, isolation::Limits& limits) {
  // Time is the loop's, which interrupts first.
  limits.memory_bytes = static_cast<std::uint64_t>(wished.memory_bytes);
  limits.processes = static_cast<std::uint64_t>(wished.processes);
  limits.disk_bytes = static_cast<std::uint64_t>(wished.disk_bytes);
  limits.file_bytes = limits.disk_bytes;
  limits.disk_files = limits.disk_bytes > 0 ? kMostFiles : 0;
  limits.open_files = open_files();
}

// For the credentials of the phase: any that is nobody's.
std::uint16_t free_port(const std::vector<std::uint16_t>& taken) {
  std::uint16_t port = 18080;
  while (std::find(taken.begin(), taken.end(), port) != taken.end())
    ++port;
  return port;
}

std::string_view word(LimitHit limit) {
  switch (limit) {
    case LimitHit::memory:
      return reason::kLimitMemory;
    case LimitHit::processes:
      return reason::kLimitProcesses;
    case LimitHit::disk:
      return reason::kLimitDisk;
    case LimitHit::wall_time:
      break;
  }
  return reason::kLimitSeconds;
}

Error with_remedy(Error error) {
  if (!error.next.empty()) error.message += fmt::format(". To do: {}", error.next);
  return error;
}

class SandboxHost final : public ProcessHost {
 public:
  SandboxHost(const Bundle& bundle, const std::string& work, const std::string& memory)
      : spec_(sandbox_spec(bundle, work, memory)), terraform_(bundle.terraform) {
    spec_.kept_network = std::make_shared<isolation::KeptNetwork>();
  }

  Result<HostedStreams> start(const HostedCommand& command) override {
    SandboxSpec spec = spec_;
    spec.argv = command.arguments;
    // Links of the host lead nowhere inside.
    if (spec.argv.front() == terraform_) spec.argv.front() = resolved(terraform_);
    spec.start_directory = command.directory;
    for (const auto& [name, value] : command.environment.variables())
      spec.environment.push_back({name, Secret(value)});
    limit_hit_.clear();
    // The ports of the one before are free only when it is gone.
    program_.reset();
    auto started = isolation::start(spec);
    if (!started) return fail(with_remedy(std::move(started).error()));
    program_.emplace(std::move(*started));
    report_ = program_->report();
    HostedStreams streams{std::move(program_->output), std::move(program_->error), {}};
    if (!program_->listeners.empty()) streams.served = std::move(program_->listeners.front());
    for (const UniqueFd* end : {&streams.output, &streams.error})
      fcntl(end->get(), F_SETFL, O_NONBLOCK);
    return streams;
  }

  int ended_fd() const override { return program_ ? program_->done_fd() : -1; }
  void interrupt() override {
    if (program_) program_->interrupt();
  }
  void terminate() override {
    if (program_) program_->terminate();
  }
  void kill_all() override {
    if (program_) program_->kill();
  }

  std::optional<int> finished() override {
    if (!program_) return std::nullopt;
    pollfd done{program_->done_fd(), POLLIN, 0};
    if (poll(&done, 1, 0) <= 0) return std::nullopt;
    const isolation::Exit end = program_->wait();
    if (!end.limits.empty()) limit_hit_ = std::string(word(end.limits.front()));
    return end.status;
  }

  std::string limit_hit() const override { return limit_hit_; }
  std::string inside_memory() const override { return kMemoryDirectory; }
  std::string inside_home() const override { return isolation::kHomeDirectory; }
  // On disk and counted, unlike /tmp: archives of providers are larger than what fits into memory.
  std::string inside_temporary() const override { return std::string(isolation::kWorkDirectory) + "/tmp"; }
  std::optional<std::uint16_t> served_port() const override {
    return spec_.served_ports.empty() ? std::nullopt : std::optional(spec_.served_ports.front());
  }
  std::vector<std::string> isolation() const override { return report_.applied; }
  std::vector<std::string> warnings() const override { return warnings_of(report_); }

 private:
  SandboxSpec spec_;
  std::string terraform_;
  std::optional<isolation::SandboxedProgram> program_;
  isolation::IsolationReport report_;
  std::string limit_hit_;
};

// A work directory for the moment of a check.
class Trial {
 public:
  explicit Trial(const Bundle& bundle) {
    char name[] = "/tmp/tollgate-check-XXXXXX";
    if (!mkdtemp(name)) return;
    path_ = name;
    if (geteuid() != 0 || !bundle.uid) return;
    const auto user = static_cast<uid_t>(*bundle.uid);
    if (chown(name, user, static_cast<gid_t>(bundle.gid.value_or(*bundle.uid))) != 0) remove();
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial() { remove(); }
  const std::string& path() const { return path_; }

 private:
  void remove() {
    if (!path_.empty()) rmdir(path_.c_str());
    path_.clear();
  }
  std::string path_;
};

}  // namespace

isolation::SandboxSpec sandbox_spec(const Bundle& bundle, const std::string& work, const std::string& memory) {
  SandboxSpec spec;
  if (auto confine = os::program_beside("tollgate-confine")) spec.confine = std::move(*confine);
  spec.work_directory = work;
  if (!memory.empty()) spec.readable.push_back({memory, kMemoryDirectory});
  // Below /usr everything is visible anyway.
  const std::string terraform = resolved(bundle.terraform);
  if (terraform.rfind("/usr/", 0) != 0) spec.readable.push_back({terraform, ""});
  // A mirror must be at the same place inside, because terraform links to what lies in it.
  for (const std::string& mirror : bundle.provider_mirrors)
    spec.readable.push_back({mirror, ""});
  if (!bundle.plugin_cache_directory.empty()) spec.readable.push_back({bundle.plugin_cache_directory, ""});
  switch (bundle.network.mode) {
    case NetworkMode::none:
      spec.network = isolation::Network::none;
      break;
    case NetworkMode::isolated:
      spec.network = isolation::Network::internet;
      break;
    case NetworkMode::host:
      spec.network = isolation::Network::shared;
      break;
  }
  // In the host's own network they are there anyway, and what is served there is everybody's.
  if (bundle.network.mode != NetworkMode::host) {
    spec.loopback_ports = bundle.network.loopback_ports;
    if (bundle.aws && bundle.aws->renewal) spec.served_ports = {free_port(spec.loopback_ports)};
  }
  set_limits(bundle.limits, spec.limits);
  if (geteuid() == 0 && bundle.uid) {
    spec.user = static_cast<uid_t>(*bundle.uid);
    spec.group = static_cast<gid_t>(bundle.gid.value_or(*bundle.uid));
  }
  return spec;
}

Result<isolation::IsolationReport> try_sandbox(const Bundle& bundle) {
  const Trial trial(bundle);
  if (trial.path().empty()) {
    return fail(Error(Code::io, fmt::format("making a directory in /tmp: {}", std::strerror(errno))));
  }
  return isolation::check_sandbox(sandbox_spec(bundle, trial.path(), ""));
}

std::vector<std::string> warnings_of(const isolation::IsolationReport& report) {
  std::vector<std::string> sentences;
  for (const std::string& downgrade : report.downgrades)
    sentences.push_back(fmt::format("Warning: {}.", downgrade));
  return sentences;
}

std::unique_ptr<ProcessHost> sandbox_host(const Bundle& bundle, const std::string& work, const std::string& memory) {
  return std::make_unique<SandboxHost>(bundle, work, memory);
}

}  // namespace tollgate::runner
