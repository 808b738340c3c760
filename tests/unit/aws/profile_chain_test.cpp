#include "aws/profile_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/support/agreement.h"
#include "tests/support/referees.h"

namespace tollgate::aws {
namespace {

const FileLocations kFiles = {"config", "credentials"};

Environment with(std::map<std::string, std::string> variables) {
  return [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

HasVaultKeys vault(std::vector<std::string> names) {
  return [names](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
}

// A chain in one line: the source, then the roles in order of execution.
std::string shown(const Chain& chain) {
  struct Show {
    std::string operator()(const StaticKeys& s) const { return "keys(" + s.credentials.access_key_id + ")"; }
    std::string operator()(const VaultKeys& s) const { return "vault(" + s.profile + ")"; }
    std::string operator()(const EnvironmentCredentials&) const { return "environment"; }
    std::string operator()(const ContainerMetadata&) const { return "container"; }
    std::string operator()(const InstanceMetadata&) const { return "instance"; }
    std::string operator()(const CredentialProcess& s) const { return "process(" + s.command + ")"; }
    std::string operator()(const WebIdentity& s) const { return "web(" + s.role_arn + ")"; }
    std::string operator()(const Sso& s) const { return "sso(" + s.account_id + "/" + s.role_name + ")"; }
  };
  std::string text = std::visit(Show(), chain.source);
  for (const AssumeRole& role : chain.roles)
    text += " > " + role.role_arn;
  return text;
}

std::string outcome(std::string_view config, std::string_view credentials, std::string_view profile,
                    const Environment& environment = {}, const HasVaultKeys& keys = {}) {
  const ProfileSet set = merge_profiles(kFiles, config, credentials);
  const auto chain = resolve_chain(set, profile, environment, keys);
  if (!chain) return chain.error().reason + " " + chain.error().place;
  return shown(*chain) + (chain->lenient ? " lenient" : "");
}

constexpr std::string_view kKeysOfB = "[b]\naws_access_key_id = KB\naws_secret_access_key = s\n";

TEST(ProfileChain, Table) {
  struct Case {
    const char* name;
    std::string config;
    std::string credentials;
    std::string wanted;  // for profile a
  };
  const std::string keys_b(kKeysOfB);
  const std::string keys_a = "[a]\naws_access_key_id = KA\naws_secret_access_key = s\n";
  const Case cases[] = {
      {"static keys", "", keys_a, "keys(KA)"},
      {"role and source", "[profile a]\nrole_arn = A\nsource_profile = b\n", keys_b, "keys(KB) > A"},
      {"the asked profile's source beats its keys", "[profile a]\nrole_arn = A\nsource_profile = b\n", keys_a + keys_b,
       "keys(KB) > A"},
      {"role with own keys", "[profile a]\nrole_arn = A\n", keys_a, "keys(KA) > A"},
      {"itself as source", "[profile a]\nrole_arn = A\nsource_profile = a\n", keys_a, "keys(KA) > A"},
      {"itself as source, SSO",
       "[profile a]\nrole_arn = A\nsource_profile = a\nsso_start_url = u\nsso_region = r\n"
       "sso_account_id = 1\nsso_role_name = n\n",
       "", "sso(1/n) > A"},
      {"itself as source, nothing", "[profile a]\nrole_arn = A\nsource_profile = a\n", "", "source_cycle config:3"},
      {"circle", "[profile a]\nrole_arn = A\nsource_profile = b\n[profile b]\nrole_arn = B\nsource_profile = a\n", "",
       "source_cycle config:6"},
      {"circle past the asked profile, broken by keys of the asked",
       "[profile a]\nrole_arn = A\nsource_profile = b\n[profile b]\nrole_arn = B\nsource_profile = a\n", keys_a,
       "keys(KA) > B > A"},
      {"three", "[profile a]\nrole_arn = A\nsource_profile = c\n[profile c]\nrole_arn = C\nsource_profile = b\n",
       keys_b, "keys(KB) > C > A"},
      {"a source with keys and a role: the role is assumed with these keys",
       "[profile a]\nrole_arn = A\nsource_profile = b\n[profile b]\nrole_arn = B\nsource_profile = c\n", keys_b,
       "keys(KB) > B > A"},
      {"source missing", "[profile a]\nrole_arn = A\nsource_profile = gone\n", "", "source_not_found config:3"},
      {"source empty", "[profile a]\nrole_arn = A\nsource_profile = c\n[profile c]\nregion = r\n", "",
       "no_credentials config:3"},
      {"asked missing", "", "", "profile_not_found "},
      {"asked empty", "[profile a]\nregion = r\n", "", "no_credentials config:1"},
      {"role without any source", "[profile a]\nrole_arn = A\n", "", "no_credentials config:1"},
      {"two sources", "[profile a]\nrole_arn = A\nsource_profile = b\ncredential_source = Environment\n", keys_b,
       "several_sources config:4"},
      {"source and process", "[profile a]\nrole_arn = A\nsource_profile = b\ncredential_process = p\n", keys_b,
       "several_sources config:4"},
      {"two sources of a profile whose keys end the chain do not matter",
       "[profile a]\nrole_arn = A\nsource_profile = b\n[profile b]\ncredential_process = p\n", keys_b, "keys(KB) > A"},
      {"process", "[profile a]\ncredential_process = p x\n", "", "process(p x)"},
      {"keys beat process", "[profile a]\ncredential_process = p x\n", keys_a, "keys(KA)"},
      {"role on a process", "[profile a]\nrole_arn = A\ncredential_process = p\n", "", "process(p) > A"},
      {"process of the source", "[profile a]\nrole_arn = A\nsource_profile = c\n[profile c]\ncredential_process = p\n",
       "", "process(p) > A"},
      {"environment", "[profile a]\nrole_arn = A\ncredential_source = Environment\n", "", "environment > A"},
      {"container", "[profile a]\nrole_arn = A\ncredential_source = EcsContainer\n", "", "container > A"},
      {"instance", "[profile a]\nrole_arn = A\ncredential_source = Ec2InstanceMetadata\n", "", "instance > A"},
      {"unknown credential source", "[profile a]\nrole_arn = A\ncredential_source = environment\n", "",
       "bad_credential_source config:3"},
      {"unknown credential source behind keys does not matter",
       "[profile a]\nrole_arn = A\ncredential_source = nonsense\n", keys_a, "keys(KA) > A"},
      {"web identity is the role", "[profile a]\nrole_arn = A\nweb_identity_token_file = /t\n", "", "web(A)"},
      {"web identity of the source",
       "[profile a]\nrole_arn = A\nsource_profile = c\n[profile c]\nrole_arn = C\nweb_identity_token_file = /t\n", "",
       "web(C) > A"},
      {"web identity without role", "[profile a]\nweb_identity_token_file = /t\n", "", "role_arn_missing config:2"},
      {"source without role", "[profile a]\nsource_profile = b\n", keys_b, "keys(KB) lenient"},
      {"source without role in the middle",
       "[profile a]\nrole_arn = A\nsource_profile = c\n[profile c]\nsource_profile = b\n", keys_b,
       "keys(KB) > A lenient"},
      {"credential source without role", "[profile a]\ncredential_source = Environment\n", "", "environment lenient"},
      {"half a pair", "", "[a]\naws_access_key_id = KA\n", "partial_keys credentials:2"},
      {"half a pair in the other file", "", "[a]\nregion = r\naws_secret_access_key = s\n",
       "partial_keys credentials:3"},
      {"half a pair in the config file, overruled", "[profile a]\naws_access_key_id = K0\n", keys_a, "keys(KA)"},
      {"half a pair in the config file, forgotten", "[profile a]\naws_access_key_id = K0\n", "[a]\nregion = r\n",
       "no_credentials config:1"},
      {"half a pair over a whole one", "[profile a]\naws_access_key_id = K0\naws_secret_access_key = s\n",
       "[a]\naws_secret_access_key = s\n", "partial_keys credentials:2"},
      {"empty keys are none", "", "[a]\naws_access_key_id =\naws_secret_access_key =\n",
       "no_credentials credentials:1"},
      {"SSO session",
       "[profile a]\nsso_session = s\nsso_account_id = 1\nsso_role_name = n\n"
       "[sso-session s]\nsso_start_url = u\nsso_region = r\n",
       "", "sso(1/n)"},
      {"SSO session gone", "[profile a]\nsso_session = s\nsso_account_id = 1\nsso_role_name = n\n", "",
       "sso_incomplete config:2"},
      {"SSO session without region",
       "[profile a]\nsso_session = s\nsso_account_id = 1\nsso_role_name = n\n"
       "[sso-session s]\nsso_start_url = u\n",
       "", "sso_incomplete config:5"},
      {"SSO session of another region",
       "[profile a]\nsso_session = s\nsso_region = q\nsso_account_id = 1\n"
       "sso_role_name = n\n[sso-session s]\nsso_start_url = u\nsso_region = r\n",
       "", "sso_incomplete config:3"},
      {"SSO without account", "[profile a]\nsso_start_url = u\nsso_region = r\nsso_role_name = n\n", "",
       "sso_incomplete config:1"},
      {"an incomplete SSO does not matter beside keys", "[profile a]\nsso_start_url = u\n", keys_a, "keys(KA)"},
      {"a missing SSO session does, even beside keys", "[profile a]\nsso_session = gone\n", keys_a,
       "sso_incomplete config:2"},
      {"role on SSO",
       "[profile a]\nrole_arn = A\nsso_start_url = u\nsso_region = r\nsso_account_id = 1\n"
       "sso_role_name = n\n",
       "", "sso(1/n) > A"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(outcome(one.config, one.credentials, "a"), one.wanted) << one.name;
}

TEST(ProfileChain, CyclesNameTheirPath) {
  const ProfileSet set = merge_profiles(
      kFiles, "[profile A]\nrole_arn = x\nsource_profile = B\n[profile B]\nrole_arn = y\nsource_profile = A\n", "");
  const auto chain = resolve_chain(set, "A", {});
  ASSERT_FALSE(chain);
  EXPECT_NE(chain.error().message.find("A -> B -> A"), std::string::npos) << chain.error().message;
  EXPECT_EQ(chain.error().code, Code::config);
}

TEST(ProfileChain, VaultKeys) {
  const std::string role = "[profile a]\nrole_arn = A\nsource_profile = b\n";
  EXPECT_EQ(outcome(role, "", "a", {}, vault({"b"})), "vault(b) > A") << "a source that no file knows";
  EXPECT_EQ(outcome(role, kKeysOfB, "a", {}, vault({"b"})), "vault(b) > A") << "the vault wins over the file";
  EXPECT_EQ(outcome(role, kKeysOfB, "a", {}, vault({"a"})), "keys(KB) > A") << "the asked profile's source wins";
  EXPECT_EQ(outcome("", "", "a", {}, vault({"a"})), "vault(a)") << "a profile that no file knows";
  EXPECT_EQ(outcome("[profile a]\nrole_arn = A\n", "", "a", {}, vault({"a"})), "vault(a) > A");
  EXPECT_EQ(outcome("[profile a]\nrole_arn = A\nsource_profile = a\n", "", "a", {}, vault({"a"})), "vault(a) > A");
  EXPECT_EQ(outcome("[profile a]\nregion = r\n", "", "a", {}, vault({"a"})), "vault(a)");
  EXPECT_EQ(outcome("[profile a]\nsource_profile = b\nmfa_serial = m\n", "", "a", {}, vault({"b"})),
            "vault(b) lenient");
}

TEST(ProfileChain, ContainerVariablesServeAnEmptyProfile) {
  const Environment container = with({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/"}});
  EXPECT_EQ(outcome("[profile a]\nregion = r\n", "", "a", container), "container");
  EXPECT_EQ(outcome("[profile a]\nrole_arn = A\nsource_profile = c\n[profile c]\n", "", "a", container),
            "no_credentials config:3")
      << "but not a source";
}

TEST(ProfileChain, HopsCarryTheirOwnSettings) {
  const ProfileSet set = merge_profiles(
      kFiles,
      "[profile a]\nrole_arn = A\nsource_profile = c\nexternal_id = ea\nmfa_serial = ma\nduration_seconds = 7200\n"
      "region = ra\n[profile c]\nrole_arn = C\nsource_profile = b\nrole_session_name = nc\nsource_identity = ic\n"
      "duration_seconds = 1h\nregion = rc\n[profile b]\nregion = rb\nmfa_serial = mb\n",
      kKeysOfB);
  const auto chain = resolve_chain(set, "a", {});
  ASSERT_TRUE(chain) << chain.error().text();
  ASSERT_EQ(chain->roles.size(), 2u);
  const AssumeRole& first = chain->roles[0];
  EXPECT_EQ(first.profile, "c");
  EXPECT_EQ(first.place, "config:9");
  EXPECT_EQ(first.role_session_name, "nc");
  EXPECT_EQ(first.source_identity, "ic");
  EXPECT_EQ(first.external_id, "");
  EXPECT_EQ(first.mfa_serial, "");
  EXPECT_FALSE(first.duration);
  const AssumeRole& second = chain->roles[1];
  EXPECT_EQ(second.external_id, "ea");
  EXPECT_EQ(second.mfa_serial, "ma");
  EXPECT_EQ(second.duration, std::chrono::seconds(7200));
  EXPECT_EQ(chain->region, "ra");
  EXPECT_EQ(chain->source_region, "rb");
  EXPECT_EQ(chain->source_profile, "b");
  EXPECT_EQ(chain->source_mfa_serial, "mb");
  EXPECT_EQ(first_mfa_serial(*chain), "mb");
  ASSERT_EQ(chain->diagnostics.size(), 1u);
  EXPECT_EQ(chain->diagnostics[0].topic, "bad_duration");
  EXPECT_EQ(chain->diagnostics[0].place, "config:13");
}

TEST(ProfileChain, MfaSerialBesideKeys) {
  const auto serial = [](std::string_view config, std::string_view profile = "a") {
    const ProfileSet set = merge_profiles(
        kFiles, config, "[a]\naws_access_key_id = KA\naws_secret_access_key = s\n" + std::string(kKeysOfB));
    const auto chain = resolve_chain(set, profile, {});
    return chain ? chain->source_mfa_serial : chain.error().text();
  };
  EXPECT_EQ(serial("[profile a]\nmfa_serial = m\n"), "m");
  EXPECT_EQ(serial("[profile a]\nmfa_serial = m\nrole_arn = A\n"), "") << "it belongs to the role";
  EXPECT_EQ(serial("[profile a]\nmfa_serial = m\nrole_arn = A\nsource_profile = a\n"), "") << "it belongs to the role";
  EXPECT_EQ(serial("[profile a]\nmfa_serial = m\nsource_profile = b\n"), "m") << "lenient: the asked one's";
  EXPECT_EQ(serial("[profile a]\nmfa_serial = m\nsource_profile = b\n[profile b]\nmfa_serial = n\n"), "n")
      << "lenient: the source's own wins";
}

TEST(ProfileChain, RegionFromTheEnvironmentWins) {
  const ProfileSet set =
      merge_profiles(kFiles, "[profile a]\nregion = r\n", "[a]\naws_access_key_id=K\naws_secret_access_key=s\n");
  EXPECT_EQ(resolve_chain(set, "a", {})->region, "r");
  EXPECT_EQ(resolve_chain(set, "a", with({{"AWS_DEFAULT_REGION", "d"}}))->region, "d");
  EXPECT_EQ(resolve_chain(set, "a", with({{"AWS_DEFAULT_REGION", "d"}, {"AWS_REGION", "e"}}))->region, "e");
}

TEST(ProfileChain, NotFoundSaysWhatIsThere) {
  const auto next = [](std::string_view config, std::string_view credentials, std::string_view profile) {
    return resolve_chain(merge_profiles(kFiles, config, credentials), profile, {}).error().next;
  };
  EXPECT_NE(next("[foo]\nregion = r\n", "", "foo").find("write [profile foo] (config:1"), std::string::npos);
  EXPECT_NE(next("", "[profile foo]\nregion = r\n", "foo").find("write [foo] (credentials:1"), std::string::npos);
  EXPECT_NE(next("[profile Foo]\n", "", "foo").find("there is a profile Foo at config:1"), std::string::npos);
  EXPECT_NE(next("[profile \"my prof\"]\n", "", "my prof").find("there is a profile \"my prof\""), std::string::npos);
}

TEST(ProfileChain, ALongChainNeedsNoStack) {
  std::string config;
  for (int i = 0; i < 3000; ++i) {
    config += "[profile p" + std::to_string(i) + "]\nrole_arn = r\nsource_profile = p" + std::to_string(i + 1) + "\n";
  }
  const ProfileSet set = merge_profiles(kFiles, config, "[p3000]\naws_access_key_id=K\naws_secret_access_key=s\n");
  const auto chain = resolve_chain(set, "p0", {});
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->roles.size(), 3000u);
}

// The suite gives profiles as values; they are written as files here.
struct Files {
  std::string config;
  std::string credentials;
};
Files written(const json::Value& input) {
  Files files;
  for (const auto& [name, settings] : *input.find("profiles")->if_object()) {
    files.credentials += "[" + name + "]\n";
    for (const auto& [key, value] : *settings.if_object())
      files.credentials += key + " = " + *value.if_string() + "\n";
  }
  const json::Value* sessions = input.find("sso_sessions");
  if (sessions == nullptr) return files;
  for (const auto& [name, settings] : *sessions->if_object()) {
    files.config += "[sso-session " + name + "]\n";
    for (const auto& [key, value] : *settings.if_object())
      files.config += key + " = " + *value.if_string() + "\n";
  }
  return files;
}

void set_if(json::Value& object, std::string key, std::string_view value) {
  if (!value.empty()) object.set(std::move(key), json::Value(value));
}

json::Value as_the_suite_writes_it(const Chain& chain) {
  json::Value list = json::Value::array();
  if (const auto* keys = std::get_if<StaticKeys>(&chain.source)) {
    json::Value entry = json::Value::object({{"access_key_id", keys->credentials.access_key_id},
                                             {"secret_access_key", keys->credentials.secret_access_key.reveal()}});
    set_if(entry, "account_id", keys->account_id);
    list.push(json::Value::object({{"AccessKey", entry}}));
  } else if (const auto* web = std::get_if<WebIdentity>(&chain.source)) {
    json::Value entry =
        json::Value::object({{"role_arn", web->role_arn}, {"web_identity_token_file", web->token_file}});
    set_if(entry, "role_session_name", web->role_session_name);
    list.push(json::Value::object({{"WebIdentityToken", entry}}));
  } else if (const auto* sso = std::get_if<Sso>(&chain.source)) {
    list.push(json::Value::object({{"Sso", json::Value::object({{"sso_account_id", sso->account_id},
                                                                {"sso_region", sso->region},
                                                                {"sso_role_name", sso->role_name},
                                                                {"sso_start_url", sso->start_url}})}}));
  }
  for (const AssumeRole& role : chain.roles) {
    json::Value entry = json::Value::object({{"role_arn", role.role_arn}});
    set_if(entry, "role_session_name", role.role_session_name);
    list.push(json::Value::object({{"AssumeRole", entry}}));
  }
  return list;
}

TEST(ProfileChain, SharedSuite) {
  const std::string path = "smithy-rs/assume-role-tests.json";
  TG_SKIP_WITHOUT_REFEREE(path);
  const auto document = test::read_referee_json(path);
  ASSERT_TRUE(document);
  // The suite's words for a failure, and ours.
  const std::map<std::string, std::string> reasons = {
      {"profile must contain `source_profile`", "no_credentials"},
      {"profile contained both source_profile and credential_source", "several_sources"},
      {"profile missing aws_secret_access_key", "partial_keys"},
      {"profile missing aws_access_key_id", "partial_keys"},
      {"profile `A` did not contain credential information", "no_credentials"},
      {"No profiles were defined", "profile_not_found"},
      {"profile formed an infinite loop", "source_cycle"},
      {"`role_arn` was missing", "role_arn_missing"},
      {"if `sso_role_name` is set, then `sso_account_id` must also be set", "sso_incomplete"},
      {"`sso_region` can only be specified in the [sso-session] config when a session name is given", "sso_incomplete"},
      {"sso-session named `oops` (referenced by profile `A`) was not found", "sso_incomplete"},
  };
  const std::map<std::string, std::string> known = {
      {"chained assume role profiles with static credentials (ignore assume role when static credentials present)",
       "Terraform 1.11.4 was seen to assume the source profile's role with that profile's own keys"}};
  int cases = 0;
  int agreeing = 0;
  std::vector<std::pair<std::string, std::string>> deviating;
  for (const json::Value& one : *document->if_array()) {
    const std::string name = *one.find("docs")->if_string();
    SCOPED_TRACE(name);
    ++cases;
    const json::Value& input = *one.find("input");
    const Files files = written(input);
    const ProfileSet set = merge_profiles(kFiles, files.config, files.credentials);
    const auto chain = resolve_chain(set, *input.find("selected_profile")->if_string(), {});
    const json::Value& output = *one.find("output");
    bool agrees = false;
    if (const json::Value* error = output.find("Error")) {
      const auto reason = reasons.find(*error->if_string());
      ASSERT_NE(reason, reasons.end());
      agrees = !chain && chain.error().reason == reason->second;
    } else {
      agrees = chain && as_the_suite_writes_it(*chain) == *output.find("ProfileChain");
    }
    const auto deviation = known.find(name);
    EXPECT_NE(agrees, deviation != known.end()) << (chain ? shown(*chain) : chain.error().text());
    if (agrees) ++agreeing;
    if (!agrees && deviation != known.end()) deviating.emplace_back(*deviation);
  }
  EXPECT_EQ(cases, 20);
  EXPECT_EQ(agreeing, 19);
  test::record_agreement("assume-role", cases, agreeing, deviating);
}

}  // namespace
}  // namespace tollgate::aws
