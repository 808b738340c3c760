#include "sandbox/iam_principals.h"

#include "common/json/value.h"

namespace tollgate::sandbox {
namespace {

bool rename_in_value(json::Value& value, std::string_view arn, std::string_view name) {
  if (const std::string* text = value.if_string()) {
    if (*text != arn) return false;
    value = json::Value(name);
    return true;
  }
  bool changed = false;
  if (json::Array* items = value.if_array()) {
    for (json::Value& item : *items)
      changed |= rename_in_value(item, arn, name);
  }
  return changed;
}

bool rename_in_statement(json::Value& statement, std::string_view arn, std::string_view name) {
  bool changed = false;
  for (const std::string_view element : {"Principal", "NotPrincipal"}) {
    json::Value* const principal = statement.find(element);
    json::Value* const aws = principal != nullptr ? principal->find("AWS") : nullptr;
    if (aws != nullptr) changed |= rename_in_value(*aws, arn, name);
  }
  return changed;
}

// True if the document changed. One that does not name it keeps its layout.
bool rename_in_document(std::string& document, std::string_view arn, std::string_view name) {
  if (document.find(arn) == std::string::npos) return false;
  auto policy = json::parse(document);
  json::Value* const statements = policy ? policy->find("Statement") : nullptr;
  if (statements == nullptr) return false;
  bool changed = false;
  if (json::Array* several = statements->if_array()) {
    for (json::Value& statement : *several)
      changed |= rename_in_statement(statement, arn, name);
  } else {
    changed = rename_in_statement(*statements, arn, name);
  }
  if (changed) document = json::to_text(*policy);
  return changed;
}

}  // namespace

std::string iam_arn(const Call& call, std::string_view kind, std::string_view name) {
  return fmt::format("arn:aws:iam::{}:{}{}", call.principal.account, kind, name);
}

void end_sessions(World& world, std::string_view account, std::string_view name, bool of_role) {
  std::vector<std::string> ended;
  for (const auto& [id, session] : world.sessions.all()) {
    if (session.account != account || session.name != name) continue;
    if ((session.kind == Session::Kind::role) == of_role) ended.push_back(id);
  }
  for (const std::string& id : ended)
    world.sessions.erase(id);
}

void rename_in_principals(World& world, std::string_view arn, std::string_view name) {
  std::vector<Role> roles;
  for (const auto& [key, role] : world.roles.all()) {
    Role changed = role;
    if (rename_in_document(changed.trust_policy, arn, name)) roles.push_back(std::move(changed));
  }
  for (Role& role : roles)
    world.roles.put(std::move(role));
  std::vector<Bucket> buckets;
  for (const auto& [key, bucket] : world.buckets.all()) {
    Bucket changed = bucket;
    if (rename_in_document(changed.policy, arn, name)) buckets.push_back(std::move(changed));
  }
  for (Bucket& bucket : buckets)
    world.buckets.put(std::move(bucket));
}

OrRefused<User> find_user_or_caller(World& world, const Call& call) {
  if (call.find("UserName") != nullptr) return find_principal<UserKind>(world, call);
  if (call.principal.kind != Principal::Kind::user) {
    return tl::unexpected(validation_error("Must specify userName when calling with non-User credentials"));
  }
  return find_named<UserKind>(world, call, call.principal.name);
}

}  // namespace tollgate::sandbox
