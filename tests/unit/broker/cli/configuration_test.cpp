#include "broker/cli/configuration.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace tollgate::cli {
namespace {

using std::chrono::seconds;
using Texts = std::map<std::string, std::string>;

const os::Environment kHome(os::Environment::Variables{{"HOME", "/home/ana"}});
const ConfigurationFiles kFiles{"user.toml", "system.toml"};

Result<Configuration> read(const Texts& texts, const os::Environment& environment = kHome) {
  return Configuration::read(environment, kFiles, [&](const std::string& path) -> Result<std::optional<std::string>> {
    const auto found = texts.find(path);
    if (found == texts.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  });
}

TEST(Configuration, ShipsWithDefaults) {
  const auto configuration = read({});
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->text(Key::shim_default_profile), "read-only");
  EXPECT_EQ(configuration->text(Key::mfa_process), "");
  EXPECT_EQ(configuration->duration(Key::session_duration), seconds(43200));
  EXPECT_EQ(configuration->duration(Key::exec_min_ttl), seconds(0));
  const deliver::MinTtlRules rules = configuration->min_ttl_rules();
  EXPECT_EQ(rules.plan, seconds(900));
  for (const seconds rule : {rules.apply, rules.destroy, rules.import, rules.state})
    EXPECT_EQ(rule, seconds(7200));
  EXPECT_EQ(configuration->value(Key::min_ttl_plan).origin, Origin::built_in);
  EXPECT_TRUE(configuration->directory_rules().empty());
}

TEST(Configuration, PrefersEnvironmentThenUserThenSystem) {
  const Texts texts{{"system.toml", "[shim]\ndefault_profile = 'a'\n[min_ttl]\nplan = '1m'\napply = '1m'\n"},
                    {"user.toml", "[min_ttl]\nplan = '2m'\napply = 120\n"}};
  const auto configuration = read(texts, kHome.with("TOLLGATE_MIN_TTL_APPLY", "3m").with("TOLLGATE_MIN_TTL_PLAN", ""));
  ASSERT_TRUE(configuration) << configuration.error().text();
  EXPECT_EQ(configuration->text(Key::shim_default_profile), "a");
  EXPECT_EQ(configuration->value(Key::shim_default_profile).origin, Origin::system);
  EXPECT_EQ(configuration->value(Key::shim_default_profile).place, "system.toml:2");
  EXPECT_EQ(configuration->text(Key::min_ttl_plan), "2m");
  EXPECT_EQ(configuration->value(Key::min_ttl_plan).origin, Origin::user);
  EXPECT_EQ(configuration->value(Key::min_ttl_plan).place, "user.toml:2");
  EXPECT_EQ(configuration->text(Key::min_ttl_apply), "3m");
  EXPECT_EQ(configuration->value(Key::min_ttl_apply).origin, Origin::environment);
  EXPECT_EQ(configuration->value(Key::min_ttl_apply).place, "TOLLGATE_MIN_TTL_APPLY");
}

TEST(Configuration, TakesAnEmptyTextOfAFile) {
  const auto configuration = read({{"user.toml", "[shim]\ndefault_profile = ''\n"}});
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->text(Key::shim_default_profile), "");
  EXPECT_EQ(configuration->value(Key::shim_default_profile).origin, Origin::user);
}

TEST(Configuration, ReadsDirectoryRulesTheUsersFirst) {
  const auto configuration = read(
      {{"system.toml", "[[shim.directory]]\npath = '/srv'\nprofile = 'ops'\n"},
       {"user.toml",
        "[[shim.directory]]\npath = '~/code/'\nprofile = 'dev'\n\n[[shim.directory]]\npath = '~'\nprofile = ''\n"}});
  ASSERT_TRUE(configuration) << configuration.error().text();
  const auto& rules = configuration->directory_rules();
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].path, "/home/ana/code");
  EXPECT_EQ(rules[0].profile, "dev");
  EXPECT_EQ(rules[0].place, "user.toml:1");
  EXPECT_EQ(rules[1].path, "/home/ana");
  EXPECT_EQ(rules[1].profile, "");
  EXPECT_EQ(rules[2].path, "/srv");
  EXPECT_EQ(rules[2].place, "system.toml:1");
}

TEST(Configuration, NamesVariablesAfterKeys) {
  EXPECT_EQ(variable_of(configuration_keys()[static_cast<std::size_t>(Key::shim_default_profile)]),
            "TOLLGATE_SHIM_DEFAULT_PROFILE");
  EXPECT_EQ(variable_of(configuration_keys()[static_cast<std::size_t>(Key::mfa_process)]), "TOLLGATE_MFA_PROCESS");
}

TEST(Configuration, ListsItsKeysInTheirOrder) {
  for (std::size_t i = 0; i < kKeyCount; ++i)
    EXPECT_EQ(static_cast<std::size_t>(configuration_keys()[i].key), i);
}

struct Mistake {
  const char* name;
  const char* text;
  const char* place;
  const char* message;  // part of it
  const char* next;     // part of it
};

class ConfigurationMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(ConfigurationMistakes, AreNamedWithTheirLine) {
  const auto configuration = read({{"user.toml", GetParam().text}});
  ASSERT_FALSE(configuration);
  EXPECT_EQ(configuration.error().code, Code::config);
  EXPECT_EQ(configuration.error().place, GetParam().place);
  EXPECT_NE(configuration.error().message.find(GetParam().message), std::string::npos) << configuration.error().message;
  EXPECT_NE(configuration.error().next.find(GetParam().next), std::string::npos) << configuration.error().next;
}

INSTANTIATE_TEST_SUITE_P(
    Files, ConfigurationMistakes,
    testing::Values(
        Mistake{"key", "# x\n[shim]\ndefault_profil = 'a'\n", "user.toml:3", "no setting shim.default_profil",
                "did you mean shim.default_profile?"},
        Mistake{"section", "\n[shims]\ndefault_profile = 'a'\n", "user.toml:2", "no section shims",
                "did you mean [shim]?"},
        Mistake{"far_section", "[zebra]\nx = 1\n", "user.toml:1", "no section zebra", "config show"},
        Mistake{"far_key", "[mfa]\nzebra = 1\n", "user.toml:2", "no setting mfa.zebra", "config show"},
        Mistake{"top_level", "shim = 'x'\n", "user.toml:1", "shim is a section", ""},
        Mistake{"syntax", "[shim]\ndefault_profile = read-only\n", "user.toml:2", "not TOML", ""},
        Mistake{"twice", "[shim]\ndefault_profile = 'a'\ndefault_profile = 'b'\n", "user.toml:3", "not TOML", ""},
        Mistake{"type", "[shim]\ndefault_profile = true\n", "user.toml:2", "must be a text", ""},
        Mistake{"duration_type", "[min_ttl]\nplan = 1.5\n", "user.toml:2", "must be a duration", ""},
        Mistake{"duration", "[min_ttl]\nplan = 'soon'\n", "user.toml:2", "not a duration", "60m"},
        Mistake{"negative", "[min_ttl]\nplan = -1\n", "user.toml:2", "not a duration", ""},
        Mistake{"session_short", "[session]\nduration = '5m'\n", "user.toml:2", "15m to 36h", ""},
        Mistake{"session_long", "[session]\nduration = '48h'\n", "user.toml:2", "15m to 36h", ""},
        Mistake{"rule_table", "[shim.directory]\npath = '/a'\nprofile = 'b'\n", "user.toml:1", "list of tables",
                "[[shim.directory]]"},
        Mistake{"rule_key", "[[shim.directory]]\npaht = '/a'\n", "user.toml:2", "no setting paht",
                "did you mean path?"},
        Mistake{"rule_part", "[[shim.directory]]\npath = '/a'\n", "user.toml:1", "needs path and profile", ""},
        Mistake{"rule_type", "[[shim.directory]]\npath = 3\n", "user.toml:2", "must be a text", ""},
        Mistake{"rule_relative", "[[shim.directory]]\npath = 'work'\nprofile = 'b'\n", "user.toml:1",
                "not an absolute path", ""},
        Mistake{"rule_dots", "[[shim.directory]]\npath = '/a/../b'\nprofile = 'b'\n", "user.toml:1",
                "not an absolute path", ""}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(Configuration, NamesTheVariableOfAMistake) {
  const auto configuration = read({}, kHome.with("TOLLGATE_SESSION_DURATION", "forever"));
  ASSERT_FALSE(configuration);
  EXPECT_EQ(configuration.error().place, "TOLLGATE_SESSION_DURATION");
}

TEST(Configuration, PassesTheReadersErrorsOn) {
  const auto configuration = Configuration::read(
      kHome, kFiles,
      [](const std::string&) -> Result<std::optional<std::string>> { return fail(Code::config, "cannot read it"); });
  ASSERT_FALSE(configuration);
  EXPECT_EQ(configuration.error().message, "cannot read it");
}

TEST(ConfigurationFilesOf, FollowXdg) {
  EXPECT_EQ(configuration_files(kHome).user, "/home/ana/.config/tollgate/config.toml");
  EXPECT_EQ(configuration_files(kHome.with("XDG_CONFIG_HOME", "/x")).user, "/x/tollgate/config.toml");
  EXPECT_EQ(configuration_files(kHome).system, "/etc/tollgate/config.toml");
}

class ConfigurationFileOnDisk : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "/tollgate-config-XXXXXX";
    ASSERT_NE(::mkdtemp(path_.data()), nullptr);
    directory_ = path_;
    path_ += "/config.toml";
    std::ofstream(path_) << "[mfa]\n";
  }
  void TearDown() override {
    ::unlink(path_.c_str());
    ::rmdir(directory_.c_str());
  }
  std::string directory_;
  std::string path_;
};

TEST_F(ConfigurationFileOnDisk, IsReadWhereOnlyTheUserMayWrite) {
  ::chmod(path_.c_str(), 0644);
  const auto text = read_configuration_file(path_);
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_EQ(text->value_or(""), "[mfa]\n");
}

TEST_F(ConfigurationFileOnDisk, IsRefusedWhereOthersMayWrite) {
  ::chmod(path_.c_str(), 0646);
  const auto text = read_configuration_file(path_);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().reason, "open_to_others");
}

TEST_F(ConfigurationFileOnDisk, MayBeAbsent) {
  const auto text = read_configuration_file(directory_ + "/no/config.toml");
  ASSERT_TRUE(text);
  EXPECT_FALSE(text->has_value());
  EXPECT_FALSE(read_configuration_file(directory_));
}

}  // namespace
}  // namespace tollgate::cli
