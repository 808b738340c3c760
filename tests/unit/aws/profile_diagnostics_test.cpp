#include "aws/profile_diagnostics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace tollgate::aws {
namespace {

const FileLocations kFiles = {"config", "credentials"};

Environment with(std::map<std::string, std::string> variables) {
  return [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

// "topic@place topic@place "
std::string found(std::string_view config, std::string_view credentials = "", const Environment& environment = {},
                  const HasVaultKeys& keys = {}) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnose(merge_profiles(kFiles, config, credentials), environment, keys)) {
    EXPECT_FALSE(diagnostic.message.empty());
    EXPECT_FALSE(diagnostic.next.empty()) << diagnostic.message;
    text += diagnostic.topic + "@" + diagnostic.place + " ";
  }
  return text;
}

constexpr std::string_view kRole = "role_arn = arn:aws:iam::123456789012:role/x\n";
// A source with temporary keys, about which there is nothing to say.
constexpr std::string_view kBase =
    "[base]\naws_access_key_id = ASIAX\naws_secret_access_key = s\naws_session_token = t\n";

std::string role_profile(std::string_view more, std::string_view name = "a", std::string_view source = "base") {
  return "[profile " + std::string(name) + "]\n" + std::string(kRole) + "source_profile = " + std::string(source) +
         "\n" + std::string(more);
}

TEST(ProfileDiagnostics, AHealthySetHasNone) {
  EXPECT_EQ(found(role_profile("region = eu-west-1\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n"
                               "duration_seconds = 3600\nexternal_id = e1\nrole_session_name = alice\n") +
                      "[default]\nregion = eu-west-1\n[profile p]\ncredential_process = /opt/x \"a b\"\n",
                  kBase),
            "");
}

TEST(ProfileDiagnostics, Table) {
  struct Case {
    const char* name;
    std::string config;
    std::string wanted;
  };
  const Case cases[] = {
      {"serial is a user", role_profile("mfa_serial = arn:aws:iam::123456789012:user/alice\n"),
       "mfa_serial_is_user@config:4 "},
      {"serial is a key", role_profile("mfa_serial = arn:aws:iam::123456789012:u2f/user/alice/k\n"),
       "mfa_serial_is_security_key@config:4 "},
      {"serial is a name", role_profile("mfa_serial = alice\n"), "bad_mfa_serial@config:4 "},
      {"serial of hardware", role_profile("mfa_serial = GAHT12345678\n"), ""},
      {"serial of another partition", role_profile("mfa_serial = arn:aws-cn:iam::123456789012:mfa/alice\n"),
       "other_partition@config:4 "},
      {"serial alone", "[profile a]\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n",
       "mfa_serial_unused@config:2 "},
      {"role is no role",
       "[profile a]\nrole_arn = arn:aws:iam::123456789012:instance-profile/x\nsource_profile = base\n",
       "bad_role_arn@config:2 "},
      {"role of an unknown partition",
       "[profile a]\nrole_arn = arn:awz:iam::123456789012:role/x\nsource_profile = base\n", "bad_role_arn@config:2 "},
      {"session name", role_profile("role_session_name = a b\n"), "bad_session_name@config:4 "},
      {"session name of one letter", role_profile("role_session_name = a\n"), "bad_session_name@config:4 "},
      {"external id", role_profile("external_id = a b\n"), "bad_external_id@config:4 "},
      {"duration is no number", role_profile("duration_seconds = 1h\n"), "bad_duration@config:4 "},
      {"duration too short", role_profile("duration_seconds = 899\n"), "duration_out_of_range@config:4 "},
      {"duration too long", role_profile("duration_seconds = 43201\n"), "duration_out_of_range@config:4 "},
      {"duration at the bounds", role_profile("duration_seconds = 43200\n"), ""},
      {"duration above the cap of a chain",
       role_profile("duration_seconds = 7200\n", "a", "mid") + role_profile("", "mid"),
       "duration_above_chaining_cap@config:4 "},
      {"cycle", role_profile("", "a", "b") + role_profile("", "b", "a"),
       "source_cycle@config:6 source_cycle@config:3 "},
      {"missing source", role_profile("", "a", "gone"), "source_not_found@config:3 "},
      {"source without role", "[profile a]\nsource_profile = base\n", "source_without_role@config:2 "},
      {"two sources", role_profile("credential_source = Environment\n"), "several_sources@config:4 "},
      {"retry mode", "[profile a]\nretry_mode = Standard\n", "bad_value@config:2 "},
      {"attempts", "[profile a]\nmax_attempts = many\n", "bad_value@config:2 "},
      {"checksums in any case", "[profile a]\nrequest_checksum_calculation = WHEN_REQUIRED\n", ""},
      {"misspelt", "[profile a]\nmfa-serial = x\nsource_profil = y\n",
       "unknown_setting@config:2 unknown_setting@config:3 "},
      {"region", "[profile a]\nregion = EU West\n", "bad_region@config:2 "},
      {"services section", "[profile a]\nservices = s\n", "services_not_found@config:2 "},
      {"endpoint and FIPS", "[profile a]\nuse_fips_endpoint = true\nendpoint_url = https://x\n",
       "endpoint_conflict@config:1 "},
      {"FIPS abroad", "[profile a]\nregion = eu-west-1\nuse_fips_endpoint = true\n", "fips_region@config:3 "},
      {"FIPS at home", "[profile a]\nregion = us-west-2\nuse_fips_endpoint = true\n", ""},
      {"endpoint", "[profile a]\nendpoint_url = localhost:4566\n", "bad_endpoint_url@config:1 "},
      {"process with an odd quote", "[profile a]\ncredential_process = /x \"y\n", "process_quotes@config:2 "},
      {"process that lost its quotes", "[profile a]\ncredential_process = \"/sp ace/x\" \"y z\"\n",
       "quoted_value@config:2 process_outer_quotes@config:2 "},
      {"process for a shell", "[profile a]\ncredential_process = ~/x $HOME | cat\n", "process_shell@config:2 "},
      {"only a region", "[profile a]\nregion = eu-west-1\n", ""},
  };
  for (const Case& one : cases)
    EXPECT_EQ(found(one.config, kBase), one.wanted) << one.name;
}

TEST(ProfileDiagnostics, KeysThatWin) {
  const std::string keys = "[a]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n";
  EXPECT_EQ(found("", keys), "plain_key@credentials:2 ");
  EXPECT_EQ(found("[profile a]\ncredential_process = /x\n", keys), "keys_win@credentials:2 plain_key@credentials:2 ");
  EXPECT_EQ(found(role_profile(""), keys + std::string(kBase)),
            "keys_beside_source@credentials:2 plain_key@credentials:2 ");
  EXPECT_EQ(found(role_profile("", "a", "a"), keys), "plain_key@credentials:2 ");
  EXPECT_EQ(found("", "[a]\naws_access_key_id = ASIAX\naws_secret_access_key = s\n"), "token_missing@credentials:2 ");
  EXPECT_EQ(found("", "[a]\naws_access_key_id = AKIAX\n"), "partial_keys@credentials:2 ");
}

TEST(ProfileDiagnostics, TheCliSkipsARoleThatTerraformAssumes) {
  EXPECT_EQ(found(role_profile("", "a", "base") + role_profile("", "base", "base"), kBase),
            "role_of_source_with_keys@config:5 ");
}

TEST(ProfileDiagnostics, VaultKeysCount) {
  const HasVaultKeys keys = [](std::string_view name) { return name == "v"; };
  EXPECT_EQ(found("[profile v]\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n", "", {}, keys), "");
  EXPECT_EQ(found(role_profile("", "a", "v"), "", {}, keys), "");
}

TEST(ProfileDiagnostics, Variables) {
  EXPECT_EQ(found("", "", with({{"AWS_PROFILE", "a"}, {"AWS_DEFAULT_PROFILE", "b"}})),
            "two_profiles@AWS_DEFAULT_PROFILE ");
  EXPECT_EQ(found("", "", with({{"AWS_PROFILE", "a"}, {"AWS_DEFAULT_PROFILE", "a"}})), "");
  EXPECT_EQ(found("", "", with({{"AWS_PROFILE", "a"}, {"AWS_ACCESS_KEY_ID", "b"}})),
            "keys_in_environment@AWS_ACCESS_KEY_ID ");
  EXPECT_EQ(found("", "", with({{"AWS_REGION", "a"}, {"AWS_DEFAULT_REGION", "b"}})), "two_regions@AWS_DEFAULT_REGION ");
}

TEST(ProfileDiagnostics, RemarksOfReadingComeFirst) {
  EXPECT_EQ(found("[profile a]\nmax_attempts = many\njunk\n"), "unknown_line@config:3 bad_value@config:2 ");
}

TEST(ProfileDiagnostics, SecretsStayOut) {
  const auto all = diagnose(merge_profiles(kFiles, "",
                                           "[a]\naws_access_key_id = AKIAX\naws_secret_acess_key = hunter2\n"
                                           "[b]\naws_access_key_id = ASIAX\naws_secret_access_key = hunter2\n"),
                            {});
  EXPECT_GE(all.size(), 3u);
  for (const Diagnostic& diagnostic : all)
    EXPECT_EQ(diagnostic.message.find("hunter2"), std::string::npos);
}

TEST(ProfileDiagnostics, MfaSerialForms) {
  const std::map<std::string, MfaSerialForm> forms = {
      {"arn:aws:iam::123456789012:mfa/alice", MfaSerialForm::virtual_device},
      {"arn:aws-us-gov:iam::123456789012:mfa/path/to/alice+x@y", MfaSerialForm::virtual_device},
      {"arn:aws:iam::123456789012:mfa/root-account-mfa-device", MfaSerialForm::virtual_device},
      {"GAHT12345678", MfaSerialForm::hardware_serial},
      {"arn:aws:iam::123456789012:user/alice", MfaSerialForm::user_arn},
      {"arn:aws:iam::123456789012:u2f/user/alice/key", MfaSerialForm::security_key},
      {"arn:aws:iam::123456789012:mfa/", MfaSerialForm::invalid},
      {"arn:aws:iam::12345:mfa/alice", MfaSerialForm::invalid},
      {"arn:nope:iam::123456789012:mfa/alice", MfaSerialForm::invalid},
      {"arn:aws:sts::123456789012:mfa/alice", MfaSerialForm::invalid},
      {"arn:aws:iam::123456789012:mfa/al ice", MfaSerialForm::invalid},
      {"alice", MfaSerialForm::invalid},
      {"", MfaSerialForm::invalid},
      {"mfa/alice123", MfaSerialForm::invalid},
      {std::string(257, 'A'), MfaSerialForm::invalid},
  };
  for (const auto& [serial, form] : forms)
    EXPECT_EQ(mfa_serial_form(serial), form) << serial;
}

}  // namespace
}  // namespace tollgate::aws
