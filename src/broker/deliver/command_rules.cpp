#include "broker/deliver/command_rules.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <utility>

namespace tollgate::deliver {
namespace {

using Arguments = std::vector<std::string>;

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Terraform CLI documentation, "Commands". An own map, because `plan -destroy` is a plan.
std::optional<Work> terraform_work(std::string_view verb) {
  constexpr std::array<std::pair<std::string_view, Work>, 10> kVerbs = {{{"plan", Work::plan},
                                                                         {"apply", Work::apply},
                                                                         {"test", Work::apply},
                                                                         {"destroy", Work::destroy},
                                                                         {"import", Work::import},
                                                                         {"state", Work::state},
                                                                         {"taint", Work::state},
                                                                         {"untaint", Work::state},
                                                                         {"refresh", Work::state},
                                                                         {"force-unlock", Work::state}}};
  for (const auto& [name, work] : kVerbs) {
    if (name == verb) return work;
  }
  return std::nullopt;
}

bool asks_for_help(const Arguments& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& word) {
    return one_of(word, {"-help", "--help", "-h"});
  });
}

// The value of `flag` where `argument` is "flag=value", or is the flag and a value follows.
std::optional<std::string> flag_value(const Arguments& arguments, std::size_t at, std::string_view flag) {
  const std::string_view word = arguments[at];
  if (!word.starts_with(flag)) return std::nullopt;
  if (word.size() > flag.size() && word[flag.size()] == '=') return std::string(word.substr(flag.size() + 1));
  if (word == flag && at + 1 < arguments.size()) return arguments[at + 1];
  return std::nullopt;
}

CommandTraits inspect_terraform(const Arguments& arguments) {
  CommandTraits traits;
  std::string_view verb;
  for (const std::string& word : arguments) {
    if (word.starts_with("-chdir=")) traits.directory = word.substr(7);
    if (one_of(word, {"-version", "--version", "-v"})) traits.needs_credentials = false;
    if (word.starts_with("-")) continue;
    verb = word;
    break;
  }
  if (verb.empty() || asks_for_help(arguments) ||
      one_of(verb, {"fmt", "version", "validate", "login", "logout", "metadata"})) {
    traits.needs_credentials = false;
  }
  traits.work = terraform_work(verb).value_or(Work::other);
  if (traits.work == Work::apply && std::find(arguments.begin(), arguments.end(), "-destroy") != arguments.end()) {
    traits.work = Work::destroy;
  }
  return traits;
}

// terragrunt passes terraform's verbs on in many shapes (apply, run-all apply, run --all -- apply, stack run apply,
// apply-all), so the first word that is one of them counts.
CommandTraits inspect_terragrunt(const Arguments& arguments) {
  CommandTraits traits;
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (one_of(word, {"--version", "-version", "-v"})) traits.needs_credentials = false;
    for (const std::string_view flag : {"--working-dir", "--terragrunt-working-dir"}) {
      const auto value = flag_value(arguments, i, flag);
      if (!value) continue;
      traits.directory = *value;
      if (word == flag) ++i;
    }
    if (!word.starts_with("-")) words.push_back(word);
  }
  if (words.empty() || asks_for_help(arguments) || words.front() == "hclfmt" ||
      (words.front() == "hcl" && words.size() > 1 && one_of(words[1], {"fmt", "format"}))) {
    traits.needs_credentials = false;
  }
  for (std::string_view word : words) {
    if (word.ends_with("-all")) word.remove_suffix(4);
    if (const auto work = terraform_work(word)) {
      traits.work = *work;
      break;
    }
  }
  return traits;
}

// Global options of the AWS CLI that take a value ("aws help", OPTIONS).
bool takes_value(std::string_view flag) {
  return one_of(flag, {"--endpoint-url", "--output", "--query", "--profile", "--region", "--ca-bundle", "--color",
                       "--cli-read-timeout", "--cli-connect-timeout", "--cli-binary-format", "--cli-error-format"});
}

CommandTraits inspect_aws(const Arguments& arguments) {
  CommandTraits traits;
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (const auto profile = flag_value(arguments, i, "--profile")) traits.profile = *profile;
    if (word == "--version") traits.needs_credentials = false;
    if (word.starts_with("-")) {
      if (takes_value(word)) ++i;
      continue;
    }
    words.push_back(word);
  }
  const std::string_view service = words.empty() ? "" : words[0];
  const std::string_view operation = words.size() > 1 ? words[1] : "";
  if (words.empty() || std::find(words.begin(), words.end(), "help") != words.end() || service == "history") {
    traits.needs_credentials = false;
  }
  // export-credentials only reads, and a person wants the session that tollgate has.
  traits.writes_configuration =
      one_of(service, {"login", "logout", "sso"}) || (service == "configure" && operation != "export-credentials");
  return traits;
}

}  // namespace

CommandTraits inspect_command(std::string_view program, const std::vector<std::string>& arguments) {
  const std::string_view name = program.substr(program.rfind('/') + 1);
  if (name == "terraform" || name == "tofu") return inspect_terraform(arguments);
  if (name == "terragrunt") return inspect_terragrunt(arguments);
  if (name == "aws") return inspect_aws(arguments);
  return {};
}

std::chrono::seconds min_ttl_for(Work work, const MinTtlRules& rules) {
  const auto wanted = [&] {
    switch (work) {
      case Work::plan:
        return rules.plan;
      case Work::apply:
        return rules.apply;
      case Work::destroy:
        return rules.destroy;
      case Work::import:
        return rules.import;
      case Work::state:
        return rules.state;
      case Work::other:
        break;
    }
    return rules.other;
  }();
  return std::max(wanted, rules.other);
}

}  // namespace tollgate::deliver
