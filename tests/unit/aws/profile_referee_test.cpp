// Reading profiles held against the SDKs' own suite and against what real clients printed.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "aws/profile_chain.h"
#include "aws/profile_files.h"
#include "tests/support/agreement.h"
#include "tests/support/referees.h"

namespace tollgate::aws {
namespace {

const FileLocations kFiles = {"config", "credentials"};

std::string text_of(const json::Value& object, std::string_view key) {
  const json::Value* found = object.find(key);
  return found != nullptr && found->if_string() != nullptr ? *found->if_string() : "";
}

using Sections = std::map<std::string, std::map<std::string, std::string>>;

// The suite shows nested settings as the lines that they were.
std::string as_the_suite_writes_it(const Setting& setting) {
  if (setting.nested.empty()) return setting.value + std::string(setting.secret.reveal());
  std::string lines;
  for (const auto& [key, value] : setting.nested)
    lines += "\n" + key + " =" + (value.empty() ? "" : " ") + value;
  return lines;
}

Sections to_sections(const std::vector<Section>& sections) {
  Sections result;
  for (const Section& section : sections) {
    auto& settings = result[section.name];
    for (const Setting& setting : section.settings)
      settings[setting.key] = as_the_suite_writes_it(setting);
  }
  return result;
}

Sections to_sections(const json::Value* object) {
  Sections result;
  if (object == nullptr) return result;
  for (const auto& [name, settings] : *object->if_object()) {
    auto& section = result[name];
    for (const auto& [key, value] : *settings.if_object())
      section[key] = *value.if_string();
  }
  return result;
}

bool has_topic(const ProfileSet& set, std::string_view topic) {
  return std::any_of(set.diagnostics.begin(), set.diagnostics.end(),
                     [&](const Diagnostic& diagnostic) { return diagnostic.topic == topic; });
}

struct Deviation {
  std::string reason;
  std::string topic;  // of the diagnostic that names it; empty where there is nothing to tell
};

// Where aws-sdk-go-v2 itself reads otherwise than the suite wants.
const std::map<std::string, Deviation>& parser_deviations() {
  static const std::map<std::string, Deviation> list = {
      {"Profile names support alphanumeric characters and - / . % @ _ : +",
       {"the Go SDK takes any name, also one with an exclamation mark", ""}},
      {"Profile definitions must end with brackets.", {"the Go SDK skips the line", "unclosed_section"}},
      {"Properties must be defined in a profile.", {"the Go SDK skips the line", "setting_outside"}},
      {"Property key cannot be empty.", {"the Go SDK keeps a setting without a name", "empty_key"}},
      {"Property definitions must contain an equals sign.",
       {"the Go SDK reads key : value, as the AWS CLI does", "colon_separator"}},
      {"Continuations are trimmed.", {"the Go SDK keeps blanks at the end of a continued line", ""}},
      {"Continuations cannot be used outside of a profile.", {"the Go SDK skips the line", "stray_continuation"}},
      {"Continuations cannot be used outside of a property.", {"the Go SDK skips the line", "stray_continuation"}},
      {"Continuations reset with profile definitions.", {"the Go SDK skips the line", "stray_continuation"}},
      {"Invalid continuation", {"the Go SDK skips the line", "stray_continuation"}},
      {"Invalid profile names are ignored.", {"the Go SDK takes names with blanks", "blank_in_section_name"}},
      {"Invalid property names are ignored.", {"the Go SDK keeps the setting; nothing reads it", ""}},
      {"Invalid sub-property definitions cause an error.", {"the Go SDK skips the line", "stray_continuation"}},
      {"Sub-property definitions cannot have an empty name.",
       {"the Go SDK keeps a setting without a name", "empty_key"}},
      {"properties from an invalid profile name are ignored",
       {"the Go SDK takes names with blanks", "blank_in_section_name"}},
  };
  return list;
}

TEST(ProfileReferee, ParserSuite) {
  const std::string path = "smithy-rs/profile-parser-tests.json";
  TG_SKIP_WITHOUT_REFEREE(path);
  const auto document = test::read_referee_json(path);
  ASSERT_TRUE(document);
  int cases = 0;
  int agreeing = 0;
  std::vector<std::pair<std::string, std::string>> deviating;
  for (const json::Value& one : *document->find("tests")->if_array()) {
    const std::string name = text_of(one, "name");
    SCOPED_TRACE(name);
    ++cases;
    const json::Value& input = *one.find("input");
    const ProfileSet set = merge_profiles(kFiles, text_of(input, "configFile"), text_of(input, "credentialsFile"));
    const json::Value& output = *one.find("output");
    bool agrees = false;
    if (const json::Value* wanted = output.find("config")) {
      agrees = to_sections(set.profiles) == to_sections(wanted->find("profiles")) &&
               to_sections(set.sso_sessions) == to_sections(wanted->find("sso_sessions"));
    }
    const auto known = parser_deviations().find(name);
    if (agrees) {
      ++agreeing;
      EXPECT_EQ(known, parser_deviations().end()) << "agrees, though it is listed as deviating";
    } else if (known == parser_deviations().end()) {
      ADD_FAILURE() << "deviates: " << json::to_text(one);
    } else {
      deviating.emplace_back(name, known->second.reason);
      if (!known->second.topic.empty()) {
        EXPECT_TRUE(has_topic(set, known->second.topic)) << known->second.topic;
      }
    }
  }
  EXPECT_EQ(cases, 65);
  EXPECT_EQ(agreeing, 50);
  test::record_agreement("profile-parser", cases, agreeing, deviating);
}

// What Terraform is expected to print, from our own reading of the same files: the access key that signs, or the error.
struct Outcome {
  std::string text;
  bool failed = false;
};

std::string hop_keys(const Chain& chain) {
  std::string base;
  if (const auto* keys = std::get_if<StaticKeys>(&chain.source)) base = keys->credentials.access_key_id;
  if (std::get_if<CredentialProcess>(&chain.source) != nullptr) base = "ASIATESTCP";
  return base;
}

class TerraformOutcome {
 public:
  TerraformOutcome(const ProfileSet& set, std::string profile) : set_(set), profile_(std::move(profile)) {}

  // Whether our reading explains what Terraform printed.
  testing::AssertionResult explains(const std::string& printed) const {
    const auto chain = resolve_chain(set_, profile_, {});
    if (!chain) return explains_error(chain.error(), printed);
    if (chain->lenient) return verdict(printed.find("requires role_arn") != printed.npos, "lenient", printed);
    for (const AssumeRole& role : chain->roles) {
      if (!role.mfa_serial.empty()) {
        return verdict(
            printed == "Error: assume role with MFA enabled, but AssumeRoleTokenProvider session option not set.",
            "MFA", printed);
      }
    }
    if (const auto* process = std::get_if<CredentialProcess>(&chain->source)) {
      // Terraform hands the command to sh: an unquoted blank in the path of the program cuts it.
      const bool runs = process->command.starts_with("/opt/broker/cp.sh") ||
                        process->command.starts_with("\"/opt/broker/sp ace/cp.sh\"") ||
                        process->command.starts_with("/opt/broker/sp\\ ace/cp.sh");
      if (!runs) return verdict(printed.find("error in") != printed.npos, "process fails", printed);
    }
    const std::string key = "Credential=" + hop_keys(*chain);
    // With a role two keys are printed: that of the role's session and the one that asked for it.
    if (chain->roles.empty()) return verdict(printed == key, key, printed);
    return verdict(printed.starts_with("Credential=ASIA") && printed.ends_with(" " + key), key, printed);
  }

 private:
  static testing::AssertionResult verdict(bool right, const std::string& ours, const std::string& printed) {
    if (right) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "ours: " << ours << "; Terraform printed: " << printed;
  }
  testing::AssertionResult explains_error(const Error& error, const std::string& printed) const {
    const std::map<std::string, std::string> texts = {
        {"profile_not_found", "failed to get shared config profile, " + profile_},
        {"source_not_found", "failed to get shared config profile"},
        {"partial_keys", "error fetching config from profile, " + profile_},
        {"source_cycle", "failed to load assume role"},
        {"several_sources", "only one credential type may be specified per profile"},
    };
    const auto text = texts.find(error.reason);
    return verdict(text != texts.end() && printed.find(text->second) != printed.npos, error.reason, printed);
  }

  const ProfileSet& set_;
  std::string profile_;
};

TEST(ProfileReferee, TerraformPrintedTheSame) {
  const std::string path = "observed/profile-differential.jsonl";
  TG_SKIP_WITHOUT_REFEREE(path);
  std::istringstream lines(*test::read_referee(path));
  int cases = 0;
  int agreeing = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const auto one = json::parse(line);
    ASSERT_TRUE(one) << line;
    ++cases;
    const ProfileSet set = merge_profiles(kFiles, text_of(*one, "config"), text_of(*one, "credentials"));
    const auto verdict =
        TerraformOutcome(set, text_of(*one, "AWS_PROFILE")).explains(text_of(*one, "terraform_1_11_4"));
    EXPECT_TRUE(verdict) << text_of(*one, "case");
    if (verdict) ++agreeing;
  }
  EXPECT_EQ(cases, 41);
  EXPECT_EQ(agreeing, 41);
  test::record_agreement("profile-differential", cases, agreeing, {});
}

// Wherever the AWS CLI printed something else than Terraform, reading the files or resolving the profile says so.
TEST(ProfileReferee, DifferencesToTheAwsCliAreNamed) {
  const std::string path = "observed/profile-differential.jsonl";
  TG_SKIP_WITHOUT_REFEREE(path);
  const std::map<std::string, std::string> topics = {
      {"comment: space-hash after value", "inline_comment"},
      {"duplicate profile section", "duplicate_section"},
      {"[ foo ] padded in credentials", "padded_section_name"},
      {"quoted value", "quoted_value"},
      {"UTF-8 BOM", "byte_order_mark"},
      {"CR only", "carriage_returns_only"},
      {"profile name with space, quoted", "quoted_section_name"},
      {"garbage line in another profile", "unknown_line"},
      {"unclosed bracket in another profile", "unclosed_section"},
      {"colon separator", "colon_separator"},
      {"[profile foo] in credentials", "prefixed_section"},
      {"[foo] in config", "bare_section"},
      {"comment: hash adjacent to value", "comment_in_value"},
      {"[default] then [profile default]", "default_twice"},
  };
  std::istringstream lines(*test::read_referee(path));
  std::size_t seen = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto one = json::parse(line);
    ASSERT_TRUE(one) << line;
    const auto topic = topics.find(text_of(*one, "case"));
    const ProfileSet set = merge_profiles(kFiles, text_of(*one, "config"), text_of(*one, "credentials"));
    if (topic == topics.end()) {
      for (const Diagnostic& diagnostic : set.diagnostics) {
        EXPECT_EQ(diagnostic.topic, "quoted_value") << text_of(*one, "case");
      }
      continue;
    }
    ++seen;
    EXPECT_TRUE(has_topic(set, topic->second)) << topic->first;
  }
  EXPECT_EQ(seen, topics.size());
}

}  // namespace
}  // namespace tollgate::aws
