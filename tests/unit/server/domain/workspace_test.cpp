#include "server/domain/workspace.h"

#include <gtest/gtest.h>

#include "server/domain/ids.h"
#include "server/domain/mfa_level.h"

namespace tollgate::domain {
namespace {

const TimePoint kNow = from_unix_seconds(1'800'000'000);

TEST(WorkspaceLock, IsHeldByOneAtATime) {
  Workspace workspace;
  workspace.name = "prod";
  ASSERT_TRUE(lock_workspace(workspace, WorkspaceLock::Holder::user, "user-ana", "migrating", kNow));
  const Result<void> second = lock_workspace(workspace, WorkspaceLock::Holder::run, "run-1", "", kNow);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  EXPECT_NE(second.error().message.find("already locked"), std::string::npos);
  const Result<void> other = unlock_workspace(workspace, WorkspaceLock::Holder::user, "user-bob", false);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("is locked by User"), std::string::npos);
  EXPECT_TRUE(unlock_workspace(workspace, WorkspaceLock::Holder::user, "user-bob", true));
  EXPECT_FALSE(unlock_workspace(workspace, WorkspaceLock::Holder::user, "user-ana", false));
}

TEST(WorkspaceLock, OfARunIsNotForced) {
  Workspace workspace;
  ASSERT_TRUE(lock_workspace(workspace, WorkspaceLock::Holder::run, "run-1", "", kNow));
  const Result<void> forced = unlock_workspace(workspace, WorkspaceLock::Holder::user, "user-bob", true);
  ASSERT_FALSE(forced);
  EXPECT_NE(forced.error().message.find("is locked by Run"), std::string::npos);
  EXPECT_TRUE(unlock_workspace(workspace, WorkspaceLock::Holder::run, "run-1", false));
}

TEST(Names, AreWhatTheApiAllows) {
  EXPECT_TRUE(valid_workspace_name("prod-eu_1"));
  EXPECT_FALSE(valid_workspace_name(""));
  EXPECT_FALSE(valid_workspace_name("a/b"));
  EXPECT_FALSE(valid_workspace_name(std::string(91, 'a')));
  EXPECT_FALSE(valid_organization_name("ab"));
}

TEST(MfaLevels, AreOnlyEverStricter) {
  EXPECT_EQ(stricter(MfaLevel::applies_only, MfaLevel::never), MfaLevel::applies_only);
  EXPECT_EQ(stricter(MfaLevel::never, MfaLevel::plans_and_applies), MfaLevel::plans_and_applies);
  EXPECT_FALSE(gated(MfaLevel::applies_only, PhaseKind::plan));
  EXPECT_TRUE(gated(MfaLevel::applies_only, PhaseKind::apply));
  EXPECT_TRUE(gated(MfaLevel::plans_and_applies, PhaseKind::plan));
  EXPECT_FALSE(gated(MfaLevel::never, PhaseKind::apply));
  EXPECT_EQ(parse_mfa_level("sometimes"), std::nullopt);
}

}  // namespace
}  // namespace tollgate::domain
