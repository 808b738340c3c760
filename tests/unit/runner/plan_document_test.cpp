#include "runner/plan_document.h"

#include <gtest/gtest.h>

namespace tollgate::runner {
namespace {

constexpr const char* kPlan = R"({
  "format_version": "1.2", "terraform_version": "1.11.4",
  "variables": {"password": {"value": "canary-in-variables"}},
  "planned_values": {"x": "canary-in-planned-values"},
  "prior_state": {"x": "canary-in-prior-state"},
  "resource_changes": [
    {"address": "a.x", "mode": "managed", "type": "a", "provider_name": "registry.terraform.io/h/a",
     "change": {"actions": ["update"], "before": {"p": "canary-before", "n": 1, "l": ["canary-l"], "open": "v"},
                "after": {"p": "canary-after", "n": 2, "l": ["canary-m"], "open": "w"}, "after_unknown": {},
                "before_sensitive": {"p": true, "n": true, "l": true}, "after_sensitive": {"p": true, "n": true, "l": true}}},
    {"address": "a.y", "mode": "managed", "type": "b", "provider_name": "registry.terraform.io/h/a",
     "change": {"actions": ["delete", "create"], "before": {"nest": [{"s": "canary-nested", "t": "shown"}]},
                "after": null, "before_sensitive": {"nest": [{"s": true}]}, "after_sensitive": false}},
    {"address": "a.z", "mode": "managed", "type": "a", "provider_name": "registry.terraform.io/h/a",
     "change": {"actions": ["no-op"], "importing": {"id": "i-1"}, "before": {}, "after": {},
                "generated_config": "resource", "before_sensitive": true, "after_sensitive": true}},
    {"address": "data.d.z", "mode": "data", "type": "d", "provider_name": "terraform.io/builtin/terraform",
     "change": {"actions": ["read"], "before": null, "after": {}, "after_sensitive": {}}}
  ],
  "resource_drift": [
    {"address": "a.x", "mode": "managed", "type": "c", "provider_name": "registry.terraform.io/h/b",
     "change": {"actions": ["update"], "before": {"p": "canary-drift"}, "after": {"p": "canary-drift"},
                "before_sensitive": {"p": true}, "after_sensitive": {"p": true}}}],
  "deferred_changes": [{"reason": "r", "resource_change": {"mode": "managed", "type": "e", "provider_name": "p",
     "change": {"actions": ["create"], "before": null, "after": {"p": "canary-deferred"}, "after_sensitive": {"p": true}}}}],
  "output_changes": {"o": {"actions": ["create"], "before": null, "after": "canary-output", "after_unknown": false,
                           "before_sensitive": true, "after_sensitive": true}},
  "configuration": {"root_module": {"x": "canary-in-configuration"}}
})";

json::Value plan() {
  return *json::parse(kPlan);
}

std::string same(const std::string& text) {
  return text;
}

TEST(PlanDocument, CountsAsTheSummaryDoes) {
  const PlanCounts counts = count_changes(plan());
  EXPECT_EQ(counts, (PlanCounts{1, 1, 1, 1, true}));
  EXPECT_EQ(count_changes(json::Value()), PlanCounts{});
}

TEST(PlanDocument, KnowsWhichTypesOccur) {
  const auto used = used_types(plan());
  ASSERT_EQ(used.size(), 4U);
  EXPECT_EQ(used.at("registry.terraform.io/h/a").at("resource_schemas"), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(used.at("registry.terraform.io/h/b").at("resource_schemas"), (std::set<std::string>{"c"}));
  EXPECT_EQ(used.at("terraform.io/builtin/terraform").at("data_source_schemas"), (std::set<std::string>{"d"}));
}

TEST(PlanDocument, NoSensitiveValueIsLeft) {
  const std::string text = json::to_text(redacted_plan(plan(), json::Value(), same));
  EXPECT_EQ(text.find("canary"), std::string::npos) << text;
  for (const char* shown : {"\"open\":\"w\"", "\"t\":\"shown\"", "plan_format_version", "provider_format_version"})
    EXPECT_NE(text.find(shown), std::string::npos) << shown;
}

TEST(PlanDocument, AChangeOfASensitiveValueStaysAChange) {
  const json::Value document = redacted_plan(plan(), json::Value(), same);
  const json::Value& change = *(*document.find("resource_changes")->if_array())[0].find("change");
  for (const char* name : {"p", "n", "l"}) {
    EXPECT_NE(*change.find("before")->find(name), *change.find("after")->find(name)) << name;
  }
  EXPECT_TRUE(change.find("after")->find("p")->is_string());
  EXPECT_NE(change.find("after")->find("n")->if_integer(), nullptr);
  EXPECT_TRUE(change.find("after")->find("l")->is_array());
  const json::Value& drift = *(*document.find("resource_drift")->if_array())[0].find("change");
  EXPECT_EQ(*drift.find("before")->find("p"), *drift.find("after")->find("p"));
}

TEST(PlanDocument, KnownSecretsInOpenValuesAreRedacted) {
  const auto text = json::to_text(
      redacted_plan(plan(), json::Value(), [](const std::string& value) { return value == "w" ? "***" : value; }));
  EXPECT_NE(text.find("\"open\":\"***\""), std::string::npos);
}

TEST(PlanDocument, WhatHasAnotherFormIsLeftOut) {
  for (const char* text : {"null", "[]", "{\"resource_changes\":{}}", "{\"resource_changes\":[1,{\"change\":7}]}",
                           "{\"output_changes\":[1]}"}) {
    const json::Value document = *json::parse(text);
    EXPECT_EQ(count_changes(document), PlanCounts{});
    EXPECT_TRUE(redacted_plan(document, json::Value(), same).is_object());
  }
}

}  // namespace
}  // namespace tollgate::runner
