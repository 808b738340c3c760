#include "server/runs/break_glass.h"

#include <algorithm>

#include "server/audit/audit.h"
#include "server/runs/mfa_setup.h"

namespace tollgate::runs {

namespace {

using domain::MfaLevel;
using domain::Tables;
using domain::Workspace;

constexpr std::size_t kLongestReason = 500;

Result<domain::User> owner_of(Tables& tables, const domain::Organization& organization, const std::string& name) {
  auto user = tables.users().find_by_name(name);
  if (!user) return fail(Code::not_found, fmt::format("there is no user {}", name));
  const auto membership = tables.memberships().find_by_user(organization.id, user->id);
  if (!user->site_admin && (!membership || membership->role != domain::MembershipRole::owner)) {
    return fail(Error(Code::forbidden, fmt::format("{} is no owner of {}", name, organization.name))
                    .do_next("only in the name of an owner: --owner NAME"));
  }
  return std::move(*user);
}

std::vector<Workspace> stricter_workspaces(Tables& tables, const domain::Organization& organization) {
  std::vector<Workspace> found;
  domain::Page page{1, 100};
  for (;; ++page.number) {
    auto part = tables.workspaces().list(organization.id, {}, page);
    for (Workspace& workspace : part.rows) {
      if (workspace.aws_mfa && *workspace.aws_mfa != MfaLevel::never) found.push_back(std::move(workspace));
    }
    if (page.number * page.size >= part.total) return found;
  }
}

Result<void> ungate(Tables& tables, const std::vector<std::string>& names, std::vector<Workspace>& stricter,
                    const domain::Actor& actor, TimePoint now) {
  for (const std::string& name : names) {
    const auto at = std::find_if(stricter.begin(), stricter.end(), [&](const auto& each) { return each.name == name; });
    if (at == stricter.end()) {
      return fail(Code::not_found, fmt::format("there is no workspace {} with a level of its own", name));
    }
    const MfaLevel before = *at->aws_mfa;
    at->aws_mfa.reset();
    at->updated_at = now;
    TG_CHECK(tables.workspaces().update(*at));
    audit::append(tables, actor,
                  {at->organization_id, "aws_mfa.workspace_level", "workspace", at->id,
                   json::Value::object({{"from", domain::to_text(before)}, {"to", domain::to_text(MfaLevel::never)}})},
                  now);
    stricter.erase(at);
  }
  return {};
}

}  // namespace

Result<GlassBroken> break_glass(Tables& tables, const BreakGlassRequest& request, const domain::Actor& actor,
                                RandomSource& random, TimePoint now) {
  auto organization = tables.organizations().find_by_name(request.organization);
  if (!organization) return fail(Code::not_found, fmt::format("there is no organization {}", request.organization));
  TG_TRY(const domain::User owner, owner_of(tables, *organization, request.owner));
  if (request.reason.empty() || request.reason.size() > kLongestReason) {
    return fail(Error(Code::invalid, "the other owners need a reason, of at most 500 bytes").at("--reason"));
  }
  auto stricter = stricter_workspaces(tables, *organization);
  if (organization->aws_mfa == MfaLevel::never && request.workspaces.empty()) {
    return fail(Error(Code::conflict, fmt::format("the level of {} is never already", organization->name))
                    .do_next("a workspace that is stricter is named with --workspace"));
  }
  GlassBroken broken;
  broken.before = organization->aws_mfa;
  TG_CHECK(ungate(tables, request.workspaces, stricter, actor, now));
  for (const Workspace& workspace : stricter)
    broken.still_gated.push_back(workspace.name);
  organization->aws_mfa = MfaLevel::never;
  TG_CHECK(put_gate_level(tables, *organization, actor, now));
  for (const domain::Run& run : tables.runs().unfinished()) {
    if (run.organization_id == organization->id && run.aws_mfa_at_creation != MfaLevel::never) {
      broken.waiting.push_back(run.id);
    }
  }
  audit::append(tables, actor,
                {organization->id, "aws_mfa.break_glass", "organization", organization->id,
                 json::Value::object({{"owner", owner.username},
                                      {"reason", request.reason},
                                      {"from", domain::to_text(broken.before)},
                                      {"workspaces", fmt::format("{}", fmt::join(request.workspaces, ","))}})},
                now);
  tell_owners(tables,
              {organization->id, "aws_mfa.break_glass", actor.username,
               fmt::format("{}, on the server's host and in the name of {}, broke the glass: the level of AWS "
                           "MFA was {} and is never for runs created from now on. Reason: {}",
                           actor.username, owner.username, domain::to_text(broken.before), request.reason)},
              random, now);
  return broken;
}

}  // namespace tollgate::runs
