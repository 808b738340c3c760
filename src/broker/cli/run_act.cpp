// tollgate run confirm, discard and cancel: what a person decides about a run.
#include "broker/cli/output.h"
#include "broker/cli/run_shared.h"

namespace tollgate::cli {
namespace {

struct RunActInput {
  RunInput run;
  std::string comment;
  bool force = false;
};

// One decision: what the server calls it, and what is true once it has accepted it.
struct Decision {
  std::string_view action;
  std::string_view outcome;
};

Result<void> decide(App& app, const RunActInput& input, const Decision& decision) {
  TG_TRY(OpenedServer server, open_server(app, input.run));
  TG_TRY(const std::string id, meant_run(server, Unnamed::current));
  json::Value body = json::Value::object();
  if (!input.comment.empty()) body.set("comment", input.comment);
  auto done = server.api->post(fmt::format("runs/{}/actions/{}", id, decision.action), body);
  if (!done) {
    Error error = std::move(done).error();
    if (error.code == Code::not_found) {
      error.message = fmt::format("{} has no run {}, or you may not do this to it", server.place.host, id);
    }
    if (error.code == Code::conflict) error.do_next(fmt::format("`tollgate run show {}` says how it stands", id));
    return fail(std::move(error));
  }
  print_notice(fmt::format("{} {}; `tollgate run watch {}` follows it", id, decision.outcome, id));
  return {};
}

// `forced` is what --force decides instead.
Command decision_command(std::string name, std::string summary, Decision decision,
                         std::optional<Decision> forced = std::nullopt) {
  auto input = std::make_shared<RunActInput>();
  Command command;
  command.name = std::move(name);
  command.summary = std::move(summary);
  command.positionals = {run_positional(input->run)};
  command.options = place_options(input->run);
  command.options.push_back({"--comment", "TEXT", "Why, for those who look at the run later.", &input->comment});
  if (forced) {
    command.options.push_back({"--force", "", "Kill a run that did not end since it was cancelled.", &input->force});
  }
  command.run = [input, decision, forced](App& app) {
    const auto done = decide(app, *input, input->force ? forced.value_or(decision) : decision);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace

Command run_confirm_command() {
  Command command =
      decision_command("run confirm", "Apply the plan of a run that waits for it", {"apply", "is confirmed"});
  command.examples = "tollgate run confirm run-3yJmhZ8TjW2xNqKd --comment 'as discussed'";
  return command;
}

Command run_discard_command() {
  Command command = decision_command("run discard", "Throw a run's plan away", {"discard", "is discarded"});
  command.examples = "tollgate run discard run-3yJmhZ8TjW2xNqKd";
  return command;
}

Command run_cancel_command() {
  Command command = decision_command("run cancel", "End a run that waits or runs", {"cancel", "is being cancelled"},
                                     Decision{"force-cancel", "is being killed"});
  command.examples = "tollgate run cancel run-3yJmhZ8TjW2xNqKd\ntollgate run cancel run-3yJmhZ8TjW2xNqKd --force";
  command.details =
      "A running terraform is interrupted once and may end in order, with its state saved. One that does not end can "
      "be killed some seconds later with --force; what it was doing is then unknown.";
  return command;
}

}  // namespace tollgate::cli
