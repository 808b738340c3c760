#include "runner/protocol/sandbox_check.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace tollgate::runner {
namespace {

TEST(SandboxCheck, FactsSurviveTheirText) {
  const SandboxFacts facts{{"namespaces", "seccomp"}, {"Warning: \"quoted\"."}};
  const auto read = parse_sandbox_facts(to_text(facts));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->applied, facts.applied);
  EXPECT_EQ(read->warnings, facts.warnings);
  EXPECT_FALSE(parse_sandbox_facts(R"({"applied":[1],"warnings":[]})"));
}

TEST(SandboxCheck, ARefusalComesWithItsRemedy) {
  const test::TemporaryDirectory place;
  test::write_test_file(place.file("runner"),
                        "#!/bin/sh\ncat >/dev/null\necho 'tollgate-runner: it is missing' >&2\necho 'install it' >&2\n"
                        "exit 69\n",
                        0700);
  const auto facts = check_sandbox(place.file("runner"), Bundle());
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().reason, "sandbox_unavailable");
  EXPECT_EQ(facts.error().message, "runs cannot be isolated: it is missing");
  EXPECT_EQ(facts.error().next, "install it");
}

}  // namespace
}  // namespace tollgate::runner
