// tollgate authenticate: a one-time code for the gate of a run.
#include "broker/cli/output.h"
#include "broker/cli/run_gate.h"
#include "broker/cli/run_shared.h"

namespace tollgate::cli {
namespace {

struct AuthenticateInput {
  RunInput run;
  CodeOptions codes;
};

// What there is to answer, or why there is nothing.
Result<void> check_gate(const remote::RunView& run, TimePoint now) {
  const auto not_now = [&](std::string sentence) {
    return fail(Error(Code::conflict, std::move(sentence))
                    .because("no_such_gate")
                    .do_next(fmt::format("`tollgate run show {}` says how it stands", run.id)));
  };
  if (!run.gate) return not_now(fmt::format("{} needs no code", run.id));
  const remote::GateView& gate = *run.gate;
  const std::string words = fmt::format("{}: {}", run.id, remote::gate_words(gate, now));
  if (gate.state == "locked") {
    return fail(Error(Code::forbidden, words).because("locked").do_next(remote::who_may_answer(gate)));
  }
  if (!gate.open()) return not_now(words);
  if (gate.state == "checking") return not_now(fmt::format("{}; wait for its answer", words));
  if (!gate.you_can) {
    return fail(Error(Code::forbidden, fmt::format("{}, but not for one of yours", words))
                    .because("may_not_answer")
                    .do_next(remote::who_may_answer(gate)));
  }
  return {};
}

Result<void> authenticate(App& app, AuthenticateInput& input) {
  apply_environment(app.environment(), input.codes);
  TG_TRY(OpenedServer server, open_server(app, input.run));
  TG_TRY(const std::string id, meant_run(server, Unnamed::current));
  TG_TRY(const remote::RunView run, read_run(server, id));
  if (run.gate && run.gate->state == "passed") {
    print_notice(fmt::format("{}: {}", run.id, remote::gate_words(*run.gate, app.clock().now())));
    return {};
  }
  TG_CHECK(check_gate(run, app.clock().now()));
  print_gate_card(run, app.clock().now());
  TG_TRY(const remote::Authenticated done, answer_gate(app, server, run, input.codes));
  print_authenticated(run, done);
  return {};
}

}  // namespace

Command authenticate_command() {
  auto input = std::make_shared<AuthenticateInput>();
  Command command;
  command.name = "authenticate";
  command.summary = "Give a run that waits at its MFA gate a one-time code";
  command.examples =
      "tollgate authenticate run-3yJmhZ8TjW2xNqKd\n"
      "tollgate authenticate --mfa-process 'ykman oath accounts code -s aws'";
  command.details =
      "What the code is for is shown before it is asked for: the plan, whose configuration will run, and with whose "
      "AWS "
      "credentials. The code goes to the run server, which gives it to AWS. For a planned run it also confirms the "
      "plan. A wrong code is followed by the next question; a code is never sent twice.\n\n"
      "Exit status: 0 accepted; 75 too soon, or there is no such gate (any more); 77 refused, locked, or not yours to "
      "answer; 69 the server or AWS cannot be reached.";
  command.positionals = {run_positional(input->run)};
  command.options = place_options(input->run);
  for (Option& option : code_flags(input->codes))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) {
    const auto done = authenticate(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
