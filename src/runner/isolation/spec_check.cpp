#include "runner/isolation/spec_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "runner/isolation/bubblewrap_options.h"
#include "runner/isolation/descriptors.h"
#include "runner/isolation/launch.h"
#include "runner/isolation/network_setup.h"

namespace tollgate::isolation {
namespace {

Error contradiction(std::string what) {
  return Error(Code::usage, fmt::format("the sandbox's specification: {}", what));
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

bool is_absolute(const std::string& path) {
  return !path.empty() && path.front() == '/' && !has_nul(path);
}

bool leads_out(const std::string& relative) {
  return (!relative.empty() && relative.front() == '/') || has_nul(relative) ||
         fmt::format("/{}/", relative).find("/../") != std::string::npos;
}

Result<void> check_texts(const SandboxSpec& spec) {
  if (spec.argv.empty() || !is_absolute(spec.argv.front())) {
    return fail(contradiction("the program needs an absolute path"));
  }
  for (const std::string& word : spec.argv) {
    if (has_nul(word)) return fail(contradiction("an argument holds a NUL"));
  }
  for (const Variable& variable : spec.environment) {
    const bool bad_name = variable.name.empty() || variable.name.find('=') != std::string::npos;
    if (bad_name || has_nul(variable.name) || has_nul(variable.value.reveal())) {
      return fail(contradiction(fmt::format("the variable {} cannot be in an environment", variable.name)));
    }
  }
  if (leads_out(spec.start_directory))
    return fail(contradiction("the start directory leads out of the work directory"));
  const std::size_t ports = spec.loopback_ports.size() + spec.served_ports.size();
  if (ports > kMaxListeners) return fail(contradiction(fmt::format("more than {} ports", kMaxListeners)));
  if (ports > 0 && (spec.network == Network::shared || spec.unsandboxed)) {
    return fail(contradiction("ports of its own need a network of its own"));
  }
  if (1 + spec.writable.size() + spec.readable.size() > kMaxStaged) {
    return fail(contradiction(fmt::format("more than {} binds", kMaxStaged - 1)));
  }
  if (spec.unsandboxed && !(spec.writable.empty() && spec.readable.empty())) {
    return fail(contradiction("unsandboxed there are no binds"));
  }
  return {};
}

Result<void> check_host(const SandboxSpec& spec) {
  struct stat status {};
  if (!is_absolute(spec.work_directory) || stat(spec.work_directory.c_str(), &status) != 0 ||
      !S_ISDIR(status.st_mode)) {
    return fail(unavailable(fmt::format("the work directory {} is not there", spec.work_directory),
                            "create it before the program is started"));
  }
  if ((spec.user || spec.group) && geteuid() != 0) {
    return fail(unavailable("another user for the run needs a runner that starts as root",
                            "start the runner as root, or take the user out of its configuration"));
  }
  if (spec.unsandboxed) return {};
  for (const std::vector<Bind>* binds : {&spec.writable, &spec.readable}) {
    for (const Bind& bind : *binds) {
      if (!is_absolute(bind.host) || !(bind.inside.empty() || is_absolute(bind.inside)) ||
          access(bind.host.c_str(), F_OK) != 0) {
        return fail(unavailable(fmt::format("{}, which the sandbox is to show, is not there", bind.host),
                                "create it, or take it out of the runner's configuration"));
      }
    }
  }
  const std::string program = host_path_of(spec, spec.argv.front());
  if (program.empty() || access(program.c_str(), X_OK) != 0) {
    return fail(unavailable(fmt::format("{} is no program inside the sandbox", spec.argv.front()),
                            "install it below /usr, or add its directory to what the sandbox shows"));
  }
  if (!spec.confine.empty() && access(spec.confine.c_str(), X_OK) != 0) {
    return fail(unavailable(fmt::format("{} is not there", spec.confine), "install it beside tollgate-runner"));
  }
  if (access(spec.bwrap.c_str(), X_OK) != 0) {
    return fail(
        unavailable(fmt::format("{} is not installed", spec.bwrap), "install bubblewrap (apt-get install bubblewrap)"));
  }
  if (spec.network == Network::internet && access(spec.slirp4netns.c_str(), X_OK) != 0) {
    return fail(unavailable(fmt::format("{} is not installed", spec.slirp4netns),
                            "install slirp4netns, or choose the network mode none"));
  }
  return {};
}

}  // namespace

Result<void> check_spec(const SandboxSpec& spec) {
  TG_CHECK(check_texts(spec));
  return check_host(spec);
}

}  // namespace tollgate::isolation
