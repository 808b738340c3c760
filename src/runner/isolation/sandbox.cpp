#include "runner/isolation/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "common/base/random.h"
#include "runner/isolation/bubblewrap_options.h"
#include "runner/isolation/confinement.h"
#include "runner/isolation/descriptors.h"
#include "runner/isolation/launch.h"
#include "runner/isolation/network_setup.h"
#include "runner/isolation/running.h"
#include "runner/isolation/spec_check.h"

namespace tollgate::isolation {
namespace {

using State = SandboxedProgram::State;

Result<os::ChildProcess> start_slirp(const SandboxSpec& spec, pid_t pid) {
  TG_TRY(PipeEnds ready, make_pipe());
  os::Command command;
  command.argv = {spec.slirp4netns,
                  "--configure",
                  "--mtu=65520",
                  "--disable-host-loopback",
                  "--enable-sandbox",
                  "--enable-seccomp",
                  "--ready-fd=3",
                  std::to_string(pid),
                  "tap0"};
  command.input = os::Stdio::null();
  command.output = os::Stdio::null();
  command.error = os::Stdio::null();
  command.descriptors = {{3, ready.write.get()}};
  command.own_process_group = true;
  command.death_signal = SIGKILL;
  TG_TRY(os::ChildProcess child, os::spawn(command));
  ready.write.reset();
  pollfd polled{ready.read.get(), POLLIN, 0};
  char byte = 0;
  while (poll(&polled, 1, 10'000) < 0 && errno == EINTR) {
  }
  if (!(polled.revents & POLLIN) || read(ready.read.get(), &byte, 1) != 1) {
    return fail(unavailable("slirp4netns could not connect the run's network",
                            "let the runner read and write /dev/net/tun, or choose the network mode none"));
  }
  return child;
}

UniqueFd handle_of(pid_t pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

pid_t number_after(std::string_view text, std::string_view label) {
  const std::size_t at = text.find(label);
  if (at == std::string_view::npos) return -1;
  const char* start = text.data() + at + label.size();
  while (start != text.data() + text.size() && (*start == ' ' || *start == '\t' || *start == ':'))
    ++start;
  pid_t value = -1;
  std::from_chars(start, text.data() + text.size(), value);
  return value;
}

// The program is number 2 in its namespace, and no other process ever is: numbers are handed out in turn, and after a
// wrap-around from 300 on.
bool is_number_two(pid_t pid) {
  const std::string status = kernel_file(fmt::format("/proc/{}/status", pid));
  const std::size_t at = status.find("\nNSpid:");
  if (at == std::string::npos) return false;
  const std::string line = status.substr(at + 1, status.find('\n', at + 1) - at - 1);
  return line.size() > 2 && line.substr(line.size() - 2) == "\t2";
}

// What bubblewrap complained of, without taking it from the pipe.
std::string complaint(int error_pipe) {
  Result<PipeEnds> copy = make_pipe();
  if (!copy) return {};
  const ssize_t count = tee(error_pipe, copy->write.get(), 2048, SPLICE_F_NONBLOCK);
  if (count <= 0) return {};
  std::string text(static_cast<std::size_t>(count), '\0');
  const ssize_t got = read(copy->read.get(), text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (text.rfind("bwrap: ", 0) != 0) return {};
  return text.substr(7, text.find('\n') - 7);
}

bool has_ended(const UniqueFd& handle) {
  pollfd polled{handle.get(), POLLIN, 0};
  return poll(&polled, 1, 0) == 1;
}

// Waits until bubblewrap has executed the program (its name in /proc changes), or has failed to.
Result<void> follow_to_program(State& state, int error_pipe) {
  std::string text(512, '\0');
  const ssize_t count = read(state.status_pipe.get(), text.data(), text.size());
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  const pid_t init = number_after(text, "\"child-pid\"");
  if (init > 0) state.init_handle = handle_of(init);
  const SystemClock clock;
  while (state.init_handle) {
    const bool over = has_ended(state.launcher_handle);
    const pid_t first = number_after(kernel_file(fmt::format("/proc/{}/task/{}/children", init, init)), "");
    if (first > 0) {
      if (!state.program_handle) {
        UniqueFd handle = handle_of(first);
        if (is_number_two(first)) state.program_handle = std::move(handle);
      }
      const std::string name = kernel_file(fmt::format("/proc/{}/comm", first));
      if (state.program_handle && !name.empty() && name != "bwrap\n") return {};
    }
    if (over) break;
    clock.sleep_for(Duration{1});
  }
  if (!state.init_handle) {
    // It never got so far as to have a pid 1: it must end by itself.
    pollfd polled{state.launcher_handle.get(), POLLIN, 0};
    poll(&polled, 1, 5000);
  }
  const std::string why = complaint(error_pipe);
  if (why.empty() && state.init_handle) return {};  // a program that was faster than we are
  return fail(
      unavailable(fmt::format("bubblewrap cannot build the sandbox: {}", why.empty() ? "no reason given" : why),
                  "see that user namespaces are allowed, and that what the sandbox shows is readable for its user"));
}

std::string network_name(Network network) {
  switch (network) {
    case Network::none:
      return "none";
    case Network::internet:
      return "internet";
    case Network::shared:
      return "shared";
  }
  return "";
}

void describe(const SandboxSpec& spec, const LaunchPlan& plan, State& state) {
  IsolationReport& report = state.report;
  if (spec.unsandboxed) {
    report.applied = {"none"};
    report.downgrades.push_back("no sandbox: the program can read and change whatever the runner's user can");
    if (!state.group.limits_processes()) {
      report.downgrades.emplace_back("no control group: processes that leave the program's group can outlive it");
    }
  } else {
    report.applied = {"namespaces", "seccomp", "no capabilities"};
    if (can_confine(spec)) report.applied.emplace_back("landlock");
    report.applied.push_back(fmt::format("network: {}", network_name(spec.network)));
    if (!can_confine(spec)) {
      report.downgrades.emplace_back(spec.confine.empty()
                                         ? "no Landlock: it was not asked for"
                                         : "no Landlock: the kernel has none of version 2, or was started without it");
    }
  }
  if (spec.user) report.applied.push_back(fmt::format("user: {}", *spec.user));
  const std::string kind = state.group.kind();
  if (!kind.empty()) report.applied.push_back(fmt::format("limits: {}", kind));
  report.applied.emplace_back("limits: prlimit");
  if (!spec.unsandboxed && spec.network == Network::shared) {
    report.downgrades.push_back(
        "shared network: the host's loopback, its neighbours and metadata services can be reached");
  }
  if (!spec.unsandboxed && spec.network == Network::internet && !spec.deny_private) {
    report.downgrades.push_back("private networks can be reached");
  }
  if (plan.limit_memory_by_process) report.downgrades.push_back("the memory limit holds for each process, not for all");
  if (plan.limit_processes_by_user) {
    report.downgrades.push_back(plan.user.value_or(geteuid()) == 0 ? "the process limit does not bind root"
                                                                   : "the process limit holds for the user");
  }
}

LaunchPlan make_plan(const SandboxSpec& spec, const BubblewrapOptions& options, int status_fd, int confine) {
  LaunchPlan plan;
  plan.user = spec.user;
  plan.group = spec.group;
  plan.limits = spec.limits;
  if (spec.unsandboxed) {
    plan.program = spec.argv.front();
    plan.argv = spec.argv;
    for (const Variable& variable : spec.environment)
      plan.environment.push_back(fmt::format("{}={}", variable.name, variable.value.reveal()));
    plan.directory = spec.start_directory.empty() ? spec.work_directory
                                                  : fmt::format("{}/{}", spec.work_directory, spec.start_directory);
    return plan;
  }
  plan.program = spec.bwrap;
  plan.argv = {"bwrap", "--args", std::to_string(options.arguments.get()), "--"};
  if (confine >= 0) {
    const std::vector<std::string> words = confine_arguments(spec, confine);
    plan.argv.insert(plan.argv.end(), words.begin(), words.end());
  }
  plan.argv.insert(plan.argv.end(), spec.argv.begin(), spec.argv.end());
  plan.directory = "/";
  plan.keep = {options.arguments.get(), status_fd};
  if (confine >= 0) plan.keep.push_back(confine);
  for (const UniqueFd& file : options.files)
    plan.keep.push_back(file.get());
  plan.staged = staged_sources(spec);
  plan.own_network = spec.network != Network::shared;
  if (plan.own_network && spec.kept_network && spec.kept_network->is_there()) {
    plan.user_namespace = spec.kept_network->user_namespace();
    plan.network_namespace = spec.kept_network->network_namespace();
  }
  plan.refuse_link_local = spec.network == Network::internet;
  plan.refuse_private = plan.refuse_link_local && spec.deny_private;
  plan.ports = spec.loopback_ports;
  plan.ports.insert(plan.ports.end(), spec.served_ports.begin(), spec.served_ports.end());
  return plan;
}

}  // namespace

Result<SandboxedProgram> start(const SandboxSpec& spec) {
  TG_CHECK(check_spec(spec));
  auto state = std::make_unique<State>();
  state->limits = spec.limits;
  state->trees.push_back(spec.work_directory);
  for (const Bind& bind : spec.writable)
    state->trees.push_back(bind.host);
  state->done.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  state->kill_asked.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  SystemRandom random;
  // Without a pid namespace the group is what finds the processes that are left at the end; the count is the kernel's
  // own maximum.
  const std::uint64_t processes = spec.unsandboxed && spec.limits.processes == 0 ? 1ULL << 22 : spec.limits.processes;
  state->group = ControlGroup::create(fmt::format("tollgate-run-{}", random_alphanumeric(random, 12)),
                                      spec.limits.memory_bytes, processes);
  TG_TRY(PipeEnds output, make_pipe());
  TG_TRY(PipeEnds error, make_pipe());
  TG_TRY(PipeEnds status, make_pipe());
  BubblewrapOptions options;
  if (!spec.unsandboxed) {
    TG_TRY(options, bubblewrap_options(spec, status.write.get()));
  }
  UniqueFd confine;
  if (can_confine(spec)) {
    confine = out_of_the_way(UniqueFd(open(spec.confine.c_str(), O_RDONLY | O_CLOEXEC)));
    if (!confine) return fail(unavailable(fmt::format("{} cannot be read", spec.confine), "reinstall it"));
  }
  LaunchPlan plan = make_plan(spec, options, status.write.get(), confine.get());
  plan.output = output.write.get();
  plan.error = error.write.get();
  plan.limit_memory_by_process = spec.limits.memory_bytes && !state->group.limits_memory();
  plan.limit_processes_by_user = spec.limits.processes && !state->group.limits_processes();
  describe(spec, plan, *state);

  const auto into_group = [&](pid_t pid) -> Result<void> {
    if (state->group.add(pid)) return {};
    return fail(unavailable(fmt::format("joining the control group: {}", std::strerror(errno)),
                            "delegate a control group to the runner"));
  };
  const auto connect = [&](pid_t pid) -> Result<void> {
    if (!plan.own_network || plan.network_namespace >= 0) return {};
    if (spec.network == Network::internet) {
      TG_TRY(os::ChildProcess slirp, start_slirp(spec, pid));
      state->slirp.emplace(std::move(slirp));
    }
    if (spec.kept_network) state->slirp = spec.kept_network->keep(pid, std::move(state->slirp));
    return {};
  };
  TG_TRY(Launched launched, launch(plan, into_group, connect));
  for (std::string& entry : plan.environment)
    wipe(entry);
  state->launcher = launched.pid;
  state->launcher_handle = handle_of(launched.pid);
  output.write.reset();
  error.write.reset();
  status.write.reset();
  if (spec.unsandboxed) {
    state->program_handle = handle_of(launched.pid);
  } else {
    state->status_pipe = std::move(status.read);
    TG_CHECK(follow_to_program(*state, error.read.get()));
  }
  std::vector<UniqueFd> listeners;
  for (std::size_t i = 0; i < launched.listeners.size(); ++i) {
    if (i < spec.loopback_ports.size()) {
      state->relay.add(std::move(launched.listeners[i]), spec.loopback_ports[i]);
    } else {
      listeners.push_back(std::move(launched.listeners[i]));
    }
  }
  state->begin_watch();
  SandboxedProgram program(std::move(state));
  program.output = std::move(output.read);
  program.error = std::move(error.read);
  program.listeners = std::move(listeners);
  return program;
}

Result<IsolationReport> check_sandbox(const SandboxSpec& spec) {
  SandboxSpec probe = spec;
  probe.argv = {"/usr/bin/true"};
  probe.environment.clear();
  TG_TRY(SandboxedProgram program, start(probe));
  const Exit end = program.wait();
  if (end.status != 0) {
    return fail(unavailable(fmt::format("a program that does nothing ended with {} in the sandbox", end.status),
                            "raise the limits of the sandbox"));
  }
  return program.report();
}

}  // namespace tollgate::isolation
