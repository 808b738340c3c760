#include "server/app/mfa_commands.h"

#include <algorithm>
#include <cstdio>

#include "server/app/host.h"
#include "server/runs/mfa_setup.h"

namespace tollgate::app {
namespace {

using domain::Tables;

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

Result<domain::Organization> find_organization(Tables& tables, const std::string& name) {
  auto found = tables.organizations().find_by_name(name);
  if (!found) return fail(Code::not_found, fmt::format("there is no organization {}", name));
  return std::move(*found);
}

Result<domain::User> find_user(Tables& tables, const std::string& name) {
  auto found = tables.users().find_by_name(name);
  if (!found) return no_such_user(name);
  return std::move(*found);
}

Result<void> read_time(const std::string& text, const char* flag, std::chrono::seconds& place) {
  if (text.empty()) return {};
  const auto duration = parse_duration(text);
  if (!duration) {
    return fail(Error(Code::usage, fmt::format("{} is not a duration", text)).at(flag).do_next("such as 15m or 4h"));
  }
  place = *duration;
  return {};
}

void read_role(const std::string& arn, const std::string& external_id, domain::PhaseRole& role) {
  if (arn == "none") {
    role = {};
  } else if (!arn.empty()) {
    role = {arn, external_id};
  } else if (!external_id.empty()) {
    role.external_id = external_id;
  }
}

Result<void> change_level(const MfaSettingsChange& request, domain::Organization& organization) {
  if (!request.level.empty()) {
    const auto level = domain::parse_mfa_level(request.level);
    if (!level) {
      return fail(Error(Code::usage, fmt::format("{} is not a level", request.level))
                      .at("--level")
                      .do_next("never, applies-only or plans-and-applies"));
    }
    organization.aws_mfa = *level;
  }
  TG_CHECK(read_time(request.plan_gate_deadline, "--plan-gate-deadline", organization.plan_gate_deadline));
  TG_CHECK(read_time(request.apply_gate_deadline, "--apply-gate-deadline", organization.apply_gate_deadline));
  TG_CHECK(read_time(request.plan_limit, "--plan-limit", organization.plan_limit));
  return read_time(request.apply_limit, "--apply-limit", organization.apply_limit);
}

constexpr std::string_view kPolicies[] = {"personal", "organization", "personal-then-organization"};

Result<void> change_settings(const MfaSettingsChange& request, domain::GateSettings& settings) {
  if (!request.identity_policy.empty()) {
    const auto* at = std::find(std::begin(kPolicies), std::end(kPolicies), request.identity_policy);
    if (at == std::end(kPolicies)) {
      return fail(Error(Code::usage, fmt::format("{} is not an identity policy", request.identity_policy))
                      .at("--identity-policy")
                      .do_next(fmt::format("{}", fmt::join(kPolicies, ", "))));
    }
    settings.identity_policy = static_cast<domain::IdentityPolicy>(at - std::begin(kPolicies));
  }
  if (!request.accounts.empty()) settings.accounts = request.accounts;
  read_role(request.plan_role, request.plan_role_external_id, settings.plan_role);
  read_role(request.apply_role, request.apply_role_external_id, settings.apply_role);
  read_role(request.read_only_plan_role, request.read_only_plan_role_external_id, settings.read_only_plan_role);
  if (!request.raw_key_plans.empty()) settings.raw_key_plans = request.raw_key_plans == "true";
  return {};
}

std::string role_text(const domain::PhaseRole& role) {
  return role.arn.empty() ? "none" : role.arn;
}

std::string description(const domain::Organization& organization, const domain::GateSettings& settings) {
  return fmt::format(
      "level                {}\nidentity policy      {}\naccounts             {}\nplan gate deadline   {}\n"
      "apply gate deadline  {}\nplan limit           {}\napply limit          {}\nplan role            {}\n"
      "apply role           {}\nread-only plan role  {}\nraw key plans        {}\n",
      domain::to_text(organization.aws_mfa), kPolicies[static_cast<std::size_t>(settings.identity_policy)],
      settings.accounts.empty() ? "that of the organization's identity"
                                : fmt::format("{}", fmt::join(settings.accounts, ", ")),
      format_duration(organization.plan_gate_deadline), format_duration(organization.apply_gate_deadline),
      format_duration(organization.plan_limit), format_duration(organization.apply_limit),
      role_text(settings.plan_role), role_text(settings.apply_role), role_text(settings.read_only_plan_role),
      settings.raw_key_plans);
}

}  // namespace

Result<void> run_org_mfa(const MfaSettingsChange& request) {
  TG_TRY(const Opened opened, open_records_of(request.directory));
  const TimePoint now = opened.clock->now();
  TG_TRY(const std::string shown, opened.records->store().write([&](Tables& tables) -> Result<std::string> {
    TG_TRY(domain::Organization organization, find_organization(tables, request.organization));
    domain::GateSettings settings = tables.gate_settings().of(organization.id);
    const domain::MfaLevel before = organization.aws_mfa;
    TG_CHECK(change_level(request, organization));
    TG_CHECK(change_settings(request, settings));
    TG_CHECK(runs::put_gate_settings(tables, settings, operator_of_this_host(), now));
    TG_CHECK(runs::put_gate_level(tables, organization, operator_of_this_host(), now));
    if (organization.aws_mfa != before) {
      const domain::Actor actor = operator_of_this_host();
      runs::tell_owners(tables,
                        {organization.id, "aws_mfa.level", actor.username,
                         fmt::format("{} {}.", runs::who(actor), runs::level_change(before, organization.aws_mfa))},
                        *opened.random, now);
    }
    return description(organization, settings);
  }));
  print(shown);
  return {};
}

Result<void> run_break_glass(const std::string& directory, const runs::BreakGlassRequest& request) {
  TG_TRY(const Opened opened, open_records_of(directory));
  const TimePoint now = opened.clock->now();
  TG_TRY(const runs::GlassBroken broken, opened.records->store().write([&](Tables& tables) {
    return runs::break_glass(tables, request, operator_of_this_host(), *opened.random, now);
  }));
  std::string text = fmt::format("AWS MFA of {} was {} and is never: runs created from now on wait for no code.\n",
                                 request.organization, domain::to_text(broken.before));
  for (const std::string& workspace : broken.still_gated)
    text +=
        fmt::format("Workspace {} still has a level of its own; --workspace {} takes it away.\n", workspace, workspace);
  for (const std::string& run : broken.waiting)
    text += fmt::format("{} was created before and still needs its code: cancel it and start another.\n", run);
  text += fmt::format("All owners are told. When there is a device again: tollgate-server org mfa DIR {} --level {}\n",
                      request.organization, domain::to_text(broken.before));
  print(text);
  return {};
}

Result<void> run_identity_set(const NewAwsIdentity& request) {
  if (request.of_organization == !request.user.empty()) {
    return fail(Error(Code::usage, "whose identity is it?").do_next("give --organization or --user NAME"));
  }
  TG_TRY(const Opened opened, open_records_of(request.directory));
  TG_TRY(const Secret secret, secret_from_stdin("the secret access key"));
  const TimePoint now = opened.clock->now();
  TG_TRY(const domain::AwsIdentity identity,
         opened.records->store().write([&](Tables& tables) -> Result<domain::AwsIdentity> {
           TG_TRY(const domain::Organization organization, find_organization(tables, request.organization));
           domain::AwsIdentity wish;
           wish.organization_id = organization.id;
           wish.kind = request.of_organization ? domain::IdentityKind::organization : domain::IdentityKind::personal;
           const std::string& person = request.of_organization ? request.device_of : request.user;
           if (!person.empty()) {
             TG_TRY(const domain::User user, find_user(tables, person));
             wish.user_id = user.id;
           }
           wish.access_key_id = request.access_key_id;
           wish.secret_access_key = secret;
           wish.mfa_serial = request.mfa_serial;
           if (!request.region.empty()) wish.region = request.region;
           wish.shared = request.shared;
           return runs::put_identity(tables, std::move(wish), operator_of_this_host(), *opened.random, now);
         }));
  print(fmt::format("{}\n", identity.id));
  return {};
}

Result<void> run_identity_device(const NewIdentityDevice& request) {
  TG_TRY(const Opened opened, open_records_of(request.directory));
  const TimePoint now = opened.clock->now();
  TG_TRY(const domain::IdentityDevice device,
         opened.records->store().write([&](Tables& tables) -> Result<domain::IdentityDevice> {
           TG_TRY(const domain::Organization organization, find_organization(tables, request.organization));
           TG_TRY(const domain::User user, find_user(tables, request.user));
           const auto identity = tables.aws_identities().of_organization_itself(organization.id);
           if (!identity) {
             return fail(Error(Code::not_found, fmt::format("{} has no AWS identity", request.organization))
                             .do_next("set one first: tollgate-server identity set DIR ORGANIZATION --organization"));
           }
           return runs::put_device(tables, *identity, user.id, request.mfa_serial, operator_of_this_host(),
                                   *opened.random, now);
         }));
  print(fmt::format("{}\n", device.id));
  return {};
}

}  // namespace tollgate::app
