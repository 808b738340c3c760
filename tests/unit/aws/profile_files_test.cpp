#include "aws/profile_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "aws/setting_names.h"

namespace tollgate::aws {
namespace {

const FileLocations kFiles = {"config", "credentials"};

std::string topics(const ProfileSet& set) {
  std::string text;
  for (const Diagnostic& diagnostic : set.diagnostics)
    text += diagnostic.topic + "@" + diagnostic.place + " ";
  return text;
}

TEST(ProfileFiles, SettingsKnowTheirPlace) {
  const ProfileSet set =
      merge_profiles(kFiles, "# c\n[profile a]\nregion = r\noutput = json\n", "[a]\nregion = s\n[b]\nregion = t\n");
  ASSERT_EQ(set.profiles.size(), 2u);
  const Profile* a = set.find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(set.place(*a), "config:2");
  EXPECT_EQ(a->text("region"), "s");
  EXPECT_EQ(set.place(*a->find("region")), "credentials:2");
  EXPECT_EQ(set.place(*a->find("output")), "config:4");
  EXPECT_EQ(set.place(*set.find("b")), "credentials:3");
  EXPECT_EQ(set.find("c"), nullptr);
  EXPECT_EQ(a->find("none"), nullptr);
  EXPECT_EQ(a->text("none"), "");
}

TEST(ProfileFiles, OrderOfSettingsIsThatOfTheFiles) {
  const ProfileSet set = merge_profiles(kFiles, "[profile a]\nz = 1\ny = 2\n", "[a]\nx = 3\nz = 4\n");
  std::string order;
  for (const Setting& setting : set.find("a")->settings)
    order += setting.key + setting.value;
  EXPECT_EQ(order, "z4y2x3");
}

TEST(ProfileFiles, SecretsAreNoPlainValues) {
  const ProfileSet set =
      merge_profiles(kFiles, "",
                     "[a]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = one\n"
                     "aws_session_token = two\naws_secret_acces_key = three\naws_security_token = four\n"
                     "db_password = five\nweb_identity_token_file = /t\n");
  const Profile& a = *set.find("a");
  for (const char* key :
       {"aws_secret_access_key", "aws_session_token", "aws_secret_acces_key", "aws_security_token", "db_password"}) {
    ASSERT_NE(a.find(key), nullptr) << key;
    EXPECT_EQ(a.text(key), "") << key;
    EXPECT_FALSE(a.find(key)->secret.empty()) << key;
  }
  EXPECT_EQ(a.find("aws_secret_access_key")->secret.reveal(), "one");
  EXPECT_EQ(a.text("web_identity_token_file"), "/t");
  EXPECT_EQ(a.text("aws_access_key_id"), "AKIAEXAMPLE");
}

TEST(ProfileFiles, NoDiagnosticShowsAValue) {
  const ProfileSet set = merge_profiles(kFiles, "hunter2 = hunter2\n[profile a\nhunter2\n hunter2\n",
                                        "[a]\nAWS_SECRET_ACCESS_KEY = \"hunter2\" # hunter2\nhunter2\n hunter2\n"
                                        "aws_session_token = hunter2; hunter2\naws_session_token = hunter2\n");
  EXPECT_FALSE(set.diagnostics.empty());
  for (const Diagnostic& diagnostic : set.diagnostics) {
    const bool key_of_that_name = diagnostic.topic == "setting_outside" && diagnostic.place == "config:1";
    if (key_of_that_name) continue;
    EXPECT_EQ((diagnostic.message + diagnostic.next + diagnostic.subject).find("hunter2"), std::string::npos)
        << diagnostic.message;
  }
}

TEST(ProfileFiles, ATokenPastedInTwoLinesIsNeitherShownNorKept) {
  const std::string part = std::string(300, 'x') + "==";
  const ProfileSet set = merge_profiles(
      kFiles, "",
      "[a]\naws_session_token = y\n" + part + "\n  " + part + "\n" + part + "\naws_session_token =\n  " + part + "\n");
  for (const Setting& setting : set.find("a")->settings) {
    EXPECT_EQ(setting.key, "aws_session_token");
    EXPECT_TRUE(setting.nested.empty());
  }
  EXPECT_FALSE(set.diagnostics.empty());
  for (const Diagnostic& diagnostic : set.diagnostics) {
    EXPECT_EQ((diagnostic.message + diagnostic.next + diagnostic.subject).find("xxx"), std::string::npos);
  }
}

TEST(ProfileFiles, NestedSettingsAreKept) {
  const ProfileSet set =
      merge_profiles(kFiles, "[profile a]\ns3 =\n  max_concurrent_requests = 20\n  addressing_style = path\n", "");
  const Setting& s3 = *set.find("a")->find("s3");
  EXPECT_EQ(s3.value, "");
  const std::vector<std::pair<std::string, std::string>> wanted = {{"max_concurrent_requests", "20"},
                                                                   {"addressing_style", "path"}};
  EXPECT_EQ(s3.nested, wanted);
}

TEST(ProfileFiles, SomeSettingsCountOnlyInTheConfigFile) {
  const std::string credentials = "[a]\nendpoint_url = https://x\nregion = r\n";
  EXPECT_EQ(merge_profiles(kFiles, "", credentials).find("a")->text("endpoint_url"), "https://x");
  const ProfileSet both = merge_profiles(kFiles, "[profile a]\noutput = json\n", credentials);
  EXPECT_EQ(both.find("a")->text("endpoint_url"), "");
  EXPECT_EQ(both.find("a")->text("region"), "r");
  EXPECT_EQ(topics(both), "not_merged@credentials:2 ");
}

TEST(ProfileFiles, KeysAreMergedAsAPair) {
  const std::string config = "[profile a]\naws_access_key_id = C\naws_secret_access_key = c\naws_session_token = t\n";
  const ProfileSet whole = merge_profiles(kFiles, config, "[a]\naws_access_key_id = K\naws_secret_access_key = k\n");
  EXPECT_EQ(whole.find("a")->text("aws_access_key_id"), "K");
  EXPECT_EQ(whole.find("a")->find("aws_session_token")->secret.reveal(), "t") << "as the Go SDK does";
  EXPECT_EQ(topics(whole), "mixed_keys@credentials:2 ");
  const ProfileSet token = merge_profiles(kFiles, config, "[a]\naws_session_token = u\n");
  EXPECT_EQ(token.find("a")->find("aws_session_token")->secret.reveal(), "t") << "a token alone is not merged";
  const ProfileSet half = merge_profiles(kFiles, config, "[a]\nregion = r\naws_access_key_id = K\n");
  EXPECT_EQ(half.find("a")->half_pair_line, 3);
  EXPECT_EQ(half.find("a")->half_pair_file, FileKind::credentials);
}

TEST(ProfileFiles, SsoSessionsAndServices) {
  const ProfileSet set = merge_profiles(kFiles, "[sso-session a]\nx = 1\n[services a]\nsts =\n  endpoint_url = u\n",
                                        "[sso-session a]\nx = 2\n[a]\n");
  EXPECT_EQ(set.find_sso_session("a")->text("x"), "2");
  EXPECT_EQ(set.find_services("a")->find("sts")->nested[0].second, "u");
  EXPECT_EQ(set.find_services("b"), nullptr);
  EXPECT_EQ(set.profiles.size(), 1u);
}

class ProfileFilesOnDisk : public testing::Test {
 protected:
  ProfileFilesOnDisk() {
    char name[] = "/tmp/profile_files_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~ProfileFilesOnDisk() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
    return folder_ + "/" + name;
  }
  std::string folder_;
};

TEST_F(ProfileFilesOnDisk, MissingFilesAreEmpty) {
  const std::string file = write("f", "");
  for (const std::string& path : {folder_ + "/none", folder_ + "/none/deeper", file + "/below", std::string()}) {
    const auto set = read_profiles({path, path});
    ASSERT_TRUE(set) << path << set.error().text();
    EXPECT_TRUE(set->profiles.empty());
  }
}

TEST_F(ProfileFilesOnDisk, ReadsBoth) {
  const std::string config = write("config", "[profile a]\nregion = r\n");
  const std::string credentials = write("credentials", "[a]\naws_access_key_id = K\naws_secret_access_key = s");
  const auto set = read_profiles({config, credentials});
  ASSERT_TRUE(set);
  EXPECT_EQ(set->place(*set->find("a")->find("aws_access_key_id")), credentials + ":2");
  EXPECT_TRUE(read_profiles({"/dev/null", credentials}));
}

TEST_F(ProfileFilesOnDisk, AFolderIsAnErrorThatSaysSo) {
  const auto set = read_profiles({folder_, ""});
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, Code::io);
  EXPECT_EQ(set.error().place, folder_);
  EXPECT_FALSE(set.error().next.empty());
}

TEST_F(ProfileFilesOnDisk, AFileThatMayNotBeReadIsAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const std::string config = write("config", "");
  ::chmod(config.c_str(), 0);
  EXPECT_EQ(read_profiles({config, ""}).error().code, Code::io);
}

TEST_F(ProfileFilesOnDisk, AHugeFileIsRefused) {
  const std::string config = write("config", std::string((std::size_t{16} << 20) + 1, '\n'));
  EXPECT_EQ(read_profiles({config, ""}).error().code, Code::config);
  const std::string large = write("large", "[profile a]\n" + std::string(std::size_t{15} << 20, 'x') + " = y\n");
  ASSERT_TRUE(read_profiles({large, ""}));
}

TEST(ProfileFiles, TheReadersErrorIsPassedOn) {
  const auto set = read_profiles(kFiles, [](const std::string& path) -> Result<std::optional<std::string>> {
    if (path == "config") return std::optional<std::string>("[profile a]\n");
    return fail(Error(Code::io, "no").at(path));
  });
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().place, "credentials");
}

TEST(SettingNames, SlipsAreRecognised) {
  EXPECT_EQ(setting_meant_by("mfa-serial"), "mfa_serial");
  EXPECT_EQ(setting_meant_by("sourceprofile"), "source_profile");
  EXPECT_EQ(setting_meant_by("role_arm"), "role_arn");
  EXPECT_EQ(setting_meant_by("aws_secret_acces_key"), "aws_secret_access_key");
  EXPECT_EQ(setting_meant_by("regoin"), "region");
  for (const char* key : {"region", "mfa_serial", "my_setting", "x", "", "s4", "color"}) {
    EXPECT_EQ(setting_meant_by(key), "") << key;
  }
}

}  // namespace
}  // namespace tollgate::aws
