#include "broker/remote/run_document.h"

#include <algorithm>
#include <array>
#include <map>

#include "broker/remote/document_fields.h"

namespace tollgate::remote {
namespace {

bool flag(const json::Value& object, std::string_view key) {
  const bool* found = member(object, key).if_bool();
  return found != nullptr && *found;
}

std::int64_t number(const json::Value& object, std::string_view key) {
  const std::int64_t* found = member(object, key).if_integer();
  return found == nullptr ? 0 : *found;
}

std::string related_id(const json::Value& resource, std::string_view name) {
  return text(member(member(member(resource, "relationships"), name), "data"), "id");
}

// The resources of "included", by type and id.
class Included {
 public:
  explicit Included(const json::Value& document) {
    const json::Array* all = member(document, "included").if_array();
    if (all == nullptr) return;
    for (const json::Value& each : *all)
      resources_.emplace(std::pair(text(each, "type"), text(each, "id")), &each);
  }
  const json::Value& find(const std::string& type, const std::string& id) const {
    static const json::Value absent;
    const auto found = resources_.find(std::pair(type, id));
    return found == resources_.end() ? absent : *found->second;
  }

 private:
  std::map<std::pair<std::string, std::string>, const json::Value*> resources_;
};

PhaseView read_phase(const json::Value& resource, std::string id) {
  const json::Value& attributes = member(resource, "attributes");
  PhaseView phase;
  phase.id = std::move(id);
  phase.status = text(attributes, "status");
  phase.log_url = text(attributes, "log-read-url");
  phase.counts = {number(attributes, "resource-additions"), number(attributes, "resource-changes"),
                  number(attributes, "resource-destructions"), number(attributes, "resource-imports")};
  return phase;
}

// "plan_queued" -> the stamp "plan-queued-at".
std::optional<TimePoint> time_of_status(const json::Value& stamps, std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return parse_iso8601(text(stamps, name + "-at"));
}

Result<RunView> read_run(const json::Value& resource, const Included& included) {
  const json::Value& attributes = member(resource, "attributes");
  RunView run;
  run.id = text(resource, "id");
  run.status = text(attributes, "status");
  if (text(resource, "type") != "runs" || run.id.empty() || run.status.empty()) {
    return fail(Error(Code::config, "the server's answer is no run").do_next("check the host and its port"));
  }
  run.message = text(attributes, "message");
  run.source = text(attributes, "source");
  run.error_reason = text(attributes, "error-reason");
  run.error_detail = text(attributes, "error-detail");
  run.terraform_version = text(attributes, "terraform-version");
  run.created_at = parse_iso8601(text(attributes, "created-at")).value_or(TimePoint{});
  run.since = time_of_status(member(attributes, "status-timestamps"), run.status);
  if (run.status == "pending") run.since = run.created_at;
  run.has_changes = flag(attributes, "has-changes");
  run.is_destroy = flag(attributes, "is-destroy");
  run.plan_only = flag(attributes, "plan-only");
  run.refresh_only = flag(attributes, "refresh-only");
  run.save_plan = flag(attributes, "save-plan");
  run.auto_apply = flag(attributes, "auto-apply");
  const json::Value& actions = member(attributes, "actions");
  run.is_confirmable = flag(actions, "is-confirmable");
  run.is_discardable = flag(actions, "is-discardable");
  run.is_cancelable = flag(actions, "is-cancelable");
  run.is_force_cancelable = flag(actions, "is-force-cancelable");
  run.may_apply = flag(member(attributes, "permissions"), "can-apply");
  run.workspace_id = related_id(resource, "workspace");
  const json::Value& workspace = included.find("workspaces", run.workspace_id);
  run.workspace = text(member(workspace, "attributes"), "name");
  run.organization = related_id(workspace, "organization");
  run.created_by = text(member(included.find("users", related_id(resource, "created-by")), "attributes"), "username");
  const std::string plan = related_id(resource, "plan");
  const std::string apply = related_id(resource, "apply");
  run.plan = read_phase(included.find("plans", plan), plan);
  run.gate = parse_gate(member(attributes, "mfa"));
  run.apply = read_phase(included.find("applies", apply), apply);
  return run;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kStatusWords = {{
    {"pending", "waits for its turn in the workspace"},
    {"plan_queued", "plan waits for a runner"},
    {"planning", "plan is running"},
    {"planned", "waits for a confirmation"},
    {"planned_and_saved", "plan is saved and waits for a confirmation"},
    {"planned_and_finished", "planned"},
    {"confirmed", "confirmed, waits for its turn"},
    {"apply_queued", "apply waits for a runner"},
    {"applying", "apply is running"},
    {"applied", "applied"},
    {"discarded", "discarded"},
    {"canceled", "cancelled"},
    {"force_canceled", "cancelled by force"},
    {"errored", "failed"},
}};

std::string_view symbol_of(const json::Value& actions) {
  const json::Array* all = actions.if_array();
  if (all == nullptr || all->empty()) return "";
  const auto is = [&](std::size_t index, std::string_view word) {
    const std::string* found = (*all)[index].if_string();
    return found != nullptr && *found == word;
  };
  if (all->size() == 2) return is(0, "delete") ? "-/+" : "+/-";
  if (is(0, "create")) return "+";
  if (is(0, "update")) return "~";
  if (is(0, "delete")) return "-";
  if (is(0, "read")) return "<=";
  if (is(0, "forget")) return ".";
  return "";
}

}  // namespace

Result<RunView> parse_run(const json::Value& document) {
  return read_run(member(document, "data"), Included(document));
}

Result<std::vector<RunView>> parse_runs(const json::Value& document) {
  const json::Array* rows = member(document, "data").if_array();
  if (rows == nullptr) {
    return fail(Error(Code::config, "the server's answer is no list of runs").do_next("check the host and its port"));
  }
  const Included included(document);
  std::vector<RunView> runs;
  for (const json::Value& row : *rows) {
    TG_TRY(RunView run, read_run(row, included));
    runs.push_back(std::move(run));
  }
  return runs;
}

bool is_final(std::string_view status) {
  constexpr std::array<std::string_view, 6> kFinal{"planned_and_finished", "applied", "discarded", "canceled",
                                                   "force_canceled",       "errored"};
  return std::find(kFinal.begin(), kFinal.end(), status) != kFinal.end();
}

std::string status_words(const RunView& run) {
  if (run.status == "planned_and_finished" && !run.has_changes) return "planned, nothing to change";
  const auto found = std::find_if(kStatusWords.begin(), kStatusWords.end(),
                                  [&](const auto& entry) { return entry.first == run.status; });
  return found == kStatusWords.end() ? run.status : std::string(found->second);
}

std::string next_step(const RunView& run) {
  if (run.gate && run.gate->answers()) return fmt::format("`tollgate authenticate {}` gives it a code", run.id);
  if (run.is_confirmable) {
    if (!run.may_apply) return "somebody with the right to apply in this workspace has to confirm or discard it";
    return fmt::format("`tollgate run confirm {0}` applies it, `tollgate run discard {0}` does not", run.id);
  }
  if (run.is_force_cancelable && run.may_apply) {
    return fmt::format("it has not ended since it was cancelled: `tollgate run cancel --force {}` kills it", run.id);
  }
  if (run.is_cancelable && run.may_apply) return fmt::format("`tollgate run cancel {}` ends it", run.id);
  return "";
}

std::string plan_summary(const RunView& run) {
  if (run.plan.status != "finished") return "";
  if (!run.has_changes) return "No changes.";
  const ResourceCounts& counts = run.plan.counts;
  const std::string imports = counts.imports > 0 ? fmt::format("{} to import, ", counts.imports) : "";
  return fmt::format("Plan: {}{} to add, {} to change, {} to destroy.", imports, counts.additions, counts.changes,
                     counts.destructions);
}

std::string mode_words(const RunView& run) {
  std::vector<std::string_view> words;
  if (run.is_destroy) words.push_back("destroy");
  if (run.refresh_only) words.push_back("refresh only");
  if (run.plan_only) words.push_back("plan only");
  if (run.save_plan) words.push_back("saved plan");
  if (run.auto_apply && !run.plan_only) words.push_back("applied without asking");
  return fmt::format("{}", fmt::join(words, ", "));
}

std::vector<std::string> changed_resources(const json::Value& plan, std::size_t limit) {
  std::vector<std::string> lines;
  const json::Array* changes = member(plan, "resource_changes").if_array();
  if (changes == nullptr) return lines;
  std::size_t rest = 0;
  for (const json::Value& change : *changes) {
    const std::string_view symbol = symbol_of(member(member(change, "change"), "actions"));
    if (symbol.empty()) continue;
    if (lines.size() == limit) {
      ++rest;
    } else {
      lines.push_back(fmt::format("{:>3} {}", symbol, text(change, "address")));
    }
  }
  if (rest > 0) lines.push_back(fmt::format("    and {} more", rest));
  return lines;
}

}  // namespace tollgate::remote
