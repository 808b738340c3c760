#include "server/runs/frozen_inputs.h"

#include <map>

#include "common/json/value.h"
#include "server/domain/reserved_variables.h"

namespace tollgate::runs {

namespace {

using domain::VariableCategory;

std::string_view word(VariableCategory category) {
  return category == VariableCategory::env ? "env" : "terraform";
}

}  // namespace

FrozenInputs freeze(const std::vector<domain::Variable>& organization, const std::vector<domain::Variable>& personal,
                    const std::vector<domain::Variable>& workspace, const std::vector<domain::RunVariable>& run) {
  std::map<std::pair<VariableCategory, std::string>, FrozenVariable> chosen;
  for (const auto* scope : {&organization, &personal, &workspace}) {
    for (const domain::Variable& variable : *scope) {
      if (variable.category == VariableCategory::env && variable.key == "AWS_MFA_SERIAL_NUMBER") continue;
      chosen[{variable.category, variable.key}] =
          FrozenVariable{variable.key, variable.value, variable.category, variable.hcl, variable.sensitive};
    }
  }
  for (const domain::RunVariable& variable : run) {
    chosen[{VariableCategory::terraform, variable.key}] =
        FrozenVariable{variable.key, Secret(variable.value), VariableCategory::terraform, true, false};
  }
  FrozenInputs inputs;
  for (auto& [key, variable] : chosen) {
    inputs.variables.push_back(std::move(variable));
  }
  return inputs;
}

std::vector<std::string> take_reserved(FrozenInputs& inputs) {
  std::vector<std::string> names;
  std::erase_if(inputs.variables, [&](const FrozenVariable& variable) {
    const bool reserved = variable.category == VariableCategory::env && domain::is_reserved_variable(variable.key);
    if (reserved) names.push_back(variable.key);
    return reserved;
  });
  return names;
}

Secret to_text(const FrozenInputs& inputs) {
  json::Value variables = json::Value::array();
  for (const FrozenVariable& variable : inputs.variables) {
    variables.push(json::Value::object({{"key", variable.key},
                                        {"value", variable.value.reveal()},
                                        {"category", word(variable.category)},
                                        {"hcl", variable.hcl},
                                        {"sensitive", variable.sensitive}}));
  }
  json::Value document =
      json::Value::object({{"variables", std::move(variables)}, {"base-state-version", inputs.base_state_version_id}});
  if (!inputs.plan_account.empty()) document.set("plan-account", inputs.plan_account);
  return Secret::take(json::to_text(document));
}

Result<FrozenInputs> parse_frozen_inputs(const Secret& text) {
  TG_TRY(const json::Value document, json::parse(text.reveal()));
  const json::Reader reader(document);
  FrozenInputs inputs;
  TG_TRY(inputs.base_state_version_id, reader.text("base-state-version"));
  TG_TRY(const auto plan_account, reader.optional_text("plan-account"));
  inputs.plan_account = plan_account.value_or("");
  TG_TRY(const json::Reader variables, reader.member("variables"));
  TG_TRY(const auto items, variables.items());
  for (const json::Reader& item : items) {
    FrozenVariable variable;
    TG_TRY(variable.key, item.text("key"));
    TG_TRY(std::string value, item.text("value"));
    variable.value = Secret::take(std::move(value));
    TG_TRY(const std::string category, item.text("category"));
    variable.category = category == "env" ? VariableCategory::env : VariableCategory::terraform;
    TG_TRY(variable.hcl, item.boolean("hcl"));
    TG_TRY(variable.sensitive, item.boolean("sensitive"));
    inputs.variables.push_back(std::move(variable));
  }
  return inputs;
}

}  // namespace tollgate::runs
