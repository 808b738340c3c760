#include "broker/deliver/exports.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/json/value.h"
#include "common/os/child_process.h"
#include "common/os/program_search.h"
#include "tests/support/referees.h"

namespace tollgate::deliver {
namespace {

const char* const kPath = "/usr/local/bin:/usr/bin:/bin";

// What a quoting mistake would change, run or cut.
std::vector<std::string> nasty_values() {
  std::vector<std::string> values = {"",
                                     "plain",
                                     "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY==",
                                     " both ends ",
                                     "it's",
                                     "''",
                                     "'\\''",
                                     "\\",
                                     "ends with \\",
                                     "\\'",
                                     "\\\\'\\",
                                     "\"double\"",
                                     "$HOME ${HOME} $(id) `id`",
                                     "a;b|c&d>e<f(g)h[i]j{k}l*m?n~o#p",
                                     "!! !x",
                                     "%PATH% ^x",
                                     "line\nbreak",
                                     "\n",
                                     "tab\tbell\aescape\x1b[31m",
                                     "-n",
                                     "--",
                                     "=x=",
                                     "\xE2\x80\x99typographic\xE2\x80\x98 \xC3\xA9",
                                     "$'\\n'"};
  if (const auto more = test::read_referee_json("naughty-strings/blns.json"); more && more->is_array()) {
    for (const json::Value& value : *more->if_array()) {
      const std::string* text = value.if_string();
      if (text != nullptr && text->find('\0') == std::string::npos) values.push_back(*text);
    }
  }
  return values;
}

std::string name_of(std::size_t index) {
  return fmt::format("VALUE_{}", index);
}

ExportedVariables variables_of(const std::vector<std::string>& values) {
  ExportedVariables variables;
  for (std::size_t i = 0; i < values.size(); ++i)
    variables.set.emplace_back(name_of(i), Secret(values[i]));
  return variables;
}

struct Shell {
  const char* program;
  std::vector<std::string> arguments;
  ExportFormat format;
};

class ExportInShell : public testing::TestWithParam<Shell> {
 protected:
  void SetUp() override {
    if (!os::find_program(GetParam().program, kPath)) GTEST_SKIP() << GetParam().program << " is not installed";
  }

  // What the shell writes to stdout when it reads `script`.
  static std::string run(const std::string& script, const os::Environment& environment = {}) {
    os::Command command;
    command.argv = {GetParam().program};
    command.argv.insert(command.argv.end(), GetParam().arguments.begin(), GetParam().arguments.end());
    command.environment = environment.with("PATH", kPath).with("HOME", testing::TempDir());
    os::CaptureOptions options;
    options.input = script;
    options.output_limit = 8 << 20;
    const auto captured = os::capture(std::move(command), options);
    EXPECT_TRUE(captured) << (captured ? "" : captured.error().text());
    return captured ? std::string(captured->output.reveal()) : "";
  }
};

TEST_P(ExportInShell, ValuesArriveByteForByte) {
  const std::vector<std::string> values = nasty_values();
  const auto document = export_document(GetParam().format, variables_of(values), "prod");
  ASSERT_TRUE(document) << document.error().text();
  // A program that the shell starts, so that what counts is what was exported.
  const std::string output = run(std::string(document->reveal()) + "env -0\n");
  std::map<std::string, std::string> seen;
  for (std::size_t at = 0; at < output.size();) {
    const std::size_t end = std::min(output.find('\0', at), output.size());
    const std::string entry = output.substr(at, end - at);
    seen[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
    at = end + 1;
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(seen[name_of(i)], values[i]) << "value " << i;
}

TEST_P(ExportInShell, UnsetTakesVariablesAway) {
  ExportedVariables variables;
  variables.unset = {"AWS_PROFILE", "AWS_NEVER_SET"};
  const auto document = export_document(GetParam().format, variables, "");
  ASSERT_TRUE(document);
  const os::Environment environment(os::Environment::Variables{{"AWS_PROFILE", "prod"}, {"AWS_REGION", "eu-west-1"}});
  const std::string output = run(std::string(document->reveal()) + "env\n", environment);
  EXPECT_EQ(output.find("AWS_PROFILE"), std::string::npos);
  EXPECT_NE(output.find("AWS_REGION=eu-west-1"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Shells, ExportInShell,
                         testing::Values(Shell{"sh", {"-s"}, ExportFormat::sh}, Shell{"dash", {"-s"}, ExportFormat::sh},
                                         Shell{"bash", {"--norc", "-s"}, ExportFormat::sh},
                                         Shell{"zsh", {"-f", "-s"}, ExportFormat::sh},
                                         Shell{"fish", {"--no-config"}, ExportFormat::fish}),
                         [](const auto& each) { return std::string(each.param.program); });

TEST(ExportDotenv, IsReadBySh) {
  std::vector<std::string> values;
  for (const std::string& value : nasty_values()) {
    if (value.find_first_of("'\r\n") == std::string::npos) values.push_back(value);
  }
  const auto document = export_document(ExportFormat::dotenv, variables_of(values), "");
  ASSERT_TRUE(document) << document.error().text();
  os::Command command;
  command.argv = {"/bin/sh", "-s"};
  command.environment.set("PATH", kPath);
  std::string script = "set -a\n" + std::string(document->reveal());
  for (std::size_t i = 0; i < values.size(); ++i)
    script += fmt::format("printf '%s\\0' \"${}\"\n", name_of(i));
  os::CaptureOptions options;
  options.input = script;
  const auto captured = os::capture(std::move(command), options);
  ASSERT_TRUE(captured);
  std::string expected;
  for (const std::string& value : values)
    expected += value + '\0';
  EXPECT_EQ(captured->output.reveal(), expected);
}

ExportedVariables session() {
  ExportedVariables variables;
  variables.set = {{"AWS_ACCESS_KEY_ID", Secret("ASIAEXAMPLE")},
                   {"AWS_SECRET_ACCESS_KEY", Secret("se/cret+")},
                   {"AWS_SESSION_TOKEN", Secret("token==")},
                   {"AWS_CREDENTIAL_EXPIRATION", Secret("2026-01-02T03:04:05Z")},
                   {"AWS_REGION", Secret("eu-west-1")}};
  variables.unset = {"AWS_PROFILE"};
  return variables;
}

struct Golden {
  ExportFormat format;
  const char* text;
};

class ExportGolden : public testing::TestWithParam<Golden> {};

TEST_P(ExportGolden, IsAsWritten) {
  const auto document = export_document(GetParam().format, session(), "prod");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->reveal(), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Formats, ExportGolden,
    testing::Values(
        Golden{ExportFormat::sh,
               "unset AWS_PROFILE\nexport AWS_ACCESS_KEY_ID='ASIAEXAMPLE'\nexport AWS_SECRET_ACCESS_KEY='se/cret+'\n"
               "export AWS_SESSION_TOKEN='token=='\nexport AWS_CREDENTIAL_EXPIRATION='2026-01-02T03:04:05Z'\n"
               "export AWS_REGION='eu-west-1'\n"},
        Golden{ExportFormat::fish,
               "set -e AWS_PROFILE\nset -gx AWS_ACCESS_KEY_ID 'ASIAEXAMPLE'\nset -gx AWS_SECRET_ACCESS_KEY "
               "'se/cret+'\nset -gx AWS_SESSION_TOKEN 'token=='\nset -gx AWS_CREDENTIAL_EXPIRATION "
               "'2026-01-02T03:04:05Z'\nset -gx AWS_REGION 'eu-west-1'\n"},
        Golden{ExportFormat::pwsh,
               "Remove-Item Env:AWS_PROFILE -ErrorAction SilentlyContinue\n$Env:AWS_ACCESS_KEY_ID = 'ASIAEXAMPLE'\n"
               "$Env:AWS_SECRET_ACCESS_KEY = 'se/cret+'\n$Env:AWS_SESSION_TOKEN = 'token=='\n"
               "$Env:AWS_CREDENTIAL_EXPIRATION = '2026-01-02T03:04:05Z'\n$Env:AWS_REGION = 'eu-west-1'\n"},
        Golden{ExportFormat::cmd,
               "@set \"AWS_PROFILE=\"\r\n@set \"AWS_ACCESS_KEY_ID=ASIAEXAMPLE\"\r\n"
               "@set \"AWS_SECRET_ACCESS_KEY=se/cret+\"\r\n@set \"AWS_SESSION_TOKEN=token==\"\r\n"
               "@set \"AWS_CREDENTIAL_EXPIRATION=2026-01-02T03:04:05Z\"\r\n@set \"AWS_REGION=eu-west-1\"\r\n"},
        Golden{ExportFormat::json,
               "{\n  \"AWS_ACCESS_KEY_ID\": \"ASIAEXAMPLE\",\n  \"AWS_SECRET_ACCESS_KEY\": \"se/cret+\",\n"
               "  \"AWS_SESSION_TOKEN\": \"token==\",\n  \"AWS_CREDENTIAL_EXPIRATION\": \"2026-01-02T03:04:05Z\",\n"
               "  \"AWS_REGION\": \"eu-west-1\"\n}\n"},
        Golden{ExportFormat::ini,
               "# expires 2026-01-02T03:04:05Z\n[prod]\naws_access_key_id = ASIAEXAMPLE\n"
               "aws_secret_access_key = se/cret+\naws_session_token = token==\nregion = eu-west-1\n"},
        Golden{ExportFormat::dotenv,
               "AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=se/cret+\nAWS_SESSION_TOKEN=token==\n"
               "AWS_CREDENTIAL_EXPIRATION=2026-01-02T03:04:05Z\nAWS_REGION=eu-west-1\n"},
        Golden{ExportFormat::docker,
               "AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=se/cret+\nAWS_SESSION_TOKEN=token==\n"
               "AWS_CREDENTIAL_EXPIRATION=2026-01-02T03:04:05Z\nAWS_REGION=eu-west-1\n"},
        Golden{ExportFormat::terragrunt,
               "{\"awsCredentials\":{\"ACCESS_KEY_ID\":\"ASIAEXAMPLE\",\"SECRET_ACCESS_KEY\":\"se/cret+\","
               "\"SESSION_TOKEN\":\"token==\"},\"envs\":{\"AWS_CREDENTIAL_EXPIRATION\":\"2026-01-02T03:04:05Z\","
               "\"AWS_REGION\":\"eu-west-1\"}}\n"}),
    [](const auto& each) { return export_format_names()[static_cast<std::size_t>(each.param.format)]; });

TEST(ExportPowerShell, DoublesEveryQuoteItKnows) {
  ExportedVariables variables;
  variables.set = {{"A", Secret("it's \xE2\x80\x99 $x `n")}};
  const auto document = export_document(ExportFormat::pwsh, variables, "");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->reveal(), "$Env:A = 'it''s \xE2\x80\x99\xE2\x80\x99 $x `n'\n");
}

struct Refusal {
  const char* name;
  ExportFormat format;
  const char* value;
};

class ExportRefusals : public testing::TestWithParam<Refusal> {};

TEST_P(ExportRefusals, GiveNothingAndShowNoValue) {
  ExportedVariables variables = session();
  variables.set.emplace_back("AWS_CONFIG_FILE", Secret(GetParam().value));
  variables.set[1].second = Secret(GetParam().value);
  const auto document = export_document(GetParam().format, variables, "prod");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, Code::invalid);
  EXPECT_NE(document.error().message.find("AWS_SECRET_ACCESS_KEY"), std::string::npos);
  EXPECT_EQ(document.error().message.find(GetParam().value), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Values, ExportRefusals,
                         testing::Values(Refusal{"cmd_quote", ExportFormat::cmd, "1q\"1"},
                                         Refusal{"cmd_percent", ExportFormat::cmd, "1q%1"},
                                         Refusal{"cmd_exclamation", ExportFormat::cmd, "1q!1"},
                                         Refusal{"cmd_newline", ExportFormat::cmd, "1q\n1"},
                                         Refusal{"dotenv_quote", ExportFormat::dotenv, "1q'1"},
                                         Refusal{"dotenv_newline", ExportFormat::dotenv, "1q\n1"},
                                         Refusal{"docker_newline", ExportFormat::docker, "1q\n1"},
                                         Refusal{"ini_newline", ExportFormat::ini, "1q\n1"},
                                         Refusal{"json_bytes", ExportFormat::json, "1q\xFF\x31"},
                                         Refusal{"terragrunt_bytes", ExportFormat::terragrunt, "1q\xFF\x31"}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(ExportIni, NeedsKeysAndAName) {
  ExportedVariables variables;
  variables.set = {{"AWS_PROFILE", Secret("prod")}};
  EXPECT_FALSE(export_document(ExportFormat::ini, variables, "prod"));
  EXPECT_FALSE(export_document(ExportFormat::ini, session(), "a]b"));
}

TEST(ExportTerragrunt, CanCarryAnOverlayAlone) {
  ExportedVariables variables;
  variables.set = {{"AWS_PROFILE", Secret("prod")}, {"AWS_CONFIG_FILE", Secret("/c")}};
  const auto document = export_document(ExportFormat::terragrunt, variables, "prod");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->reveal(), "{\"envs\":{\"AWS_PROFILE\":\"prod\",\"AWS_CONFIG_FILE\":\"/c\"}}\n");
}

TEST(ExportFormats, HaveNames) {
  for (const std::string& name : export_format_names()) {
    const auto format = parse_export_format(name);
    ASSERT_TRUE(format) << name;
    EXPECT_EQ(export_format_names()[static_cast<std::size_t>(*format)], name);
  }
  EXPECT_FALSE(parse_export_format("bash"));
  EXPECT_TRUE(is_shell_format(ExportFormat::cmd));
  EXPECT_FALSE(is_shell_format(ExportFormat::dotenv));
}

std::vector<std::string> names_of(const ExportedVariables& variables) {
  std::vector<std::string> names;
  for (const auto& each : variables.set)
    names.push_back(each.first);
  return names;
}

using Variables = os::Environment::Variables;
using Names = std::vector<std::string>;

TEST(ExportedVariablesOf, AreWhatTheChildHasAndWhatItMustNotHave) {
  const os::Environment parent(
      Variables{{"PATH", "/bin"}, {"AWS_PROFILE", "dev"}, {"AWS_ROLE_ARN", "arn"}, {"AWS_REGION", "eu-west-1"}});
  const os::Environment child(
      Variables{{"PATH", "/other"}, {"AWS_ACCESS_KEY_ID", "ASIA"}, {"AWS_REGION", "eu-west-1"}});
  const ExportedVariables variables = exported_variables(parent, child);
  EXPECT_EQ(names_of(variables), (Names{"AWS_ACCESS_KEY_ID", "AWS_REGION"}));
  EXPECT_EQ(variables.unset, (Names{"AWS_PROFILE", "AWS_ROLE_ARN"}));
}

TEST(RetractedVariables, LeaveTheUsersFilesAlone) {
  const os::Environment outside(Variables{{"AWS_CONFIG_FILE", "/mine"}, {"AWS_PROFILE", "dev"}});
  const ExportedVariables variables = retracted_variables(outside);
  EXPECT_TRUE(variables.set.empty());
  EXPECT_EQ(variables.unset, (Names{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                                    "AWS_CREDENTIAL_EXPIRATION", "AWS_REGION", "AWS_DEFAULT_REGION"}));
}

TEST(RetractedVariables, LeadOutOfAnOverlay) {
  const os::Environment inside(Variables{{"AWS_CONFIG_FILE", "/cache/x"},
                                         {"AWS_SHARED_CREDENTIALS_FILE", "/cache/credentials"},
                                         {"TOLLGATE_AWS_CONFIG_FILE", "/mine"},
                                         {"TOLLGATE_AWS_SHARED_CREDENTIALS_FILE", ""},
                                         {"AWS_PROFILE", "prod"}});
  const ExportedVariables variables = retracted_variables(inside);
  ASSERT_EQ(names_of(variables), (Names{"AWS_CONFIG_FILE"}));
  EXPECT_EQ(variables.set.front().second.reveal(), "/mine");
  for (const char* name :
       {"AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "TOLLGATE_AWS_CONFIG_FILE", "TOLLGATE_PROFILE"})
    EXPECT_NE(std::find(variables.unset.begin(), variables.unset.end(), name), variables.unset.end()) << name;
}

}  // namespace
}  // namespace tollgate::deliver
