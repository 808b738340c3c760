#include "broker/deliver/overlay.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <utime.h>

#include <filesystem>

#include "common/base/encoding.h"
#include "tests/support/manual_clock.h"
#include "tests/support/referees.h"

namespace tollgate::deliver {
namespace {

constexpr const char* kProgram = "/opt/tollgate/bin/tollgate";

aws::ProfileSet read(std::string_view config, std::string_view credentials = "") {
  return aws::merge_profiles({"config", "credentials"}, config, credentials);
}

std::string overlay_of(const aws::ProfileSet& set) {
  const auto text = overlay_text(set, kProgram);
  EXPECT_TRUE(text) << (text ? "" : text.error().text());
  return *text;
}

TEST(Overlay, GivesAProfileASecondNameWhereAskedTo) {
  const aws::ProfileSet set = read("[profile prod]\nrole_arn = r\nsource_profile = base\nregion = eu-central-1\n");
  const auto text = overlay_text(set, kProgram, {}, "prod.tollgate", "prod");
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("[profile prod.tollgate]\nregion = eu-central-1\ncredential_process = "
                       "/opt/tollgate/bin/tollgate credential-process --profile prod\n"),
            std::string::npos)
      << *text;
  EXPECT_EQ(overlay_of(set).find(".tollgate]"), std::string::npos);
}

TEST(Overlay, GivesARoleWithoutAProfileAName) {
  constexpr const char* kRole = "arn:aws:iam::222222222222:role/team/audit";
  const aws::ProfileSet set = read("[profile base]\nregion = eu-central-1\n");
  const std::string name = role_profile_name("base", kRole);
  EXPECT_EQ(name.size(), std::string("base.role-").size() + 8);
  EXPECT_NE(name, role_profile_name("base", "arn:aws:iam::222222222222:role/team/other"));
  const std::string line =
      "credential_process = /opt/tollgate/bin/tollgate credential-process --profile base --role-arn " +
      std::string(kRole) + "\n";
  const auto text = overlay_text(set, kProgram, {}, name, "base", kRole);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("[profile " + name + "]\nregion = eu-central-1\n" + line), std::string::npos) << *text;
  // Keys that only the vault knows make a source as well.
  const auto stored = overlay_text(set, kProgram, {"kept"}, role_profile_name("kept", kRole), "kept", kRole);
  ASSERT_TRUE(stored);
  EXPECT_NE(stored->find("--profile kept --role-arn"), std::string::npos) << *stored;
}

TEST(Overlay, PutsTollgateInThePlaceOfCredentialsAndKeepsTheRest) {
  const std::string text =
      overlay_of(read("[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/team/deploy\nsource_profile = base\n"
                      "external_id = x\nmfa_serial = arn:aws:iam::111111111111:mfa/ana\nregion = eu-central-1\n"
                      "s3 =\n  max_concurrent_requests = 5\nservices = local\n"
                      "[profile plain]\nregion = us-east-1\noutput = json\n"
                      "[services local]\ns3 =\n  endpoint_url = http://localhost:1\n"
                      "[sso-session corp]\nsso_start_url = https://example.com\n",
                      "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = verysecret\n"));
  EXPECT_NE(text.find("[profile prod]\nregion = eu-central-1\ns3 =\n  max_concurrent_requests = 5\nservices = local\n"
                      "credential_process = /opt/tollgate/bin/tollgate credential-process --profile prod\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("[profile base]\ncredential_process = "), std::string::npos) << text;
  EXPECT_NE(text.find("[profile plain]\nregion = us-east-1\noutput = json\n"), std::string::npos) << text;
  EXPECT_NE(text.find("[services local]\ns3 =\n  endpoint_url = http://localhost:1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("[sso-session corp]\nsso_start_url = https://example.com\n"), std::string::npos) << text;
  for (const char* gone : {"verysecret", "AKIABASE", "role_arn", "source_profile", "mfa_serial", "external_id"}) {
    EXPECT_EQ(text.find(gone), std::string::npos) << gone;
  }
}

TEST(Overlay, NoProfileHasTwoSourcesWhateverItHadBefore) {
  const std::string text =
      overlay_of(read("[default]\ncredential_process = /bin/old\nsso_account_id = 1\nsso_role_name = r\n"
                      "[profile w]\nweb_identity_token_file = /t\nrole_arn = arn:aws:iam::1:role/r\n"));
  EXPECT_EQ(text.find("/bin/old"), std::string::npos);
  EXPECT_EQ(text.find("sso_"), std::string::npos);
  EXPECT_EQ(text.find("web_identity"), std::string::npos);
  EXPECT_NE(
      text.find("[default]\ncredential_process = /opt/tollgate/bin/tollgate credential-process --profile default\n"),
      std::string::npos);
}

TEST(Overlay, NamesThatAShellWouldSplitTravelEncoded) {
  EXPECT_EQ(profile_argument("a-b_c.d@e+f"), "--profile a-b_c.d@e+f");
  EXPECT_EQ(profile_argument("my prof"), "--profile-b64 " + base64url_encode("my prof"));
  EXPECT_EQ(profile_argument("-x"), "--profile-b64 " + base64url_encode("-x"));
  EXPECT_EQ(profile_argument("$(reboot)"), "--profile-b64 " + base64url_encode("$(reboot)"));
  const std::string text = overlay_of(read("[profile my prof]\nrole_arn = a\nsource_profile = my prof\n"));
  // Both spellings, for Terraform's SDK and for botocore.
  EXPECT_NE(text.find("[profile my prof]\n"), std::string::npos);
  EXPECT_NE(text.find("[profile \"my prof\"]\n"), std::string::npos);
}

TEST(Overlay, ReadBackItSaysTheSame) {
  const aws::ProfileSet before = read(
      "[default]\nregion = eu-west-1\naws_access_key_id = A\naws_secret_access_key = B\n[profile x]\n"
      "endpoint_url = http://localhost:4566/a?b=c\nretry_mode = adaptive\n");
  const aws::ProfileSet after = read(overlay_of(before));
  ASSERT_NE(after.find("x"), nullptr);
  EXPECT_EQ(after.find("x")->text("endpoint_url"), "http://localhost:4566/a?b=c");
  EXPECT_EQ(after.find("x")->text("retry_mode"), "adaptive");
  EXPECT_EQ(after.find("default")->text("region"), "eu-west-1");
  EXPECT_EQ(after.find("default")->text("credential_process"),
            "/opt/tollgate/bin/tollgate credential-process --profile default");
}

TEST(Overlay, RefusesAProgramPathThatClientsReadDifferently) {
  for (const char* path : {"/sp ace/tollgate", "/a#b/tollgate", "/a\"b", "/a\\b", "tollgate", "/a;b", "/$HOME/t"}) {
    EXPECT_FALSE(overlay_text(read(""), path)) << path;
  }
}

class OverlayFiles : public ::testing::Test {
 protected:
  OverlayFiles() {
    std::string pattern = std::filesystem::temp_directory_path() / "overlay-XXXXXX";
    folder_ = std::string(::mkdtemp(pattern.data())) + "/overlay";
  }
  ~OverlayFiles() override { std::filesystem::remove_all(std::filesystem::path(folder_).parent_path()); }
  std::string folder_;
  SystemClock clock_;
};

TEST_F(OverlayFiles, AreNamedByTheirContentReadOnlyAndShared) {
  const auto first = write_overlay(folder_, "[default]\n", clock_.now());
  ASSERT_TRUE(first) << first.error().text();
  struct stat status {};
  ASSERT_EQ(::stat(first->config_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0400U);
  const auto inode = status.st_ino;
  const auto again = write_overlay(folder_, "[default]\n", clock_.now());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->config_file, first->config_file);
  ASSERT_EQ(::stat(first->config_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_ino, inode) << "a file that is right must not be replaced under its readers";
  EXPECT_EQ(test::read_whole_file(first->credentials_file), "");
  EXPECT_NE(write_overlay(folder_, "[other]\n", clock_.now())->config_file, first->config_file);
}

TEST_F(OverlayFiles, UnusedForAWeekAreRemovedAndUsedOnesStay) {
  const auto old_one = write_overlay(folder_, "old\n", clock_.now());
  const auto used = write_overlay(folder_, "used\n", clock_.now());
  ASSERT_TRUE(old_one && used);
  const auto eight_days_ago = static_cast<time_t>(unix_seconds(clock_.now()) - 8 * 86400);
  const utimbuf times{eight_days_ago, eight_days_ago};
  ::utime(old_one->config_file.c_str(), &times);
  ::utime(used->config_file.c_str(), &times);
  ASSERT_TRUE(write_overlay(folder_, "used\n", clock_.now()));
  EXPECT_FALSE(std::filesystem::exists(old_one->config_file));
  EXPECT_TRUE(std::filesystem::exists(used->config_file));
}

TEST_F(OverlayFiles, ATamperedFileIsReplaced) {
  const auto overlay = write_overlay(folder_, "right\n", clock_.now());
  ASSERT_TRUE(overlay);
  ::chmod(overlay->config_file.c_str(), 0600);
  std::filesystem::resize_file(overlay->config_file, 2);
  ASSERT_TRUE(write_overlay(folder_, "right\n", clock_.now()));
  EXPECT_EQ(test::read_whole_file(overlay->config_file), "right\n");
}

}  // namespace
}  // namespace tollgate::deliver
