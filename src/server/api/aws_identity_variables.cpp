#include "server/api/aws_identity_variables.h"

#include "server/api/owners.h"
#include "server/runs/mfa_setup.h"

namespace tollgate::api {

namespace {

using domain::AwsIdentity;
using domain::IdentityKind;
using domain::Tables;
using domain::Variable;
using domain::VariableScope;

constexpr std::string_view kKey = "AWS_ACCESS_KEY_ID";
constexpr std::string_view kSecret = "AWS_SECRET_ACCESS_KEY";
constexpr std::string_view kSerial = "AWS_MFA_SERIAL_NUMBER";

struct Three {
  std::optional<Variable> key, secret, serial;

  bool complete() const { return key && secret && serial; }
};

void take(Three& three, Variable variable) {
  if (!is_identity_variable(variable)) return;
  auto& place = variable.key == kKey ? three.key : variable.key == kSecret ? three.secret : three.serial;
  place = std::move(variable);
}

Three three_of(Tables& tables, VariableScope scope, std::string_view organization_id, std::string_view user_id) {
  Three three;
  for (Variable& variable : scope == VariableScope::personal ? tables.variables().of_user(organization_id, user_id)
                                                             : tables.variables().of_organization(organization_id)) {
    take(three, std::move(variable));
  }
  return three;
}

std::optional<AwsIdentity> identity_of(Tables& tables, const Variable& variable) {
  return variable.scope == VariableScope::personal
             ? tables.aws_identities().of_user(variable.organization_id, variable.user_id)
             : tables.aws_identities().of_organization_itself(variable.organization_id);
}

Three variables_of(Tables& tables, const AwsIdentity& identity) {
  const bool personal = identity.kind == IdentityKind::personal;
  return three_of(tables, personal ? VariableScope::personal : VariableScope::organization, identity.organization_id,
                  identity.user_id);
}

}  // namespace

bool is_identity_variable(const Variable& variable) {
  return variable.category == domain::VariableCategory::env && variable.scope != VariableScope::workspace &&
         (variable.key == kKey || variable.key == kSecret || variable.key == kSerial);
}

Result<void> identity_follows(Tables& tables, const Call& call, const Variable& variable, bool ended) {
  if (!is_identity_variable(variable)) return {};
  Three three = three_of(tables, variable.scope, variable.organization_id, variable.user_id);
  Three with = three;
  if (ended) take(with, variable);
  const auto organization = tables.organizations().find(variable.organization_id);
  const bool gated = organization && organization->aws_mfa != domain::MfaLevel::never;
  const bool of_organization = variable.scope == VariableScope::organization;
  if (of_organization && (gated || with.complete())) {
    TG_CHECK(require_owner_now(tables, call, variable.organization_id));
  }
  if (!with.complete()) return {};
  const auto before = identity_of(tables, variable);
  const auto tell = [&](std::string_view done) {
    if (!of_organization) return;
    tell_owners(tables, call, variable.organization_id, "aws_identity",
                fmt::format("{} the organization's AWS identity, by its variables", done));
  };
  if (ended) {
    if (!before) return {};
    runs::erase_identity(tables, *before, call.actor(), call.now);
    tell("deleted");
    return {};
  }
  AwsIdentity wish = before.value_or(AwsIdentity{});
  wish.organization_id = variable.organization_id;
  wish.kind = of_organization ? IdentityKind::organization : IdentityKind::personal;
  if (!of_organization) wish.user_id = variable.user_id;
  wish.access_key_id = std::string(three.key->value.reveal());
  wish.secret_access_key = three.secret->value;
  wish.mfa_serial = std::string(three.serial->value.reveal());
  TG_CHECK(runs::put_identity(tables, std::move(wish), call.actor(), call.context.random, call.now));
  tell(before ? "changed" : "set up");
  return {};
}

void variables_follow(Tables& tables, const AwsIdentity& identity) {
  const Three three = variables_of(tables, identity);
  const auto follow = [&](const std::optional<Variable>& variable, std::string_view value) {
    if (!variable || variable->value.reveal() == value) return;
    Variable changed = *variable;
    changed.value = Secret(std::string(value));
    ++changed.version;
    if (const auto done = tables.variables().update(changed); !done) throw std::logic_error(done.error().message);
  };
  if (!three.complete()) return;
  follow(three.key, identity.access_key_id);
  follow(three.secret, identity.secret_access_key.reveal());
  follow(three.serial, identity.mfa_serial);
}

void variables_end(Tables& tables, const AwsIdentity& identity) {
  const Three three = variables_of(tables, identity);
  if (!three.complete()) return;
  for (const auto& variable : {three.key, three.secret, three.serial})
    tables.variables().erase(variable->id);
}

}  // namespace tollgate::api
