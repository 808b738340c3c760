// tollgate run list: the runs of a workspace, or of a whole organization.
#include "broker/cli/output.h"
#include "broker/cli/run_shared.h"
#include "common/base/encoding.h"

namespace tollgate::cli {
namespace {

constexpr std::size_t kMaxMessage = 50;

struct RunListInput {
  RunInput run;
  bool all = false;
  bool json = false;
  std::string status;
  std::string limit;
};

Result<int> limit_of(const RunListInput& input) {
  if (input.limit.empty()) return 20;
  const bool digits = input.limit.find_first_not_of("0123456789") == std::string::npos && input.limit.size() <= 3;
  const int limit = digits ? std::stoi(input.limit) : 0;
  if (limit >= 1 && limit <= 100) return limit;
  return fail(Error(Code::usage, "the value is not a number from 1 to 100").at("--limit"));
}

std::string shortened(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  if (text.size() <= kMaxMessage) return text;
  std::size_t end = kMaxMessage;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return text.substr(0, end) + "...";
}

Result<std::string> list_path(OpenedServer& server, const RunListInput& input, int limit) {
  const remote::RunPlace& place = server.place;
  if (place.organization.empty()) {
    return fail(
        Error(Code::usage, "nothing says which organization is meant")
            .do_next("give --organization, or work in a folder where `terraform init` has set up a cloud block"));
  }
  std::string path = fmt::format("organizations/{}/", percent_encode(place.organization));
  if (!input.all && !place.workspace.empty()) {
    TG_TRY(const json::Value workspace, read_workspace(server));
    TG_TRY(const json::Reader data, json::Reader(workspace).member("data"));
    TG_TRY(const std::string id, data.text("id"));
    path = fmt::format("workspaces/{}/", percent_encode(id));
  }
  path += fmt::format("runs?include={}&page%5Bsize%5D={}", remote::kRunIncludes, limit);
  if (!input.status.empty()) path += fmt::format("&filter%5Bstatus%5D={}", percent_encode(input.status));
  return path;
}

Result<void> list(App& app, const RunListInput& input) {
  TG_TRY(const int limit, limit_of(input));
  TG_TRY(OpenedServer server, open_server(app, input.run));
  TG_TRY(const std::string path, list_path(server, input, limit));
  TG_TRY(const json::Value document, server.api->get(path));
  TG_TRY(const std::vector<remote::RunView> runs, remote::parse_runs(document));
  if (input.json) {
    json::Value rows = json::Value::array();
    for (const remote::RunView& run : runs)
      rows.push(run_json(server, run));
    return print_json(
        json::Value::object({{"schema", "tollgate.runs.v1"}, {"host", server.place.host}, {"runs", std::move(rows)}}));
  }
  if (runs.empty()) {
    print_notice("there are no such runs");
    return {};
  }
  const TimePoint now = app.clock().now();
  std::vector<std::vector<std::string>> rows{{"RUN", "WORKSPACE", "STATUS", "BY", "CREATED", "MESSAGE"}};
  for (const remote::RunView& run : runs) {
    rows.push_back({run.id, run.workspace, remote::status_words(run), run.created_by, ago(run.created_at, now),
                    shortened(run.message)});
  }
  return print(table(rows));
}

}  // namespace

Command run_list_command() {
  auto input = std::make_shared<RunListInput>();
  Command command;
  command.name = "run list";
  command.summary = "List the runs of a workspace on a run server, newest first";
  command.examples =
      "tollgate run list\n"
      "tollgate run list --all --status planned\n"
      "tollgate run list --host tollgate.example.com --organization acme --json";
  command.details =
      "Server and token are found where `terraform login` put them, organization and workspace in the cloud block of "
      "the folder, as far as flags do not name them.";
  command.options = place_options(input->run);
  command.options.push_back({"--all", "", "The runs of all workspaces of the organization.", &input->all});
  command.options.push_back(
      {"--status",
       "STATUS",
       "Only runs of this status.",
       &input->status,
       {"pending", "plan_queued", "planning", "planned", "planned_and_saved", "planned_and_finished", "confirmed",
        "apply_queued", "applying", "applied", "discarded", "canceled", "force_canceled", "errored"}});
  command.options.push_back({"--limit", "N", "At most so many, up to 100. Default: 20.", &input->limit});
  command.options.push_back({"--json", "", "Print JSON (schema tollgate.runs.v1).", &input->json});
  command.run = [input](App& app) {
    const auto done = list(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
