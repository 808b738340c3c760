#include "broker/remote/run_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/broker/remote/run_json.h"

namespace tollgate::remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

RunView read(const std::string& text) {
  const auto document = json::parse(text);
  EXPECT_TRUE(document) << document.error().text();
  auto run = parse_run(*document);
  EXPECT_TRUE(run) << run.error().text();
  return run ? std::move(*run) : RunView();
}

TEST(RunDocument, IsReadWithWhatItIncludes) {
  const RunView run = read(run_json({.status = "planned", .plan = "finished", .confirmable = true}));
  EXPECT_EQ(run.id, "run-1");
  EXPECT_EQ(run.status, "planned");
  EXPECT_EQ(run.message, "a message");
  EXPECT_EQ(run.workspace, "web");
  EXPECT_EQ(run.organization, "acme");
  EXPECT_EQ(run.created_by, "ana");
  EXPECT_EQ(format_iso8601(run.created_at), "2026-01-02T03:04:05Z");
  EXPECT_EQ(format_iso8601(*run.since), "2026-01-02T03:05:00Z");
  EXPECT_EQ(run.plan.status, "finished");
  EXPECT_EQ(run.plan.log_url, "https://h.test/log/plan");
  EXPECT_EQ(run.apply.status, "pending");
  EXPECT_TRUE(run.is_confirmable && run.may_apply);
}

TEST(RunDocument, MissingPartsAreEmptyAndOtherDocumentsAreErrors) {
  const RunView bare = read(R"({"data": {"type": "runs", "id": "run-1", "attributes": {"status": "planning"}}})");
  EXPECT_EQ(bare.workspace, "");
  EXPECT_FALSE(bare.since);
  for (const char* other : {"{}", "null", "[]", R"({"data": null})", R"({"data": {"type": "users", "id": "x"}})",
                            R"({"data": {"type": "runs", "id": "run-1", "attributes": {"status": 5}}})"}) {
    EXPECT_FALSE(parse_run(*json::parse(other))) << other;
  }
  EXPECT_FALSE(parse_runs(*json::parse("{}")));
  EXPECT_TRUE(parse_runs(*json::parse(R"({"data": []})"))->empty());
}

TEST(RunDocument, EveryStatusHasWords) {
  for (const char* status :
       {"pending", "plan_queued", "planning", "planned", "planned_and_saved", "planned_and_finished", "confirmed",
        "apply_queued", "applying", "applied", "discarded", "canceled", "force_canceled", "errored"}) {
    RunView run;
    run.status = status;
    EXPECT_EQ(status_words(run).find('_'), std::string::npos) << status;
  }
  RunView unknown;
  unknown.status = "policy_checked";
  EXPECT_EQ(status_words(unknown), "policy_checked");
  EXPECT_TRUE(is_final("applied") && is_final("errored") && !is_final("planned") && !is_final("planned_and_saved"));
}

TEST(RunDocument, SaysWhoCanActNow) {
  RunView run;
  run.id = "run-1";
  EXPECT_EQ(next_step(run), "");
  run.is_confirmable = true;
  EXPECT_THAT(next_step(run), HasSubstr("somebody with the right to apply"));
  run.may_apply = true;
  EXPECT_THAT(next_step(run), HasSubstr("`tollgate run confirm run-1`"));
  run.is_confirmable = false;
  run.is_cancelable = true;
  EXPECT_THAT(next_step(run), HasSubstr("`tollgate run cancel run-1`"));
  run.is_force_cancelable = true;
  EXPECT_THAT(next_step(run), HasSubstr("--force"));
}

TEST(RunDocument, SumsThePlanUp) {
  RunView run;
  EXPECT_EQ(plan_summary(run), "");
  run.plan.status = "finished";
  EXPECT_EQ(plan_summary(run), "No changes.");
  run.has_changes = true;
  run.plan.counts = {1, 2, 3, 0};
  EXPECT_EQ(plan_summary(run), "Plan: 1 to add, 2 to change, 3 to destroy.");
  run.plan.counts.imports = 4;
  EXPECT_EQ(plan_summary(run), "Plan: 4 to import, 1 to add, 2 to change, 3 to destroy.");
}

TEST(RunDocument, ListsChangedResourcesWithoutValues) {
  const auto plan = *json::parse(R"({"resource_changes": [
    {"address": "a", "change": {"actions": ["create"], "after": {"x": "sesame"}}},
    {"address": "b", "change": {"actions": ["no-op"]}},
    {"address": "c", "change": {"actions": ["delete", "create"]}},
    {"address": "d", "change": {"actions": ["create", "delete"]}},
    {"address": "e", "change": {"actions": ["update"]}},
    {"address": "f", "change": {"actions": ["delete"]}},
    {"address": "g", "change": {"actions": []}}, 5]})");
  EXPECT_THAT(changed_resources(plan, 10), ElementsAre("  + a", "-/+ c", "+/- d", "  ~ e", "  - f"));
  EXPECT_THAT(changed_resources(plan, 2), ElementsAre("  + a", "-/+ c", "    and 3 more"));
  EXPECT_TRUE(changed_resources(json::Value(), 2).empty());
}

TEST(RunDocument, NamesTheKindOfRun) {
  RunView run;
  EXPECT_EQ(mode_words(run), "");
  run.is_destroy = run.plan_only = run.auto_apply = true;
  EXPECT_EQ(mode_words(run), "destroy, plan only");
}

}  // namespace
}  // namespace tollgate::remote
