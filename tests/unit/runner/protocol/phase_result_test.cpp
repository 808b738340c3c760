#include "runner/protocol/phase_result.h"

#include <gtest/gtest.h>

namespace tollgate::runner {
namespace {

TEST(PhaseResult, IsTheSameAfterWritingAndReading) {
  PhaseResult result;
  result.status = PhaseStatus::canceled;
  result.reason = std::string(reason::kCanceled);
  result.sentence = "it was canceled";
  result.exit_code = 1;
  result.has_changes = true;
  result.additions = 1;
  result.changes = 2;
  result.destructions = 3;
  result.imports = 4;
  result.terraform_version = "1.11.4";
  result.plan_sha256 = "ab";
  result.lock_file_sha256 = "cd";
  result.state_serial = 12;
  result.output_bytes = 99;
  result.output_truncated = true;
  result.started_at = TimePoint(Duration(1234));
  result.ended_at = TimePoint(Duration(5678));
  result.isolation = {"namespaces"};
  result.warnings = {"no cgroup"};
  const auto read = parse_phase_result(to_text(result));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(to_text(*read), to_text(result));
  EXPECT_EQ(read->state_serial, 12);
  EXPECT_EQ(read->ended_at, result.ended_at);
}

TEST(PhaseResult, WhatIsNoResultIsRefused) {
  for (const char* text : {"", "{}", "[]", "null", "{\"status\":\"applied\"}"})
    EXPECT_FALSE(parse_phase_result(text)) << text;
}

}  // namespace
}  // namespace tollgate::runner
