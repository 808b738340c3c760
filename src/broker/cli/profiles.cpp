// tollgate profiles and explain: what the files say, and what would be called. No network, no question.
#include <algorithm>

#include "broker/cli/command.h"
#include "broker/cli/output.h"
#include "broker/deliver/durations.h"

namespace tollgate::cli {
namespace {

struct ProfilesInput {
  std::string profile;
  bool json = false;
};

std::string_view severity_name(aws::Severity severity) {
  switch (severity) {
    case aws::Severity::note:
      return "note";
    case aws::Severity::warning:
      return "warning";
    case aws::Severity::error:
      return "error";
  }
  return "note";
}

json::Value to_json(const std::vector<aws::Diagnostic>& diagnostics) {
  json::Value list = json::Value::array();
  for (const aws::Diagnostic& diagnostic : diagnostics) {
    list.push(json::Value::object({{"severity", severity_name(diagnostic.severity)},
                                   {"place", diagnostic.place},
                                   {"topic", diagnostic.topic},
                                   {"message", diagnostic.message},
                                   {"next", diagnostic.next}}));
  }
  return list;
}

void print_diagnostics(const std::vector<aws::Diagnostic>& diagnostics) {
  for (const aws::Diagnostic& diagnostic : diagnostics) {
    print_notice(fmt::format("{}: {}: {}{}", diagnostic.place, severity_name(diagnostic.severity), diagnostic.message,
                             diagnostic.next.empty() ? "" : ". Next: " + diagnostic.next));
  }
}

json::Value settings_json(const aws::Section& section) {
  json::Value settings = json::Value::object();
  for (const aws::Setting& setting : section.settings) {
    if (!setting.secret.empty()) {
      settings.set(setting.key, "(hidden)");
    } else if (!setting.nested.empty()) {
      json::Value nested = json::Value::object();
      for (const auto& [key, value] : setting.nested)
        nested.set(key, value);
      settings.set(setting.key, std::move(nested));
    } else {
      settings.set(setting.key, setting.value);
    }
  }
  return settings;
}

// What a profile's credentials come from, in one or two words.
std::string kind_of(const aws::Profile& profile, bool stored) {
  if (profile.find("role_arn") != nullptr) return profile.find("mfa_serial") != nullptr ? "role, MFA" : "role";
  if (stored) return profile.find("mfa_serial") != nullptr ? "stored keys, MFA" : "stored keys";
  if (profile.find("credential_process") != nullptr) return "process";
  if (profile.find("sso_session") != nullptr || profile.find("sso_start_url") != nullptr) return "Identity Center";
  if (profile.find("aws_access_key_id") != nullptr) return profile.find("mfa_serial") != nullptr ? "keys, MFA" : "keys";
  return "no credentials";
}

Result<void> profiles(App& app, const ProfilesInput& input) {
  TG_TRY(const aws::ProfileSet* const set, app.profiles());
  if (input.json) {
    json::Value list = json::Value::array();
    for (const aws::Profile& profile : set->profiles) {
      list.push(json::Value::object(
          {{"name", profile.name}, {"place", set->place(profile)}, {"settings", settings_json(profile)}}));
    }
    return print_json(json::Value::object({{"schema", "tollgate.profiles.v1"},
                                           {"config_file", set->files.config},
                                           {"credentials_file", set->files.credentials},
                                           {"profiles", std::move(list)},
                                           {"diagnostics", to_json(set->diagnostics)}}));
  }
  print_diagnostics(set->diagnostics);
  TG_TRY(KeyVault* const keys, app.vault());
  const std::vector<std::string> stored_keys = keys->profiles();
  std::vector<std::vector<std::string>> rows{{"PROFILE", "CREDENTIALS", "REGION", "ROLE"}};
  for (const aws::Profile& profile : set->profiles) {
    const bool stored = std::find(stored_keys.begin(), stored_keys.end(), profile.name) != stored_keys.end();
    rows.push_back({profile.name, kind_of(profile, stored), std::string(profile.text("region")),
                    std::string(profile.text("role_arn"))});
  }
  for (const std::string& name : stored_keys) {
    if (set->find(name) == nullptr) rows.push_back({name, "stored keys", "", ""});
  }
  return print(table(rows));
}

// One call, as a line for people and as JSON.
struct Step {
  std::string text;
  json::Value value;
};

std::string source_text(const aws::Chain& chain) {
  struct Visitor {
    std::string operator()(const aws::StaticKeys& keys) const {
      return fmt::format("{} keys of profile {} ({}), {}", keys.credentials.temporary() ? "session" : "long-term",
                         keys.profile, last_four(keys.credentials.access_key_id), keys.place);
    }
    std::string operator()(const aws::VaultKeys& keys) const {
      return fmt::format("keys stored by tollgate for {}", keys.profile);
    }
    std::string operator()(const aws::EnvironmentCredentials&) const { return "keys of the environment"; }
    std::string operator()(const aws::ContainerMetadata&) const { return "the container's credentials endpoint"; }
    std::string operator()(const aws::InstanceMetadata&) const { return "the instance metadata service"; }
    std::string operator()(const aws::CredentialProcess& process) const {
      return fmt::format("the credential_process of profile {}, {}", process.profile, process.place);
    }
    std::string operator()(const aws::WebIdentity& identity) const {
      return fmt::format("AssumeRoleWithWebIdentity {} with the token in {}", identity.role_arn, identity.token_file);
    }
    std::string operator()(const aws::Sso& sso) const {
      return fmt::format("IAM Identity Center, account {} role {}", sso.account_id, sso.role_name);
    }
  };
  return std::visit(Visitor{}, chain.source);
}

std::vector<Step> steps_of(const aws::Chain& chain, const deliver::ObtainOptions& options) {
  std::vector<Step> steps;
  const std::string source = source_text(chain);
  steps.push_back(
      {fmt::format("start from {}", source), json::Value::object({{"action", "source"}, {"source", source}})});
  const std::string serial = aws::first_mfa_serial(chain);
  const bool coded = deliver::role_takes_code(chain, options.role_duration, options.use_session);
  const auto* keys = std::get_if<aws::StaticKeys>(&chain.source);
  const bool session =
      !serial.empty() && !coded && options.use_session && (keys == nullptr || !keys->credentials.temporary());
  if (session) {
    steps.push_back(
        {fmt::format("sts:GetSessionToken with a code of {}, for {}s", serial, options.session_duration->count()),
         json::Value::object({{"action", "sts:GetSessionToken"},
                              {"serial_number", serial},
                              {"duration_seconds", std::int64_t{options.session_duration->count()}}})});
  }
  for (std::size_t i = 0; i < chain.roles.size(); ++i) {
    const aws::AssumeRole& role = chain.roles[i];
    const auto duration = deliver::effective_duration(chain, options.role_duration, i, i > 0 || session);
    json::Value value = json::Value::object({{"action", "sts:AssumeRole"}, {"role_arn", role.role_arn}});
    std::string text = fmt::format("sts:AssumeRole {}", role.role_arn);
    if (!role.external_id.empty()) {
      text += fmt::format(", external id {}", role.external_id);
      value.set("external_id", role.external_id);
    }
    if (coded && i == 0) {
      text += fmt::format(", with a code of {}", serial);
      value.set("serial_number", serial);
    }
    if (!role.role_session_name.empty()) value.set("role_session_name", role.role_session_name);
    if (duration) {
      text += fmt::format(", for {}s", duration->count());
      value.set("duration_seconds", std::int64_t{duration->count()});
    }
    value.set("place", role.place);
    steps.push_back({text + " (" + role.place + ")", std::move(value)});
  }
  return steps;
}

Result<void> explain(App& app, const ProfilesInput& input) {
  const std::string name = aws::selected_profile(app.lookup(), input.profile);
  TG_TRY(const aws::ProfileSet* const set, app.profiles());
  TG_TRY(aws::Chain chain, aws::resolve_chain(*set, name, app.lookup(), app.has_vault_keys()));
  deliver::ObtainOptions options;
  TG_TRY(const Configuration* const settings, app.configuration());
  options.session_duration = settings->duration(Key::session_duration);
  const std::vector<std::string> notices = deliver::cap_durations(
      chain, options, deliver::role_takes_code(chain, options.role_duration, options.use_session));
  TG_TRY(const aws::Endpoint endpoint,
         aws::endpoint_for("STS", chain.region.empty() ? chain.source_region : chain.region, app.lookup(), *set,
                           set->find(name)));
  const std::vector<Step> steps = steps_of(chain, options);
  if (input.json) {
    json::Value list = json::Value::array();
    for (const Step& step : steps)
      list.push(step.value);
    json::Value caps = json::Value::array();
    for (const std::string& notice : notices)
      caps.push(notice);
    return print_json(json::Value::object({{"schema", "tollgate.explain.v1"},
                                           {"profile", name},
                                           {"region", chain.region},
                                           {"sts_endpoint", endpoint.url},
                                           {"signing_region", endpoint.signing_region},
                                           {"steps", std::move(list)},
                                           {"caps", std::move(caps)},
                                           {"diagnostics", to_json(chain.diagnostics)}}));
  }
  std::string text = fmt::format("profile {}, region {}, STS at {}\n", name,
                                 chain.region.empty() ? "(none)" : chain.region, endpoint.url);
  for (std::size_t i = 0; i < steps.size(); ++i)
    text += fmt::format("{}. {}\n", i + 1, steps[i].text);
  TG_CHECK(print(text));
  for (const std::string& notice : notices)
    print_notice(notice);
  print_diagnostics(chain.diagnostics);
  return {};
}

}  // namespace

Command profiles_command() {
  auto input = std::make_shared<ProfilesInput>();
  Command command;
  command.name = "profiles";
  command.summary = "List the profiles, merged from both files as Terraform reads them";
  command.examples = "tollgate profiles\ntollgate profiles --json";
  command.options = {{"--json", "", "Print JSON (schema tollgate.profiles.v1). Secrets are left out.", &input->json}};
  command.run = [input](App& app) {
    const auto done = profiles(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

Command explain_command() {
  auto input = std::make_shared<ProfilesInput>();
  Command command;
  command.name = "explain";
  command.summary = "Show which calls a profile would make, without making one";
  command.examples = "tollgate explain prod\ntollgate explain prod --json";
  command.positionals = {{"PROFILE", "Default: AWS_PROFILE, else default.", &input->profile, false}};
  command.options = {{"--json", "", "Print JSON (schema tollgate.explain.v1).", &input->json}};
  command.run = [input](App& app) {
    const auto done = explain(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

Command version_command() {
  Command command;
  command.name = "version";
  command.summary = "Print the version";
  command.run = [](App&) {
    const auto printed = print(fmt::format("tollgate {}\n", TOLLGATE_VERSION));
    return printed ? 0 : report(printed.error());
  };
  return command;
}

}  // namespace tollgate::cli
