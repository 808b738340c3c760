// What a run froze when it was created: its variables with their values, and later the state its plan started from. It
// lives sealed in the store until the run ends. Which variable wins over which is decided here and nowhere else. Plain
// values and pure functions.
#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "server/domain/run.h"
#include "server/domain/workspace.h"

namespace tollgate::runs {

struct FrozenVariable {
  std::string key;
  Secret value;
  domain::VariableCategory category = domain::VariableCategory::terraform;
  bool hcl = false;
  bool sensitive = false;
};

struct FrozenInputs {
  std::vector<FrozenVariable> variables;  // by category and key; each pair once
  // The workspace's state version when the plan started: an apply that finds another one would apply a stale plan.
  // "-" before the plan started, empty for a workspace that had no state.
  std::string base_state_version_id = "-";
  // The AWS account that the plan ran in, where no gate says it; empty: none, or not yet.
  std::string plan_account;
};

// workspace > personal > organization, and over all of them the run's own, which are HCL expressions. The serial of an
// MFA device is no business of a child and is left out.
FrozenInputs freeze(const std::vector<domain::Variable>& organization, const std::vector<domain::Variable>& personal,
                    const std::vector<domain::Variable>& workspace, const std::vector<domain::RunVariable>& run);

// Takes out the environment variables that are reserved in a gated workspace, whoever set them. Their names.
std::vector<std::string> take_reserved(FrozenInputs& inputs);

Secret to_text(const FrozenInputs& inputs);
// Errors: Code::invalid where it is not such a text.
Result<FrozenInputs> parse_frozen_inputs(const Secret& text);

}  // namespace tollgate::runs
