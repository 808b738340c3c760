// A run as the server describes it to this viewer, read from its JSON:API document, and what it says in words: what it
// waits for, who can act, what its plan would do. Pure functions and plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/remote/gate_view.h"
#include "common/base/error.h"
#include "common/base/time.h"
#include "common/json/value.h"

namespace tollgate::remote {

struct ResourceCounts {
  std::int64_t additions = 0;
  std::int64_t changes = 0;
  std::int64_t destructions = 0;
  std::int64_t imports = 0;
};

// A plan or an apply. Empty where the document did not include it.
struct PhaseView {
  std::string id;
  std::string status;
  std::string log_url;
  ResourceCounts counts;
};

struct RunView {
  std::string id;
  std::string status;
  std::string message;
  std::string source;
  std::string error_reason;
  std::string error_detail;
  std::string terraform_version;
  std::string created_by;  // user name; empty where not included
  std::string workspace;   // name; empty where not included
  std::string workspace_id;
  std::string organization;  // name; empty where not included
  TimePoint created_at{};
  std::optional<TimePoint> since;  // when it came into its status
  bool has_changes = false;
  bool is_destroy = false;
  bool plan_only = false;
  bool refresh_only = false;
  bool save_plan = false;
  bool auto_apply = false;
  bool is_confirmable = false;
  bool is_discardable = false;
  bool is_cancelable = false;
  bool is_force_cancelable = false;
  bool may_apply = false;  // this viewer has the right to confirm, discard and cancel
  PhaseView plan;
  PhaseView apply;
  std::optional<GateView> gate;  // nullopt: nothing of it needs a code
};

// The include= that fills every member.
inline constexpr std::string_view kRunIncludes = "plan,apply,workspace,created_by";

// {"data": {...}, "included": [...]}. Errors: Code::config where it is no run.
Result<RunView> parse_run(const json::Value& document);
// {"data": [...], "included": [...]}.
Result<std::vector<RunView>> parse_runs(const json::Value& document);

bool is_final(std::string_view status);

// "waits for a confirmation", "plan is running", "applied".
std::string status_words(const RunView& run);
// What this viewer, or somebody else, can do now; empty where nothing is to be done.
std::string next_step(const RunView& run);
// "Plan: 1 to add, 0 to change, 0 to destroy."; empty before the plan is finished.
std::string plan_summary(const RunView& run);
// "destroy", "plan only", "refresh only", ...; empty for an ordinary run.
std::string mode_words(const RunView& run);

// One line for each changed resource of a plan, "+ aws_instance.web", from the plan's redacted JSON; no values. At most
// `limit` lines, then one that counts the rest.
std::vector<std::string> changed_resources(const json::Value& plan, std::size_t limit);

}  // namespace tollgate::remote
