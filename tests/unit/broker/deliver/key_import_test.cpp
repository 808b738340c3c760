#include "broker/deliver/key_import.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/referees.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::deliver {
namespace {

constexpr std::string_view kProcess = "/usr/bin/tollgate credential-process --profile ana";

struct TextCase {
  std::string name;
  aws::FileKind kind = aws::FileKind::credentials;
  std::string before;
  std::string after;
};

class WithoutKeys : public testing::TestWithParam<TextCase> {};

TEST_P(WithoutKeys, KeepsEveryOtherByte) {
  const TextCase& input = GetParam();
  const auto after = without_keys(input.before, input.kind, "ana", kProcess);
  ASSERT_TRUE(after);
  EXPECT_EQ(*after, input.after);
  EXPECT_FALSE(without_keys(*after, input.kind, "ana", kProcess));
}

const std::string kLine = "credential_process = " + std::string(kProcess) + "\n";

INSTANTIATE_TEST_SUITE_P(
    Texts, WithoutKeys,
    testing::Values(
        TextCase{"Plain", aws::FileKind::credentials, "[ana]\naws_access_key_id = A\naws_secret_access_key = S\n",
                 "[ana]\n" + kLine},
        TextCase{"SecretFirst", aws::FileKind::credentials,
                 "[ana]\naws_secret_access_key = S\nregion = x\naws_access_key_id = A\n",
                 "[ana]\nregion = x\n" + kLine},
        TextCase{
            "CommentsAndUnknownKeysStay", aws::FileKind::credentials,
            "# mine\n[other]\naws_access_key_id = O\naws_secret_access_key = P\n\n[ana]\n; a note\n"
            "aws_access_key_id = A\nsomething_new = 1\n# between\naws_secret_access_key = S # old\n\n[last]\nx=1\n",
            "# mine\n[other]\naws_access_key_id = O\naws_secret_access_key = P\n\n[ana]\n; a note\n" + kLine +
                "something_new = 1\n# between\n\n[last]\nx=1\n"},
        TextCase{"NoNewlineAtTheEnd", aws::FileKind::credentials, "[ana]\naws_access_key_id=A\naws_secret_access_key=S",
                 "[ana]\n" + kLine},
        TextCase{"LineEndsOfWindows", aws::FileKind::credentials,
                 "[ana]\r\naws_access_key_id=A\r\naws_secret_access_key=S\r\nregion=x\r\n",
                 "[ana]\r\ncredential_process = " + std::string(kProcess) + "\r\nregion=x\r\n"},
        TextCase{"Indented", aws::FileKind::credentials,
                 "[ana]\n  aws_access_key_id = A\n  aws_secret_access_key = S\n  region = x\n",
                 "[ana]\n  " + kLine + "  region = x\n"},
        TextCase{"UpperCaseAndColon", aws::FileKind::credentials,
                 "[ana]\nAWS_ACCESS_KEY_ID : A\nAWS_SECRET_ACCESS_KEY : S\n", "[ana]\n" + kLine},
        TextCase{"Twice", aws::FileKind::credentials,
                 "[ana]\naws_access_key_id=OLD\naws_secret_access_key=OLD\n[x]\ny=1\n[ana]\naws_access_key_id=A\n"
                 "aws_secret_access_key=S\n",
                 "[ana]\n[x]\ny=1\n[ana]\n" + kLine},
        TextCase{"Continued", aws::FileKind::credentials,
                 "[ana]\naws_access_key_id=A\naws_secret_access_key=S\n  T\nregion=x\n",
                 "[ana]\n" + kLine + "region=x\n"},
        TextCase{"ContinuedAfterAComment", aws::FileKind::credentials,
                 "[ana]\naws_access_key_id=A\naws_secret_access_key=S\n\n# c\n  T\n  region=x\n",
                 "[ana]\n" + kLine + "\n# c\n  region=x\n"},
        TextCase{"ContinuedByHalfAHeader", aws::FileKind::credentials,
                 "[ana]\naws_access_key_id=A\naws_secret_access_key=S\n [b\n [c] # d\nregion=x\n",
                 "[ana]\n" + kLine + " [c] # d\nregion=x\n"},
        TextCase{"NestedNeighbour", aws::FileKind::config,
                 "[profile ana]\ns3 =\n  max = 1\naws_access_key_id=A\naws_secret_access_key=S\n",
                 "[profile ana]\ns3 =\n  max = 1\n" + kLine},
        TextCase{"OnlyTheSecretIsHere", aws::FileKind::credentials, "[ana]\naws_secret_access_key=S\n",
                 "[ana]\n" + kLine}),
    [](const testing::TestParamInfo<TextCase>& parameter) { return parameter.param.name; });

TEST(WithoutKeysNone, OtherProfilesAreNotTouched) {
  EXPECT_FALSE(without_keys("[bob]\naws_access_key_id=A\n", aws::FileKind::credentials, "ana", kProcess));
  EXPECT_FALSE(without_keys("[ana]\nregion=x\n", aws::FileKind::credentials, "ana", kProcess));
  EXPECT_FALSE(without_keys("[profile ana]\naws_access_key_id=A\n", aws::FileKind::credentials, "ana", kProcess));
  EXPECT_FALSE(without_keys("", aws::FileKind::config, "ana", kProcess));
}

TEST(WithoutKeysNone, WithoutALineTheKeysJustGo) {
  EXPECT_EQ(
      without_keys("[ana]\naws_access_key_id=A\naws_secret_access_key=S\n", aws::FileKind::credentials, "ana", ""),
      "[ana]\n");
}

TEST(OwnProcessProfile, OnlyOurOwnLine) {
  EXPECT_EQ(own_process_profile("/usr/bin/tollgate credential-process --profile ana"), "ana");
  EXPECT_EQ(own_process_profile("tollgate credential-process --profile ana"), "ana");
  EXPECT_EQ(own_process_profile("  /opt/tollgate  credential-process  --profile-b64  YSBi "), "a b");
  for (const std::string_view other :
       {"", "tollgate", "/usr/bin/aws-vault export --format=json ana", "tollgate env ana",
        "tollgate credential-process --profile ana | tee log", "nottollgate credential-process --profile ana",
        "/usr/bin/tollgate-fetch credential-process --profile ana", "tollgate credential-process --profile-b64 !!"}) {
    EXPECT_EQ(own_process_profile(other), std::nullopt) << other;
  }
}

class PlanImport : public testing::Test {
 protected:
  PlanImport() : files_{folder_.file("config"), folder_.file("credentials")} {}
  Result<ImportPlan> plan(const std::string& config, const std::string& credentials) {
    test::write_test_file(files_.config, config, 0644);
    test::write_test_file(files_.credentials, credentials);
    return plan_import(files_, "ana", kProcess);
  }

  test::TemporaryDirectory folder_;
  aws::FileLocations files_;
};

TEST_F(PlanImport, FindsTheKeysAndChangesOneFile) {
  const auto found =
      plan("[profile ana]\nmfa_serial = m\n", "[ana]\naws_access_key_id = A\naws_secret_access_key = S\n");
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->access_key_id, "A");
  EXPECT_EQ(found->secret_access_key.reveal(), "S");
  EXPECT_EQ(found->place, files_.credentials + ":2");
  ASSERT_EQ(found->edits.size(), 1u);
  EXPECT_EQ(found->edits[0].path, files_.credentials);

  const auto backups = apply_import(*found, from_unix_seconds(1767323045));
  ASSERT_TRUE(backups) << backups.error().text();
  ASSERT_EQ(*backups, std::vector<std::string>{files_.credentials + ".tollgate-20260102T030405Z"});
  EXPECT_EQ(test::read_whole_file(files_.credentials), "[ana]\n" + kLine);
  EXPECT_EQ(test::read_whole_file(backups->front()), "[ana]\naws_access_key_id = A\naws_secret_access_key = S\n");
  struct stat info {};
  ASSERT_EQ(::stat(backups->front().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(plan_import(files_, "ana", kProcess).error().reason, "already_imported");
}

TEST_F(PlanImport, TheSameKeyInBothFilesLeavesBoth) {
  const std::string keys = "aws_access_key_id = A\naws_secret_access_key = S\n";
  const auto found = plan("[profile ana]\n" + keys, "[ana]\n" + keys);
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->edits.size(), 2u);
  EXPECT_EQ(found->edits[0].after.reveal(), "[ana]\n" + kLine);
  EXPECT_EQ(found->edits[1].after.reveal(), "[profile ana]\n");
}

TEST_F(PlanImport, ModesAndLinksStay) {
  const std::string keys = "[profile ana]\naws_access_key_id = A\naws_secret_access_key = S\n";
  const std::string real = folder_.file("dotfiles");
  test::write_test_file(real, keys, 0644);
  ASSERT_EQ(::symlink(real.c_str(), files_.config.c_str()), 0);
  const auto found = plan_import(files_, "ana", kProcess);
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_TRUE(apply_import(*found, TimePoint()));
  struct stat info {};
  ASSERT_EQ(::lstat(files_.config.c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  ASSERT_EQ(::stat(real.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0644u);
  EXPECT_EQ(test::read_whole_file(real), "[profile ana]\n" + kLine);
}

TEST_F(PlanImport, AFileThatChangedIsNotOverwritten) {
  const auto found = plan("", "[ana]\naws_access_key_id = A\naws_secret_access_key = S\n");
  ASSERT_TRUE(found);
  test::write_test_file(files_.credentials, "[ana]\naws_access_key_id = B\naws_secret_access_key = S\n");
  const auto applied = apply_import(*found, TimePoint());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::conflict);
}

TEST_F(PlanImport, Refusals) {
  const std::string keys = "aws_access_key_id = A\naws_secret_access_key = S\n";
  struct Case {
    std::string config, credentials, reason, place;
  };
  const Case cases[] = {
      {"", "", "no_keys", ""},
      {"[profile ana]\nregion = x\n", "", "no_keys", ""},
      {"", "[ana]\n" + keys + "aws_session_token = T\n", "temporary_keys", "credentials:4"},
      {"[profile ana]\ncredential_process = other\n", "[ana]\n" + keys, "other_process", "config:2"},
      {"[profile ana]\nrole_arn = r\nsource_profile = ana\n", "[ana]\n" + keys, "keys_beside_role", "config:2"},
      {"[profile ana]\naws_access_key_id = B\naws_secret_access_key = S\n", "[ana]\n" + keys, "two_key_pairs",
       "config:2"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.reason);
    const auto found = plan(each.config, each.credentials);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().reason, each.reason);
    EXPECT_NE(found.error().next, "");
    EXPECT_EQ(found.error().place, each.place.empty() ? "" : folder_.file(each.place));
  }
}

TEST_F(PlanImport, OurOwnLineBesideTypedKeysIsKeptOnce) {
  const auto found = plan("[profile ana]\n" + kLine, "[ana]\naws_access_key_id = A\naws_secret_access_key = S\n");
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->edits.size(), 1u);
  EXPECT_EQ(found->edits[0].after.reveal(), "[ana]\n");
}

}  // namespace
}  // namespace tollgate::deliver
