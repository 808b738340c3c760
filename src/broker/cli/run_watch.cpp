// tollgate run watch: a run's log as it grows, up to the run's end, and its gate on the way.
#include "broker/remote/run_watch.h"

#include <unistd.h>

#include "broker/cli/output.h"
#include "broker/cli/run_gate.h"
#include "broker/cli/run_shared.h"
#include "broker/remote/log_text.h"
#include "common/os/terminal.h"

namespace tollgate::cli {
namespace {

struct RunWatchInput {
  RunInput run;
  CodeOptions codes;
  bool until_planned = false;
  bool raw = false;
};

// One line on the terminal that is written over again and again, such as a countdown. Nothing where stderr is none.
class StatusLine {
 public:
  explicit StatusLine(bool shown) : shown_(shown) {}
  void draw(const std::string& text) {
    if (!shown_ || text == text_) return;
    write("\r\x1b[K" + os::printable(text));
    text_ = text;
  }
  void clear() {
    if (!text_.empty()) write("\r\x1b[K");
    text_.clear();
  }

 private:
  static void write(const std::string& bytes) {
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, bytes.data(), bytes.size());
  }
  bool shown_;
  std::string text_;
};

class Watching {
 public:
  Watching(App& app, const RunWatchInput& input, OpenedServer server)
      : app_(app),
        input_(input),
        server_(std::move(server)),
        colour_(::isatty(STDOUT_FILENO) == 1 && app.environment().get_or("NO_COLOR", "").empty()),
        status_(::isatty(STDERR_FILENO) == 1) {}

  Result<int> run() {
    TG_TRY(const std::string id, meant_run(server_, Unnamed::latest));
    remote::WatchSinks sinks;
    sinks.log = [this](std::string_view line) {
      status_.clear();
      return print(input_.raw ? std::string(line) + "\n" : remote::log_text(line, colour_));
    };
    sinks.changed = [this](const remote::RunView& run) { announce(run); };
    sinks.notice = [this](const std::string& sentence) { notice(sentence); };
    sinks.gate_changed = [this](const remote::RunView& run) { return gate_changed(run); };
    sinks.waiting = [this](const remote::RunView& run) {
      if (run.gate && run.gate->open()) status_.draw(remote::gate_words(*run.gate, app_.clock().now()));
    };
    remote::WatchOptions options;
    options.until_planned = input_.until_planned;
    auto ended = remote::watch_run(*server_.api, id, app_.clock(), options, sinks);
    status_.clear();
    if (!ended) return fail(std::move(ended).error());
    return remote::exit_status_of(*ended);
  }

 private:
  void notice(const std::string& sentence) {
    status_.clear();
    print_notice(sentence);
  }

  void announce(const remote::RunView& run) {
    const std::string address = run_address(server_, run);
    if (first_ && !address.empty()) notice(fmt::format("{} is {}", run.id, address));
    first_ = false;
    std::string words = fmt::format("{}: {}", run.id, remote::status_words(run));
    if (run.status == "errored" && !run.error_detail.empty()) words += fmt::format(": {}", run.error_detail);
    if (run.is_confirmable) words += fmt::format("; {}", remote::next_step(run));
    notice(words);
  }

  // Shows it, and asks where a person can answer. Whatever becomes of that, the watching goes on.
  Result<bool> gate_changed(const remote::RunView& run) {
    const remote::GateView& gate = *run.gate;
    status_.clear();
    if (!gate.open()) {
      print_notice(fmt::format("{}: {}", run.id, remote::gate_words(gate, app_.clock().now())));
      return false;
    }
    print_gate_card(run, app_.clock().now());
    if (!gate.answers() || !may_ask() || gate.gate_id == declined_) {
      print_notice(fmt::format("who may answer: {}", remote::who_may_answer(gate)));
      return false;
    }
    // A plan that waits for a confirmation is answered by a person who has decided, with a command of its own.
    if (run.status == "planned") {
      print_notice(remote::next_step(run));
      return false;
    }
    const auto done = answer_gate(app_, server_, run, input_.codes);
    if (done) {
      print_authenticated(run, *done);
      return true;
    }
    report(done.error());
    declined_ = gate.gate_id;
    print_notice(fmt::format("watching on; `tollgate authenticate {}` asks again", run.id));
    return false;
  }

  bool may_ask() const {
    return !input_.codes.no_input && (!input_.codes.mfa_process.empty() || ::isatty(STDIN_FILENO) == 1);
  }

  App& app_;
  const RunWatchInput& input_;
  OpenedServer server_;
  bool colour_;
  StatusLine status_;
  bool first_ = true;
  std::string declined_;  // the gate whose question was not answered
};

Result<int> watch(App& app, RunWatchInput& input) {
  apply_environment(app.environment(), input.codes);
  TG_TRY(OpenedServer server, open_server(app, input.run));
  return Watching(app, input, std::move(server)).run();
}

}  // namespace

Command run_watch_command() {
  auto input = std::make_shared<RunWatchInput>();
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
      "A gate that waits for a one-time code is shown with the time that is left and who may answer. Where that is "
      "you, "
      "at a terminal, the code is asked for.\n\n"
      "Exit status: 0 applied, planned or saved; 1 failed; 2 cancelled; 3 discarded; that of tollgate's own failures "
      "where the run could not be followed.";
  command.positionals = {run_positional(input->run)};
  command.options = place_options(input->run);
  command.options.push_back(
      {"--until-planned", "", "End where the plan waits for a confirmation, too.", &input->until_planned});
  command.options.push_back({"--raw", "", "Print the log's lines as they are, JSON and all.", &input->raw});
  for (Option& option : code_flags(input->codes))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) {
    const auto done = watch(app, *input);
    return done ? *done : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
