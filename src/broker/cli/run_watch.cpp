// tollgate run watch: a run's log as it grows, up to the run's end.
#include "broker/remote/run_watch.h"

#include <unistd.h>

#include "broker/cli/output.h"
#include "broker/cli/run_shared.h"
#include "broker/remote/log_text.h"

namespace tollgate::cli {
namespace {

struct Input {
  RunInput run;
  bool until_planned = false;
  bool raw = false;
};

void announce(const OpenedServer& server, const remote::RunView& run, bool first) {
  const std::string address = run_address(server, run);
  if (first && !address.empty()) print_notice(fmt::format("{} is {}", run.id, address));
  std::string words = fmt::format("{}: {}", run.id, remote::status_words(run));
  if (run.status == "errored" && !run.error_detail.empty()) words += fmt::format(": {}", run.error_detail);
  if (run.is_confirmable) words += fmt::format("; {}", remote::next_step(run));
  print_notice(words);
}

Result<int> watch(App& app, const Input& input) {
  TG_TRY(OpenedServer server, open_server(app, input.run));
  TG_TRY(const std::string id, meant_run(server, Unnamed::latest));
  const bool colour = ::isatty(STDOUT_FILENO) == 1 && app.environment().get_or("NO_COLOR", "").empty();
  bool first = true;
  remote::WatchSinks sinks;
  sinks.log = [&](std::string_view line) {
    return print(input.raw ? std::string(line) + "\n" : remote::log_text(line, colour));
  };
  sinks.changed = [&](const remote::RunView& run) {
    announce(server, run, first);
    first = false;
  };
  sinks.notice = [](const std::string& sentence) { print_notice(sentence); };
  remote::WatchOptions options;
  options.until_planned = input.until_planned;
  TG_TRY(const remote::RunView run, remote::watch_run(*server.api, id, app.clock(), options, sinks));
  return remote::exit_status_of(run);
}

}  // namespace

Command run_watch_command() {
  auto input = std::make_shared<Input>();
  Command command;
  command.name = "run watch";
  command.summary = "Follow a run's log to the end of the run";
  command.examples =
      "tollgate run watch\n"
      "tollgate run watch run-3yJmhZ8TjW2xNqKd\n"
      "tollgate run watch --until-planned && tollgate run confirm";
  command.details =
      "The log goes to stdout, what becomes of the run to stderr. A server that is away for a moment is asked again, "
      "and "
      "the log goes on where it was. Ctrl-C ends the watching, not the run.\n\n"
      "Exit status: 0 applied, planned or saved; 1 failed; 2 cancelled; 3 discarded; that of tollgate's own failures "
      "where the run could not be followed.";
  command.positionals = {run_positional(input->run)};
  command.options = place_options(input->run);
  command.options.push_back(
      {"--until-planned", "", "End where the plan waits for a confirmation, too.", &input->until_planned});
  command.options.push_back({"--raw", "", "Print the log's lines as they are, JSON and all.", &input->raw});
  command.run = [input](App& app) {
    const auto done = watch(app, *input);
    return done ? *done : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
