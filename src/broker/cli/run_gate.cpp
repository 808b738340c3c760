#include "broker/cli/run_gate.h"

#include "broker/cli/output.h"
#include "broker/mfa/used_codes.h"
#include "broker/vault/session_key.h"
#include "common/os/terminal.h"

namespace tollgate::cli {
namespace {

// The flag's program, or the setting's; else a person, where one can be asked.
Result<std::unique_ptr<mfa::CodeSource>> code_source(App& app, const CodeOptions& options) {
  std::string command = options.mfa_process;
  if (command.empty()) {
    TG_TRY(const Configuration* const settings, app.configuration());
    command = settings->text(Key::mfa_process);
  }
  if (!command.empty()) {
    mfa::ProgramOptions program;
    program.command = command;
    program.environment = app.environment();
    return std::make_unique<mfa::ProgramCodeSource>(std::move(program), app.clock());
  }
  if (options.no_input) return std::make_unique<mfa::NoCodeSource>("--no-input was given");
  if (!os::Terminal::open()) return std::make_unique<mfa::NoCodeSource>();
  mfa::TerminalOptions terminal;
  terminal.time_limit = options.time_limit;
  return std::make_unique<mfa::TerminalCodeSource>(terminal);
}

// The key by which used codes are remembered: that of the sessions, so that the memory is one with that of all
// commands.
Result<Secret> memory_key(App& app) {
  TG_CHECK(app.sessions());  // makes its folder
  TG_TRY(const os::UserDirectories* const all, app.directories());
  TG_TRY(const os::PrivateDirectory cache, os::PrivateDirectory::open(all->cache));
  vault::SessionKeyOptions options;
  options.use_keyring = app.environment().get_or("TOLLGATE_SESSION_KEY", "keyring") != "file";
  TG_TRY(vault::SessionKey key, vault::obtain_session_key(cache, app.random(), app.clock(), options));
  return std::move(key.key);
}

}  // namespace

void print_gate_card(const remote::RunView& run, TimePoint now) {
  const std::string where =
      run.organization.empty() ? run.workspace : fmt::format("{}/{}", run.organization, run.workspace);
  print_notice(
      fmt::format("{}{}: {}", run.id, where.empty() ? "" : " of " + where, remote::gate_words(*run.gate, now)));
  if (!run.message.empty()) print_notice(fmt::format("\"{}\"", run.message));
  const std::string plan = remote::plan_summary(run);
  if (!plan.empty()) print_notice(plan);
  const std::string identity = remote::identity_words(*run.gate, run.created_by);
  if (!identity.empty()) print_notice(identity);
  if (run.status == "planned" && run.gate->phase == "apply") print_notice("the code also confirms the plan");
}

Result<remote::Authenticated> answer_gate(App& app, OpenedServer& server, const remote::RunView& run,
                                          const CodeOptions& codes) {
  TG_TRY(const std::unique_ptr<mfa::CodeSource> source, code_source(app, codes));
  TG_TRY(Secret key, memory_key(app));
  TG_TRY(const os::PrivateDirectory* const locks, app.lock_directory());
  mfa::UsedCodes used_codes(*locks, std::move(key), app.clock());
  mfa::GateOptions options;
  options.fresh_request = codes.fresh_request;
  mfa::DeviceGate gate(*locks, *source, used_codes, app.clock(), options);
  return remote::authenticate(*server.api, run, gate, *source);
}

void print_authenticated(const remote::RunView& before, const remote::Authenticated& done) {
  const auto& gate = done.run.gate;
  const std::string until = gate && gate->session_expires
                                ? fmt::format("; its session ends {}", format_iso8601(*gate->session_expires))
                                : std::string();
  if (done.by_another) {
    print_notice(fmt::format("{} has authenticated the {} of {} meanwhile{}", gate->passed_by, before.gate->phase,
                             before.id, until));
  } else {
    print_notice(fmt::format("AWS has accepted the code for the {} of {}{}", before.gate->phase, before.id, until));
  }
}

}  // namespace tollgate::cli
