// An organization's settings of the AWS MFA gate: its level, whose identities open it, how long it waits, which roles
// phases get. Everybody of the organization sees them; owners change them, on the page, with a password just typed.
#include "server/api/aws_mfa_settings.h"

#include <algorithm>
#include <array>

#include "server/api/owners.h"
#include "server/api/routes.h"
#include "server/runs/mfa_setup.h"

namespace tollgate::api {

namespace {

using domain::GateSettings;
using domain::MfaLevel;
using domain::Organization;
using domain::Tables;

constexpr std::array<std::string_view, 3> kPolicies{"personal", "organization", "personal-then-organization"};

std::string_view to_text(domain::IdentityPolicy policy) {
  return kPolicies.at(static_cast<std::size_t>(policy));
}

json::Value role_value(const domain::PhaseRole& role) {
  if (role.arn.empty()) return {};
  return json::Value::object({{"arn", role.arn}, {"external-id", role.external_id}});
}

json::Value texts(const std::vector<std::string>& all) {
  json::Value list = json::Value::array();
  for (const std::string& text : all)
    list.push(text);
  return list;
}

// What would keep everybody out, or let too much in, although each setting for itself is allowed.
json::Value warnings(const Organization& organization, const GateSettings& settings,
                     const std::optional<domain::AwsIdentity>& own) {
  json::Value all = json::Value::array();
  const bool gated = organization.aws_mfa != MfaLevel::never;
  if (gated && settings.accounts.empty() && !own) {
    all.push(
        "Nobody can pass the gate: no AWS account is allowed. Name accounts, or set up the organization's AWS "
        "identity, whose account is then the one.");
  }
  if (gated && settings.identity_policy == domain::IdentityPolicy::organization && !own) {
    all.push("Nobody can pass the gate: it takes the organization's AWS identity alone, and there is none.");
  }
  if (settings.raw_key_plans && organization.aws_mfa == MfaLevel::applies_only) {
    all.push("Plans may get the organization's long-term key itself: whoever can plan can read it.");
  }
  return all;
}

json::Value settings_resource(Tables& tables, const Organization& organization) {
  const GateSettings settings = tables.gate_settings().of(organization.id);
  const auto own = tables.aws_identities().of_organization_itself(organization.id);
  std::vector<std::string> effective = settings.accounts;
  if (effective.empty() && own && !own->account.empty()) effective.push_back(own->account);
  Resource resource("aws-mfa-settings", organization.id);
  resource.attribute("level", domain::to_text(organization.aws_mfa))
      .attribute("identity-policy", to_text(settings.identity_policy))
      .attribute("accounts", texts(settings.accounts))
      .attribute("effective-accounts", texts(effective))
      .attribute("plan-gate-deadline", organization.plan_gate_deadline.count())
      .attribute("apply-gate-deadline", organization.apply_gate_deadline.count())
      .attribute("plan-limit", organization.plan_limit.count())
      .attribute("apply-limit", organization.apply_limit.count())
      .attribute("plan-role", role_value(settings.plan_role))
      .attribute("apply-role", role_value(settings.apply_role))
      .attribute("read-only-plan-role", role_value(settings.read_only_plan_role))
      .attribute("raw-key-plans", settings.raw_key_plans)
      .attribute("warnings", warnings(organization, settings, own))
      .to_one("organization", "organizations", organization.name)
      .link("self", fmt::format("/api/v2/organizations/{}/aws-mfa", organization.name));
  return std::move(resource).build();
}

Result<void> read_seconds(const json::Reader& attributes, std::string_view name, std::chrono::seconds& place) {
  TG_TRY(const auto sent, attributes.optional_integer(name));
  if (!sent) return {};
  // The bounds of each are runs::put_gate_level's; this keeps the arithmetic there within its type.
  place = std::chrono::seconds(std::clamp<std::int64_t>(*sent, 0, std::int64_t{1} << 40));
  return {};
}

// null takes the role away; absent leaves it.
Result<void> read_role(const RequestDocument& body, std::string_view name, domain::PhaseRole& role) {
  const json::Reader attributes = body.attributes();
  const json::Value* sent = attributes.value().find(name);
  if (sent == nullptr) return {};
  role = {};
  if (sent->is_null()) return {};
  if (!sent->is_object()) return fail(invalid_attribute(name, "must be null, or an object with arn and external-id"));
  const json::Reader reader(*sent, fmt::format("/data/attributes/{}", name));
  TG_TRY(role.arn, reader.text("arn"));
  TG_TRY(const auto external_id, reader.optional_text("external-id"));
  role.external_id = external_id.value_or("");
  return {};
}

Result<void> read_accounts(const RequestDocument& body, std::vector<std::string>& accounts) {
  const json::Reader attributes = body.attributes();
  const json::Value* sent = attributes.value().find("accounts");
  if (sent == nullptr) return {};
  if (sent->if_array() == nullptr) return fail(invalid_attribute("accounts", "must be a list of account numbers"));
  accounts.clear();
  for (const json::Value& account : *sent->if_array()) {
    if (account.if_string() == nullptr) return fail(invalid_attribute("accounts", "must be a list of texts"));
    const std::string text(*account.if_string());
    if (std::find(accounts.begin(), accounts.end(), text) == accounts.end()) accounts.push_back(text);
  }
  if (accounts.size() > 100) return fail(invalid_attribute("accounts", "must be at most 100"));
  return {};
}

Result<void> read_settings(const RequestDocument& body, Organization& organization, GateSettings& settings) {
  const json::Reader attributes = body.attributes();
  TG_TRY(const auto level, attributes.optional_text("level"));
  if (level) {
    const auto parsed = domain::parse_mfa_level(*level);
    if (!parsed) return fail(invalid_attribute("level", "must be never, applies-only or plans-and-applies"));
    organization.aws_mfa = *parsed;
  }
  TG_TRY(const auto policy, attributes.optional_text("identity-policy"));
  if (policy) {
    const auto* at = std::find(kPolicies.begin(), kPolicies.end(), *policy);
    if (at == kPolicies.end()) {
      return fail(invalid_attribute("identity-policy", "must be personal, organization or personal-then-organization"));
    }
    settings.identity_policy = static_cast<domain::IdentityPolicy>(at - kPolicies.begin());
  }
  TG_CHECK(read_accounts(body, settings.accounts));
  TG_CHECK(read_seconds(attributes, "plan-gate-deadline", organization.plan_gate_deadline));
  TG_CHECK(read_seconds(attributes, "apply-gate-deadline", organization.apply_gate_deadline));
  TG_CHECK(read_seconds(attributes, "plan-limit", organization.plan_limit));
  TG_CHECK(read_seconds(attributes, "apply-limit", organization.apply_limit));
  TG_CHECK(read_role(body, "plan-role", settings.plan_role));
  TG_CHECK(read_role(body, "apply-role", settings.apply_role));
  TG_CHECK(read_role(body, "read-only-plan-role", settings.read_only_plan_role));
  TG_TRY(const auto raw, attributes.optional_boolean("raw-key-plans"));
  if (raw) settings.raw_key_plans = *raw;
  return {};
}

bool same_times(const Organization& a, const Organization& b) {
  return a.plan_gate_deadline == b.plan_gate_deadline && a.apply_gate_deadline == b.apply_gate_deadline &&
         a.plan_limit == b.plan_limit && a.apply_limit == b.apply_limit;
}

// One notice for each kind of change, so that a raised level does not hide a new account behind it.
void tell_changes(Tables& tables, const Call& call, const Organization& was, const GateSettings& before,
                  const Organization& is, const GateSettings& after) {
  const auto tell = [&](std::string_view kind, const std::string& done) {
    tell_owners(tables, call, is.id, kind, done);
  };
  if (was.aws_mfa != is.aws_mfa) tell("aws_mfa.level", runs::level_change(was.aws_mfa, is.aws_mfa));
  if (before.identity_policy != after.identity_policy) {
    tell("aws_mfa.identity_policy",
         fmt::format("changed whose AWS identities open the gate to {}", to_text(after.identity_policy)));
  }
  if (before.accounts != after.accounts) {
    tell("aws_mfa.accounts",
         after.accounts.empty()
             ? std::string("took all accounts off the list: the organization's own opens the gate")
             : fmt::format("changed the accounts that open the gate to {}", fmt::join(after.accounts, ", ")));
  }
  const auto role = [&](std::string_view name, const domain::PhaseRole& a, const domain::PhaseRole& b) {
    if (a == b) return;
    tell("aws_mfa.role",
         b.arn.empty() ? fmt::format("took the {} away", name) : fmt::format("set the {} to {}", name, b.arn));
  };
  role("plan role", before.plan_role, after.plan_role);
  role("apply role", before.apply_role, after.apply_role);
  role("read-only plan role", before.read_only_plan_role, after.read_only_plan_role);
  if (before.raw_key_plans != after.raw_key_plans) {
    tell("aws_mfa.raw_key_plans", after.raw_key_plans ? "allowed plans to get the organization's long-term key itself"
                                                      : "ended that plans get the organization's long-term key itself");
  }
  if (!same_times(was, is)) tell("aws_mfa.times", "changed how long gates wait or phases may take");
}

Result<http::Response> show_settings(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    return document(200, settings_resource(tables, *call.subject.organization));
  });
}

Result<http::Response> update_settings(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "aws-mfa-settings"));
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(Organization organization, again(tables.organizations(), call.subject.organization, "organization"));
    TG_CHECK(require_owner_now(tables, call, organization.id));
    const Organization was = organization;
    const GateSettings before = tables.gate_settings().of(organization.id);
    GateSettings after = before;
    TG_CHECK(read_settings(body, organization, after));
    TG_CHECK(runs::put_gate_settings(tables, after, call.actor(), call.now));
    TG_CHECK(runs::put_gate_level(tables, organization, call.actor(), call.now));
    tell_changes(tables, call, was, before, organization, after);
    return document(200, settings_resource(tables, organization));
  });
  if (answer) show_owners(call, *call.subject.organization);
  return answer;
}

}  // namespace

Result<void> change_level(Tables& tables, const Call& call, Organization& organization, MfaLevel level) {
  if (level == organization.aws_mfa) return {};
  TG_CHECK(require_owner_now(tables, call, organization.id));
  const MfaLevel before = organization.aws_mfa;
  organization.aws_mfa = level;
  TG_CHECK(runs::put_gate_level(tables, organization, call.actor(), call.now));
  tell_owners(tables, call, organization.id, "aws_mfa.level", runs::level_change(before, level));
  return {};
}

Result<void> read_workspace_level(Tables& tables, const Call& call, const RequestDocument& body,
                                  domain::Workspace& workspace) {
  const auto organization = tables.organizations().find(workspace.organization_id);
  if (!organization) return fail(not_found("organization"));
  if (body.has("aws-mfa")) {
    TG_TRY(const auto text, body.attributes().optional_text("aws-mfa"));
    std::optional<MfaLevel> level;
    if (text && *text != "inherit") {
      level = domain::parse_mfa_level(*text);
      if (!level) {
        return fail(invalid_attribute("aws-mfa", "must be inherit, never, applies-only or plans-and-applies"));
      }
    }
    if (level && *level < organization->aws_mfa) {
      return fail(Error(invalid_attribute("aws-mfa",
                                          fmt::format("cannot be {}: the organization has {}, and a "
                                                      "workspace may be stricter only",
                                                      domain::to_text(*level), domain::to_text(organization->aws_mfa))))
                      .because("laxer_than_organization"));
    }
    if (level != workspace.aws_mfa) {
      TG_CHECK(require_owner_now(tables, call, workspace.organization_id));
      const MfaLevel before = domain::stricter(organization->aws_mfa, workspace.aws_mfa);
      workspace.aws_mfa = level;
      const MfaLevel after = domain::stricter(organization->aws_mfa, level);
      tell_owners(tables, call, workspace.organization_id, "aws_mfa.workspace",
                  fmt::format("set the level of AWS MFA of workspace {} from {} to {}", workspace.name,
                              domain::to_text(before), domain::to_text(after)));
      call.audit(tables, workspace.organization_id, "aws_mfa.workspace_level", "workspace", workspace.id,
                 json::Value::object({{"from", domain::to_text(before)}, {"to", domain::to_text(after)}}));
    }
  }
  return {};
}

Result<void> check_ungated_execution(Tables& tables, const Call& call, const domain::Workspace* before,
                                     const domain::Workspace& after) {
  const auto organization = tables.organizations().find(after.organization_id);
  if (!organization || after.execution_mode != domain::ExecutionMode::local) return {};
  const auto was = before != nullptr ? before->execution_mode : organization->default_execution_mode;
  if (was == domain::ExecutionMode::local) return {};
  if (domain::stricter(organization->aws_mfa, after.aws_mfa) == MfaLevel::never) return {};
  TG_CHECK(require_owner_now(tables, call, after.organization_id));
  tell_owners(tables, call, after.organization_id, "aws_mfa.execution_mode",
              fmt::format("let workspace {} run on people's machines, where no gate is", after.name));
  return {};
}

Routes aws_mfa_settings_routes() {
  constexpr std::string_view kOne = "/api/v2/organizations/:organization/aws-mfa";
  return {
      {"GET", kOne, Permission::organization_read, show_settings, "The settings of the AWS MFA gate"},
      {"PATCH", kOne, Permission::organization_manage, update_settings,
       "Changes them: owners, on the page, with a password just typed", Body::json},
  };
}

}  // namespace tollgate::api
