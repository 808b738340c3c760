// tollgate run confirm, discard and cancel: what a person decides about a run.
#include "broker/cli/output.h"
#include "broker/cli/run_shared.h"

namespace tollgate::cli {
namespace {

struct Input {
  RunInput run;
  std::string comment;
  bool force = false;
};

Result<void> act(App& app, const Input& input, std::string_view action, std::string_view outcome) {
  TG_TRY(OpenedServer server, open_server(app, input.run));
  TG_TRY(const std::string id, meant_run(server, Unnamed::current));
  json::Value body = json::Value::object();
  if (!input.comment.empty()) body.set("comment", input.comment);
  auto done = server.api->post(fmt::format("runs/{}/actions/{}", id, action), body);
  if (!done) {
    Error error = std::move(done).error();
    if (error.code == Code::not_found) {
      error.message = fmt::format("{} has no run {}, or you may not do this to it", server.place.host, id);
    }
    if (error.code == Code::conflict) error.do_next(fmt::format("`tollgate run show {}` says how it stands", id));
    return fail(std::move(error));
  }
  print_notice(fmt::format("{} {}; `tollgate run watch {}` follows it", id, outcome, id));
  return {};
}

Command action_command(std::shared_ptr<Input> input, std::string name, std::string summary) {
  Command command;
  command.name = std::move(name);
  command.summary = std::move(summary);
  command.positionals = {run_positional(input->run)};
  command.options = place_options(input->run);
  command.options.push_back({"--comment", "TEXT", "Why, for those who look at the run later.", &input->comment});
  return command;
}

int finish(const Result<void>& done) {
  return done ? 0 : report(done.error());
}

}  // namespace

Command run_confirm_command() {
  auto input = std::make_shared<Input>();
  Command command = action_command(input, "run confirm", "Apply the plan of a run that waits for it");
  command.examples = "tollgate run confirm run-3yJmhZ8TjW2xNqKd --comment 'as discussed'";
  command.run = [input](App& app) { return finish(act(app, *input, "apply", "is confirmed")); };
  return command;
}

Command run_discard_command() {
  auto input = std::make_shared<Input>();
  Command command = action_command(input, "run discard", "Throw a run's plan away");
  command.examples = "tollgate run discard run-3yJmhZ8TjW2xNqKd";
  command.run = [input](App& app) { return finish(act(app, *input, "discard", "is discarded")); };
  return command;
}

Command run_cancel_command() {
  auto input = std::make_shared<Input>();
  Command command = action_command(input, "run cancel", "End a run that waits or runs");
  command.examples = "tollgate run cancel run-3yJmhZ8TjW2xNqKd\ntollgate run cancel run-3yJmhZ8TjW2xNqKd --force";
  command.details =
      "A running terraform is interrupted once and may end in order, with its state saved. One that does not end can "
      "be "
      "killed some seconds later with --force; what it was doing is then unknown.";
  command.options.push_back({"--force", "", "Kill a run that did not end since it was cancelled.", &input->force});
  command.run = [input](App& app) {
    return finish(input->force ? act(app, *input, "force-cancel", "is being killed")
                               : act(app, *input, "cancel", "is being cancelled"));
  };
  return command;
}

}  // namespace tollgate::cli
