#include "sandbox/policy/written_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "sandbox/policy/ascii.h"
#include "sandbox/policy/condition.h"

namespace tollgate::policy {
namespace {

using json::Value;

std::string item(std::string_view base, std::size_t index) {
  return fmt::format("{}/{}", base, index);
}

// A text, or a list of texts.
Result<std::vector<std::string>> read_texts(const Value& value, const std::string& pointer) {
  if (const auto* text = value.if_string()) return std::vector<std::string>{*text};
  const auto* list = value.if_array();
  if (list == nullptr) return syntax_error(pointer, "write a string or a list of strings");
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* text = (*list)[i].if_string();
    if (text == nullptr) return syntax_error(item(pointer, i), "write a string");
    texts.push_back(*text);
  }
  return texts;
}

// A condition's value as text: booleans and numbers may be written without quotes.
std::optional<std::string> scalar_text(const Value& value) {
  if (const auto* text = value.if_string()) return *text;
  if (value.if_bool() != nullptr || value.if_integer() != nullptr || value.if_double() != nullptr) {
    return json::to_text(value);
  }
  return std::nullopt;
}

Result<std::vector<std::string>> read_condition_values(const Value& value, const std::string& pointer) {
  if (auto text = scalar_text(value)) return std::vector<std::string>{std::move(*text)};
  const auto* list = value.if_array();
  if (list == nullptr) return syntax_error(pointer, "write a string, a number, a boolean, or a list of them");
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto text = scalar_text((*list)[i]);
    if (!text) return syntax_error(item(pointer, i), "write a string, a number or a boolean");
    texts.push_back(std::move(*text));
  }
  return texts;
}

Condition read_operator(std::string_view written) {
  Condition condition;
  for (const auto& [prefix, set_operator] : {std::pair{std::string_view("ForAllValues:"), SetOperator::for_all_values},
                                             std::pair{std::string_view("ForAnyValue:"), SetOperator::for_any_value}}) {
    if (written.substr(0, prefix.size()) != prefix) continue;
    condition.set_operator = set_operator;
    written.remove_prefix(prefix.size());
    break;
  }
  constexpr std::string_view kIfExists = "IfExists";
  if (written.size() > kIfExists.size() && written.substr(written.size() - kIfExists.size()) == kIfExists &&
      written != "NullIfExists") {  // Null asks for existence itself and has no such form
    condition.if_exists = true;
    written.remove_suffix(kIfExists.size());
  }
  condition.operator_name = written;
  return condition;
}

Result<void> read_conditions(const Value& value, const std::string& pointer, std::vector<Condition>& conditions) {
  const auto* operators = value.if_object();
  if (operators == nullptr) return syntax_error(pointer, "write an object: operator -> key -> values");
  for (const auto& [written, keys_value] : *operators) {
    const std::string at = member_pointer(pointer, written);
    const auto* keys = keys_value.if_object();
    if (keys == nullptr) return syntax_error(at, "write an object: key -> values");
    const Condition condition = read_operator(written);
    if (!is_condition_operator(condition.operator_name) && !keys->empty()) {
      return syntax_error(at, fmt::format("there is no condition operator \"{}\"", written));
    }
    for (const auto& [key, values] : *keys) {
      conditions.push_back(condition);
      conditions.back().key = key;
      TG_TRY(conditions.back().values, read_condition_values(values, member_pointer(at, key)));
    }
  }
  return {};
}

Result<PrincipalElement> read_principal(const Value& value, const std::string& pointer) {
  PrincipalElement principal;
  if (const auto* text = value.if_string()) {
    if (*text != "*") return syntax_error(pointer, "a principal that is a string can only be \"*\"");
    principal.everyone = true;
    return principal;
  }
  const auto* members = value.if_object();
  if (members == nullptr)
    return syntax_error(pointer, "write \"*\" or an object: AWS, Service, Federated, CanonicalUser");
  for (const auto& [kind, names_value] : *members) {
    const std::string at = member_pointer(pointer, kind);
    TG_TRY(auto names, read_texts(names_value, at));
    if (kind == "AWS") {
      if (std::find(names.begin(), names.end(), "*") != names.end()) principal.everyone = true;
      principal.aws = std::move(names);
    } else if (kind == "Service") {
      principal.services = std::move(names);
    } else if (kind == "Federated") {
      principal.federated = std::move(names);
    } else if (kind == "CanonicalUser") {
      principal.canonical_users = std::move(names);
    } else {
      return malformed(fmt::format("Invalid principal in policy: \"{}\"", kind), at,
                       "use AWS, Service, Federated or CanonicalUser");
    }
  }
  return principal;
}

Result<WrittenStatement> read_statement(const Value& value, std::string pointer) {
  const auto* members = value.if_object();
  if (members == nullptr) return syntax_error(pointer, "a statement is an object");
  WrittenStatement written;
  Statement& statement = written.statement;
  for (const auto& [name, element] : *members) {
    const std::string at = member_pointer(pointer, name);
    if (name == "Sid") {
      if (element.if_string() == nullptr) return syntax_error(at, "write a string");
      statement.sid = *element.if_string();
    } else if (name == "Effect") {
      if (element.if_string() == nullptr) return syntax_error(at, "write Allow or Deny");
      written.effect = *element.if_string();
      written.has_effect = true;
      if (!equal_ignoring_case(written.effect, "Allow") && !equal_ignoring_case(written.effect, "Deny")) {
        return syntax_error(at, "write Allow or Deny");
      }
      statement.effect = written.effect == "Allow" ? Effect::allow : Effect::deny;
    } else if (name == "Principal" || name == "NotPrincipal") {
      if (statement.principal) return syntax_error(at, "Principal and NotPrincipal exclude each other");
      TG_TRY(statement.principal, read_principal(element, at));
      statement.not_principal = name == "NotPrincipal";
    } else if (name == "Action" || name == "NotAction") {
      if (written.has_action) return syntax_error(at, "Action and NotAction exclude each other");
      TG_TRY(statement.actions, read_texts(element, at));
      statement.not_action = name == "NotAction";
      written.has_action = true;
    } else if (name == "Resource" || name == "NotResource") {
      if (written.has_resource) return syntax_error(at, "Resource and NotResource exclude each other");
      TG_TRY(statement.resources, read_texts(element, at));
      statement.not_resource = name == "NotResource";
      written.has_resource = true;
    } else if (name == "Condition") {
      TG_CHECK(read_conditions(element, at, statement.conditions));
    } else {
      return syntax_error(at, fmt::format("a statement has no element \"{}\"", name));
    }
  }
  written.pointer = std::move(pointer);
  return written;
}

}  // namespace

tl::unexpected<Error> malformed(std::string sentence, std::string pointer, std::string next) {
  return fail(Error(Code::invalid, std::move(sentence))
                  .at(std::move(pointer))
                  .do_next(std::move(next))
                  .because("MalformedPolicyDocument"));
}

tl::unexpected<Error> syntax_error(std::string pointer, std::string next) {
  return malformed("Syntax errors in policy.", std::move(pointer), std::move(next));
}

std::string member_pointer(std::string_view base, std::string_view name) {
  std::string pointer = fmt::format("{}/", base);
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

Result<WrittenPolicy> read_written_policy(const Value& root) {
  const auto* members = root.if_object();
  if (members == nullptr) return syntax_error("", "a policy is an object with Version and Statement");
  WrittenPolicy written;
  const Value* statements = nullptr;
  for (const auto& [name, element] : *members) {
    const std::string at = member_pointer("", name);
    if (name == "Version") {
      const auto* text = element.if_string();
      if (text == nullptr || (*text != "2012-10-17" && *text != "2008-10-17"))
        return syntax_error(at, "write 2012-10-17");
      written.version = *text;
    } else if (name == "Id") {
      if (element.if_string() == nullptr) return syntax_error(at, "write a string");
      written.id = *element.if_string();
    } else if (name == "Statement") {
      statements = &element;
    } else {
      return syntax_error(at, fmt::format("a policy has no element \"{}\"", name));
    }
  }
  if (statements == nullptr) return syntax_error("", "add a Statement");
  const auto* list = statements->if_array();
  if (list == nullptr) {
    TG_TRY(auto statement, read_statement(*statements, "/Statement"));
    written.statements.push_back(std::move(statement));
    return written;
  }
  if (list->empty()) return syntax_error("/Statement", "a policy has at least one statement");
  for (std::size_t i = 0; i < list->size(); ++i) {
    TG_TRY(auto statement, read_statement((*list)[i], item("/Statement", i)));
    written.statements.push_back(std::move(statement));
  }
  return written;
}

}  // namespace tollgate::policy
