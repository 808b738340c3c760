#include "server/app/runner_setup.h"

#include <unistd.h>

#include "common/os/program_search.h"

namespace tollgate::app {
namespace {

constexpr std::int64_t kFirstRunUser = 62000;  // no entry in /etc/passwd needs to name it

runner::NetworkMode network_mode(const std::string& word) {
  if (word == "none") return runner::NetworkMode::none;
  return word == "shared" ? runner::NetworkMode::host : runner::NetworkMode::isolated;
}

}  // namespace

Result<SpoolRunnerOptions> runner_options(const Configuration& configuration, const ServerPaths& paths) {
  SpoolRunnerOptions options;
  options.program = configuration.runner_program;
  if (options.program.empty()) {
    TG_TRY(options.program, os::program_beside("tollgate-runner"));
  }
  options.directory = paths.data + "/spool";
  if (!configuration.provider_mirror.empty()) options.provider_mirrors.push_back(configuration.provider_mirror);
  options.plugin_cache = configuration.plugin_cache;
  options.schema_cache = paths.data + "/schemas";
  options.network.mode = network_mode(configuration.runner_network);
  for (const std::int64_t port : configuration.runner_loopback_ports)
    options.network.loopback_ports.push_back(static_cast<std::uint16_t>(port));
  options.limits.memory_bytes = configuration.runner_memory_mib << 20;
  options.limits.processes = configuration.runner_processes;
  options.limits.disk_bytes = configuration.runner_disk_mib << 20;
  options.limits.log_bytes = configuration.runner_log_mib << 20;
  options.unsandboxed = configuration.runner_unsandboxed;
  // Without a sandbox another user could not reach the phase's files, which lie in the server's private directory.
  if (::geteuid() == 0 && !options.unsandboxed) {
    options.first_uid = configuration.runner_uid == 0 ? kFirstRunUser : configuration.runner_uid;
  }
  return options;
}

Result<std::optional<runner::SandboxFacts>> check_runner(const SpoolRunnerOptions& options) {
  if (options.unsandboxed) return std::optional<runner::SandboxFacts>();
  runner::Bundle bundle = bundle_of(options);
  bundle.terraform = "/usr/bin/true";
  bundle.uid = options.first_uid;
  bundle.gid = options.first_uid;
  auto facts = runner::check_sandbox(options.program, bundle);
  if (facts) return std::optional(std::move(*facts));
  Error error = std::move(facts).error();
  error.next += fmt::format(
      "{}Only where every configuration is trusted as much as the server's user: "
      "runner.unsandboxed = true",
      error.next.empty() ? "" : ". ");
  return fail(std::move(error));
}

}  // namespace tollgate::app
