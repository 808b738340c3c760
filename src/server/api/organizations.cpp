// Organizations, what they are entitled to, how busy they are.
#include "server/api/organizations.h"

#include "server/api/aws_mfa_settings.h"
#include "server/api/owners.h"
#include "server/api/routes.h"
#include "server/api/web_sessions.h"
#include "server/domain/ids.h"
#include "server/runs/kept_files.h"

namespace tollgate::api {

namespace {

using domain::MfaLevel;
using domain::Organization;
using domain::Tables;

std::string_view to_text(domain::ExecutionMode mode) {
  return mode == domain::ExecutionMode::remote ? "remote" : "local";
}

}  // namespace

json::Value organization_resource(Tables& tables, const Call& call, const Organization& organization) {
  Subject subject;
  subject.organization = organization;
  const auto can = [&](Permission permission) { return may(tables, call.principal, permission, subject); };
  const bool manage = can(Permission::organization_manage);
  const bool own = can(Permission::organization_own);
  const bool write = can(Permission::organization_write);
  Resource resource("organizations", organization.name);
  resource.attribute("name", organization.name)
      .attribute("external-id", organization.id)
      .attribute("email", organization.email)
      .time("created-at", organization.created_at)
      .attribute("collaborator-auth-policy", "password")
      .attribute("cost-estimation-enabled", false)
      .attribute("saml-enabled", false)
      .attribute("two-factor-conformant", false)
      .attribute("default-execution-mode", to_text(organization.default_execution_mode))
      .attribute("aws-mfa", domain::to_text(organization.aws_mfa))
      .attribute("plan-gate-deadline", organization.plan_gate_deadline.count())
      .attribute("apply-gate-deadline", organization.apply_gate_deadline.count())
      .attribute("plan-limit", organization.plan_limit.count())
      .attribute("apply-limit", organization.apply_limit.count())
      .attribute("permissions", json::Value::object({{"can-update", manage},
                                                     {"can-destroy", own},
                                                     {"can-create-workspace", write},
                                                     {"can-create-project", write},
                                                     {"can-manage-users", own},
                                                     {"can-create-team", false},
                                                     {"can-update-api-token", own},
                                                     {"can-read-audit", own},
                                                     {"can-update-aws-mfa", own},
                                                     {"can-access-via-teams", false}}))
      .related("entitlement-set", fmt::format("/api/v2/organizations/{}/entitlement-set", organization.name))
      .link("self", fmt::format("/api/v2/organizations/{}", organization.name));
  return std::move(resource).build();
}

namespace {

Error name_taken(std::string_view kind) {
  return invalid_attribute("name", fmt::format("has already been taken by another {}", kind));
}

Result<std::chrono::seconds> read_seconds(const json::Reader& attributes, std::string_view name,
                                          std::chrono::seconds otherwise) {
  TG_TRY(const auto sent, attributes.optional_integer(name));
  if (!sent) return otherwise;
  if (*sent < 60 || *sent > 7 * 24 * 3600) return fail(invalid_attribute(name, "must be 60 seconds to 7 days"));
  return std::chrono::seconds(*sent);
}

Result<MfaLevel> read_level(const json::Reader& attributes, MfaLevel otherwise) {
  TG_TRY(const auto text, attributes.optional_text("aws-mfa"));
  if (!text) return otherwise;
  const auto level = domain::parse_mfa_level(*text);
  if (!level) return fail(invalid_attribute("aws-mfa", "must be never, applies-only or plans-and-applies"));
  return *level;
}

// How long gates wait and phases may take is the gate's; so is leaving it by local execution.
bool changes_the_gate(const Organization& before, const Organization& after) {
  return before.plan_gate_deadline != after.plan_gate_deadline ||
         before.apply_gate_deadline != after.apply_gate_deadline || before.plan_limit != after.plan_limit ||
         before.apply_limit != after.apply_limit ||
         (before.aws_mfa != MfaLevel::never && before.default_execution_mode != after.default_execution_mode);
}

Result<void> read_attributes(const json::Reader& attributes, Organization& organization) {
  TG_TRY(const auto name, attributes.optional_text("name"));
  if (name) organization.name = *name;
  if (!domain::valid_organization_name(organization.name)) {
    return fail(invalid_attribute("name", "must be 3 to 40 letters, digits, - and _"));
  }
  TG_TRY(const auto email, attributes.optional_text("email"));
  if (email) organization.email = *email;
  if (organization.email.size() > 254) return fail(invalid_attribute("email", "must be at most 254 characters"));
  TG_TRY(const auto mode, attributes.optional_text("default-execution-mode"));
  if (mode && *mode != "remote" && *mode != "local") {
    return fail(invalid_attribute("default-execution-mode", "must be remote or local"));
  }
  if (mode) {
    organization.default_execution_mode =
        *mode == "local" ? domain::ExecutionMode::local : domain::ExecutionMode::remote;
  }
  TG_TRY(organization.plan_gate_deadline,
         read_seconds(attributes, "plan-gate-deadline", organization.plan_gate_deadline));
  TG_TRY(organization.apply_gate_deadline,
         read_seconds(attributes, "apply-gate-deadline", organization.apply_gate_deadline));
  TG_TRY(organization.plan_limit, read_seconds(attributes, "plan-limit", organization.plan_limit));
  TG_TRY(organization.apply_limit, read_seconds(attributes, "apply-limit", organization.apply_limit));
  return {};
}

Result<http::Response> list_organizations(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  std::string search = call.query_text("q");
  if (search.empty()) search = call.query_text("q[name]");
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    domain::Paged<Organization> found;
    if (call.principal.user) {
      const auto member = call.principal.user->site_admin ? std::nullopt : std::optional(call.principal.user->id);
      found = tables.organizations().list(search, member, page);
    } else if (auto own = tables.organizations().find(call.principal.run ? call.principal.run->organization_id
                                                                         : call.actor().organization_id)) {
      found = cut_page(std::vector<Organization>{*own}, page);
    }
    json::Array rows;
    for (const auto& organization : found.rows)
      rows.push_back(organization_resource(tables, call, organization));
    return list_document(std::move(rows), found.total, page, call.request);
  });
}

Result<http::Response> create_organization(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "organizations"));
  Organization organization;
  organization.id = domain::new_id(domain::id_prefix::kOrganization, call.context.random);
  organization.created_at = call.now;
  TG_CHECK(read_attributes(body.attributes(), organization));
  TG_TRY(organization.aws_mfa, read_level(body.attributes(), MfaLevel::never));
  if (organization.aws_mfa != MfaLevel::never) TG_CHECK(require_recent_authentication(call));
  domain::Membership membership;
  membership.id = domain::new_id(domain::id_prefix::kMembership, call.context.random);
  membership.organization_id = organization.id;
  membership.user_id = call.actor().user_id;
  membership.role = domain::MembershipRole::owner;
  membership.created_at = call.now;
  domain::Project project;
  project.id = domain::new_id(domain::id_prefix::kProject, call.context.random);
  project.organization_id = organization.id;
  project.name = domain::kDefaultProjectName;
  project.created_at = call.now;
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    if (!tables.organizations().insert(organization)) return fail(name_taken("organization"));
    TG_CHECK(tables.memberships().insert(membership));
    TG_CHECK(tables.projects().insert(project));
    call.audit(tables, organization.id, "organization.created", "organization", organization.id,
               json::Value::object({{"name", organization.name}}));
    return document(201, organization_resource(tables, call, organization));
  });
}

Result<http::Response> show_organization(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    return document(200, organization_resource(tables, call, *call.subject.organization));
  });
}

Result<http::Response> update_organization(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "organizations"));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(Organization organization, again(tables.organizations(), call.subject.organization, "organization"));
    const Organization before = organization;
    TG_TRY(const MfaLevel level, read_level(body.attributes(), organization.aws_mfa));
    TG_CHECK(read_attributes(body.attributes(), organization));
    if (changes_the_gate(before, organization)) {
      TG_CHECK(require_owner_now(tables, call, organization.id));
      tell_owners(tables, call, organization.id, "aws_mfa.times",
                  "changed how long gates wait, how long phases may take, or where new workspaces run");
    }
    if (!tables.organizations().update(organization)) return fail(name_taken("organization"));
    TG_CHECK(change_level(tables, call, organization, level));
    call.audit(tables, organization.id, "organization.updated", "organization", organization.id,
               json::Value::object({{"name", organization.name}}));
    return document(200, organization_resource(tables, call, organization));
  });
}

Result<http::Response> delete_organization(const Call& call) {
  runs::KeptFiles files;
  auto done = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Organization organization, again(tables.organizations(), call.subject.organization, "organization"));
    domain::RunFilter running;
    running.organization_id = organization.id;
    running.status = {domain::RunStatus::planning, domain::RunStatus::applying};
    if (tables.runs().list(running, {1, 1}).total > 0) {
      return fail(Error(Code::conflict, "a run of this organization is planning or applying")
                      .do_next("wait for it, or cancel it"));
    }
    files = runs::files_of_organization(tables, organization.id);
    tables.organizations().erase(organization.id);
    call.audit(tables, organization.id, "organization.deleted", "organization", organization.id,
               json::Value::object({{"name", organization.name}}));
    return no_content();
  });
  if (done) runs::remove_files(files, call.context.blobs, call.context.logs);
  return done;
}

Result<http::Response> show_entitlements(const Call& call) {
  Resource resource("entitlement-sets", call.subject.organization->id);
  // Only `operations` decides anything in stock clients; the others are what this server has.
  constexpr std::string_view kHas[] = {"operations", "state-storage", "audit-logging"};
  constexpr std::string_view kHasNot[] = {"agents",
                                          "cost-estimation",
                                          "global-run-tasks",
                                          "run-tasks",
                                          "sso",
                                          "sentinel",
                                          "policy-enforcement",
                                          "teams",
                                          "vcs-integrations",
                                          "private-module-registry",
                                          "configuration-designer"};
  for (const std::string_view name : kHas)
    resource.attribute(name, true);
  for (const std::string_view name : kHasNot)
    resource.attribute(name, false);
  resource.attribute("user-limit", json::Value());
  return document(200, std::move(resource).build());
}

Result<http::Response> show_capacity(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto count = [&](std::vector<domain::RunStatus> status) {
      domain::RunFilter filter;
      filter.organization_id = call.subject.organization->id;
      filter.status = std::move(status);
      return tables.runs().list(filter, {1, 1}).total;
    };
    using domain::RunStatus;
    Resource resource("organization-capacity", call.subject.organization->name);
    resource.attribute("pending", count({RunStatus::pending, RunStatus::plan_queued, RunStatus::apply_queued}))
        .attribute("running", count({RunStatus::planning, RunStatus::applying}));
    return document(200, std::move(resource).build());
  });
}

}  // namespace

Routes organization_routes() {
  return {
      {"GET", "/api/v2/organizations", Permission::authenticated, list_organizations, "Organizations one belongs to"},
      {"POST", "/api/v2/organizations", Permission::site_admin, create_organization, "A new organization", Body::json},
      {"GET", "/api/v2/organizations/:organization", Permission::organization_read, show_organization,
       "An organization"},
      {"PATCH", "/api/v2/organizations/:organization", Permission::organization_manage, update_organization,
       "Changes an organization", Body::json},
      {"DELETE", "/api/v2/organizations/:organization", Permission::organization_own, delete_organization,
       "Deletes an organization with all it has"},
      {"GET", "/api/v2/organizations/:organization/entitlement-set", Permission::organization_visible,
       show_entitlements, "What the organization may use"},
      {"GET", "/api/v2/organizations/:organization/capacity", Permission::organization_read, show_capacity,
       "How many runs wait and run"},
  };
}

}  // namespace tollgate::api
