// tollgate run show: one run, what it waits for, and what its plan would do.
#include "broker/cli/output.h"
#include "broker/cli/run_shared.h"

namespace tollgate::cli {
namespace {

constexpr std::size_t kMaxResources = 50;

struct RunShowInput {
  RunInput run;
  bool json = false;
};

std::string with_time(const std::string& words, const std::optional<TimePoint>& since, TimePoint now) {
  return since ? fmt::format("{}, since {} ({})", words, format_iso8601(*since), ago(*since, now)) : words;
}

Result<void> show(App& app, const RunShowInput& input) {
  TG_TRY(OpenedServer server, open_server(app, input.run));
  TG_TRY(const std::string id, meant_run(server, Unnamed::latest));
  TG_TRY(const remote::RunView run, read_run(server, id));
  if (input.json) {
    return print_json(json::Value::object(
        {{"schema", "tollgate.run.v1"}, {"host", server.place.host}, {"run", run_json(server, run)}}));
  }
  const TimePoint now = app.clock().now();
  std::vector<std::vector<std::string>> rows{{"run", run.id}};
  const auto add = [&](std::string name, std::string value) {
    if (!value.empty()) rows.push_back({std::move(name), std::move(value)});
  };
  add("workspace", run.organization.empty() ? run.workspace : fmt::format("{}/{}", run.organization, run.workspace));
  add("address", run_address(server, run));
  add("message", run.message);
  add("kind", remote::mode_words(run));
  add("by", run.created_by);
  add("created", fmt::format("{} ({})", format_iso8601(run.created_at), ago(run.created_at, now)));
  add("terraform", run.terraform_version);
  add("status", with_time(remote::status_words(run), run.since, now));
  if (run.gate) {
    add("gate", remote::gate_words(*run.gate, now));
    if (run.gate->open()) add("for whom", remote::who_may_answer(*run.gate));
    add("session", remote::identity_words(*run.gate, run.created_by));
  }
  add("why", run.error_detail);
  add("next", remote::next_step(run));
  std::string text = table(rows);
  const std::string summary = remote::plan_summary(run);
  if (!summary.empty()) {
    text += "\n" + summary + "\n";
    // A help beside the numbers: a plan without it is shown all the same.
    const auto plan = run.has_changes ? server.api->get(fmt::format("plans/{}/json-output-redacted", run.plan.id))
                                      : Result<json::Value>(json::Value());
    if (plan) {
      std::vector<std::vector<std::string>> lines;
      for (const std::string& line : remote::changed_resources(*plan, kMaxResources))
        lines.push_back({line});
      text += table(lines);
    }
  }
  return print(text);
}

}  // namespace

Command run_show_command() {
  auto input = std::make_shared<RunShowInput>();
  Command command;
  command.name = "run show";
  command.summary = "Show a run: what it waits for, who can act, what its plan would do";
  command.examples =
      "tollgate run show\n"
      "tollgate run show run-3yJmhZ8TjW2xNqKd --json\n"
      "tollgate run show https://tollgate.example.com/app/acme/web/runs/run-1";
  command.details = "Where no run is named and the workspace has no current one, its latest is shown.";
  command.positionals = {run_positional(input->run)};
  command.options = place_options(input->run);
  command.options.push_back({"--json", "", "Print JSON (schema tollgate.run.v1).", &input->json});
  command.run = [input](App& app) {
    const auto done = show(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
