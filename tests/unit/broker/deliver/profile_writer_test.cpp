#include "broker/deliver/profile_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "aws/profile_files.h"
#include "tests/support/manual_clock.h"
#include "tests/support/referees.h"

namespace tollgate::deliver {
namespace {

using testing::HasSubstr;
using testing::Not;

TemporaryProfile session(std::string name = "prod-session") {
  TemporaryProfile profile;
  profile.name = std::move(name);
  profile.source = "prod";
  profile.credentials.access_key_id = "ASIAEXAMPLE";
  profile.credentials.secret_access_key = Secret("se/cret+");
  profile.credentials.session_token = Secret("token==");
  profile.credentials.expiration = from_unix_seconds(1767323045);  // 2026-01-02T03:04:05Z
  profile.region = "eu-west-1";
  return profile;
}

std::string written(std::string_view text, const TemporaryProfile& profile = session()) {
  const auto result = with_profile(text, profile);
  EXPECT_TRUE(result) << (result ? "" : result.error().text());
  return result ? std::string(result->reveal()) : "";
}

std::string removed(std::string_view text, std::string_view name = "prod-session") {
  const auto result = without_profile(text, name);
  EXPECT_TRUE(result) << (result ? "" : result.error().text());
  return result ? std::string(result->reveal()) : "";
}

constexpr std::string_view kSection =
    "[prod-session]\n"
    "# Written by tollgate: session of profile prod, expires 2026-01-02T03:04:05Z\n"
    "# Remove it with: tollgate profile remove prod-session\n"
    "aws_access_key_id = ASIAEXAMPLE\n"
    "aws_secret_access_key = se/cret+\n"
    "aws_session_token = token==\n"
    "region = eu-west-1\n";

TEST(WithProfile, AddsTheSectionAtTheEnd) {
  EXPECT_EQ(written(""), kSection);
  const std::string before = "# mine\n[default]\naws_access_key_id = AKIA\nodd_key=1\n";
  EXPECT_EQ(written(before), before + "\n" + std::string(kSection));
  EXPECT_EQ(written("[a]\nx=1"), "[a]\nx=1\n\n" + std::string(kSection));
}

TEST(WithProfile, LeavesOutARegionThatIsNotKnown) {
  TemporaryProfile profile = session();
  profile.region.clear();
  EXPECT_THAT(written("", profile), Not(HasSubstr("region")));
}

TEST(WithProfile, WritesItsOwnSectionAnewWhereItStands) {
  const std::string before =
      "[a]\nx = 1\n\n" + std::string(kSection) + "# a note of mine\noutput = json\n\n# about b\n[b]\ny = 2\n";
  TemporaryProfile profile = session();
  profile.credentials.access_key_id = "ASIAOTHER";
  profile.credentials.expiration = from_unix_seconds(1767326645);
  profile.region = "us-east-1";
  EXPECT_EQ(written(before, profile),
            "[a]\nx = 1\n\n[prod-session]\n"
            "# Written by tollgate: session of profile prod, expires 2026-01-02T04:04:05Z\n"
            "# Remove it with: tollgate profile remove prod-session\n"
            "aws_access_key_id = ASIAOTHER\naws_secret_access_key = se/cret+\naws_session_token = token==\n"
            "region = us-east-1\n"
            "# a note of mine\noutput = json\n\n# about b\n[b]\ny = 2\n");
}

TEST(WithProfile, IsTheSameTwice) {
  const std::string once = written("[a]\nx = 1\n");
  EXPECT_EQ(written(once), once);
}

TEST(WithProfile, KeepsTheLineEndsOfTheFile) {
  const std::string text = written("[a]\r\nx = 1\r\n");
  EXPECT_THAT(text, HasSubstr("\r\n[prod-session]\r\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), std::count(text.begin(), text.end(), '\r'));
  EXPECT_EQ(removed(text), "[a]\r\nx = 1\r\n");
}

TEST(WithProfile, IsReadBackByTheAwsReader) {
  const aws::ProfileSet set = aws::merge_profiles({"config", "credentials"}, "", written("[default]\nregion = x\n"));
  const aws::Profile* profile = set.find("prod-session");
  ASSERT_NE(profile, nullptr);
  EXPECT_EQ(profile->text("aws_access_key_id"), "ASIAEXAMPLE");
  EXPECT_EQ(profile->find("aws_secret_access_key")->secret.reveal(), "se/cret+");
  EXPECT_EQ(profile->find("aws_session_token")->secret.reveal(), "token==");
  EXPECT_EQ(profile->text("region"), "eu-west-1");
  EXPECT_TRUE(set.diagnostics.empty());
}

TEST(WithProfile, RefusesASectionThatIsNotItsOwn) {
  for (const char* text :
       {"[a]\n[prod-session]\naws_access_key_id = AKIA\n", "\n[ prod-session ]\n", "[a]\n  [prod-session]\n"}) {
    const auto result = with_profile(text, session());
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().reason, "foreign_section");
    EXPECT_EQ(result.error().place, "2");
  }
  const auto twice = with_profile(std::string(kSection) + "[prod-session]\nx = 1\n", session());
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().place, "8");
}

TEST(WithProfile, RefusesNamesThatToolsReadDifferently) {
  for (const char* name : {"", "a b", "a]b", "a\nb", "\xC3\xA9", "a#b", "a/b"}) {
    const auto result = with_profile("", session(name));
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().reason, "bad_name");
  }
}

TEST(WithProfile, RefusesLineBreaksInValues) {
  TemporaryProfile profile = session();
  profile.credentials.session_token = Secret("x\n[evil]");
  EXPECT_FALSE(with_profile("", profile));
  profile = session();
  profile.source = "x\r";
  EXPECT_FALSE(with_profile("", profile));
}

TEST(WithoutProfile, LeavesTheFileAsItWas) {
  for (const char* before : {"", "[a]\nx = 1\n", "[a]\nx = 1\n\n", "# only a comment\n", "[a]\n\n\n", "\n"})
    EXPECT_EQ(removed(written(before)), before);
}

TEST(WithoutProfile, TakesOnlyItsOwnSection) {
  const std::string text = "[a]\nx = 1\n\n" + std::string(kSection) + "output = json\n\n# about b\n[b]\ny = 2\n";
  EXPECT_EQ(removed(text), "[a]\nx = 1\n\n# about b\n[b]\ny = 2\n");
}

TEST(WithoutProfile, RefusesWhatItHasNotWritten) {
  const auto foreign = without_profile("[prod-session]\nx = 1\n", "prod-session");
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().reason, "foreign_section");
  const auto missing = without_profile("[a]\n", "prod-session");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
}

TEST(WrittenProfiles, AreThoseWithTheMark) {
  TemporaryProfile forever = session("other");
  forever.source = "odd, expires never";
  forever.credentials.expiration.reset();
  const auto found = written_profiles(written(written("[a]\nx = 1\n"), forever));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "prod-session");
  EXPECT_EQ(found[0].source, "prod");
  EXPECT_EQ(found[0].expires, from_unix_seconds(1767323045));
  EXPECT_EQ(found[0].line, 4);
  EXPECT_EQ(found[1].source, "odd, expires never");
  EXPECT_FALSE(found[1].expires);
}

TEST(WrittenProfiles, SurviveAnyText) {
  const auto naughty = test::read_referee_json("naughty-strings/blns.json");
  if (!naughty) GTEST_SKIP() << "referee data is not on this machine";
  std::string text;
  for (const json::Value& value : *naughty->if_array())
    text += "[" + *value.if_string() + "]\nkey = " + *value.if_string() + "\n";
  const std::string with = written(text);
  EXPECT_EQ(removed(with), text);
  EXPECT_EQ(written_profiles(with).size(), 1U);
}

class ProfileFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/tollgate-profiles-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/aws/credentials";
    auto locks = os::PrivateDirectory::create(folder_ + "/locks");
    ASSERT_TRUE(locks);
    locks_.emplace(std::move(*locks));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void put(std::string_view text, mode_t mode = 0600) {
    std::filesystem::create_directory(folder_ + "/aws");
    std::ofstream(path_) << text;
    ::chmod(path_.c_str(), mode);
  }
  static mode_t mode_of(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0);
    return info.st_mode;
  }

  std::string folder_;
  std::string path_;
  std::optional<os::PrivateDirectory> locks_;
  test::ManualClock clock_;
};

TEST_F(ProfileFile, IsCreatedForTheUserAlone) {
  const auto outcome = write_profile(path_, session(), *locks_, clock_);
  ASSERT_TRUE(outcome) << outcome.error().text();
  EXPECT_FALSE(outcome->closed_to_others);
  EXPECT_EQ(test::read_whole_file(path_), kSection);
  EXPECT_EQ(mode_of(path_) & 07777, 0600U);
  EXPECT_EQ(mode_of(folder_ + "/aws") & 07777, 0700U);
}

TEST_F(ProfileFile, IsClosedToOthers) {
  put("[a]\n", 0644);
  const auto outcome = write_profile(path_, session(), *locks_, clock_);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->closed_to_others);
  EXPECT_EQ(mode_of(path_) & 07777, 0600U);
}

TEST_F(ProfileFile, IsReachedThroughALink) {
  put("[a]\n");
  const std::string real = folder_ + "/real";
  std::filesystem::rename(path_, real);
  std::filesystem::create_symlink(real, path_);
  ASSERT_TRUE(write_profile(path_, session(), *locks_, clock_));
  EXPECT_TRUE(S_ISLNK(mode_of(path_)));
  EXPECT_THAT(test::read_whole_file(real), HasSubstr("[prod-session]"));
  std::filesystem::remove(real);
  EXPECT_FALSE(write_profile(path_, session(), *locks_, clock_)) << "a link to nothing";
}

TEST_F(ProfileFile, IsGivenBackAsItWas) {
  const std::string before = "; mine\n[default]\naws_access_key_id=AKIA\naws_secret_access_key=x\nodd = 1\n";
  put(before);
  ASSERT_TRUE(write_profile(path_, session(), *locks_, clock_));
  ASSERT_TRUE(remove_profile(path_, "prod-session", *locks_, clock_));
  EXPECT_EQ(test::read_whole_file(path_), before);
}

TEST_F(ProfileFile, NamesFileAndLineOfAMistake) {
  put("\n[prod-session]\nx = 1\n");
  const auto outcome = write_profile(path_, session(), *locks_, clock_);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().place, path_ + ":2");
  EXPECT_EQ(test::read_whole_file(path_), "\n[prod-session]\nx = 1\n");
  const auto check = check_temporary_profile(path_, "prod-session");
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().place, path_ + ":2");
  EXPECT_TRUE(check_temporary_profile(path_, "another"));
  EXPECT_FALSE(check_temporary_profile(path_, "an other"));
  EXPECT_FALSE(write_profile("", session(), *locks_, clock_));
}

TEST_F(ProfileFile, KeepsEveryProfileOfManyWriters) {
  put("[default]\nregion = eu-west-1\n");
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto outcome = write_profile(path_, session(fmt::format("session-{}", i)), *locks_, SystemClock());
      ::_exit(outcome ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(written_profiles(test::read_whole_file(path_)).size(), 8U);
}

}  // namespace
}  // namespace tollgate::deliver
