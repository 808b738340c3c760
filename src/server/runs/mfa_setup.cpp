#include "server/runs/mfa_setup.h"

#include <algorithm>

#include "aws/endpoints.h"
#include "server/audit/audit.h"
#include "server/domain/ids.h"
#include "server/runs/mfa_rules.h"

namespace tollgate::runs {

namespace {

using domain::AwsIdentity;
using domain::IdentityKind;
using domain::Tables;

tl::unexpected<Error> invalid(std::string_view attribute, std::string_view what) {
  return fail(
      Error(Code::invalid, fmt::format("{} {}", attribute, what)).at(fmt::format("/data/attributes/{}", attribute)));
}

template <class F>
bool all(std::string_view text, F fits) {
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool key_letter(char c) {
  return digit(c) || (c >= 'A' && c <= 'Z');
}

bool is_account(std::string_view text) {
  return text.size() == 12 && all(text, digit);
}

// What STS takes.
bool is_external_id(std::string_view text) {
  return text.size() >= 2 && text.size() <= 1224 && all(text, [](char c) {
           return key_letter(c) || (c >= 'a' && c <= 'z') ||
                  std::string_view("_+=,.@:/-").find(c) != std::string_view::npos;
         });
}

Result<void> check_role(const domain::PhaseRole& role, std::string_view attribute) {
  if (role.arn.empty() && role.external_id.empty()) return {};
  const bool arn = role.arn.starts_with("arn:") && is_account(account_of_arn(role.arn)) &&
                   role.arn.find(":role/") != role.arn.npos && role.arn.size() <= 2048;
  if (!arn) return invalid(attribute, "must be the ARN of a role, such as arn:aws:iam::111122223333:role/terraform");
  if (!role.external_id.empty() && !is_external_id(role.external_id)) {
    return invalid(attribute, "has an external id that AWS refuses; use 2 to 1224 letters, digits and _+=,.@:/-");
  }
  return {};
}

// A serial is one person's, unless it is of an identity whose device everybody may use.
Result<void> check_serial(Tables& tables, std::string_view serial, std::string_view user_id, bool shared,
                          std::string_view attribute) {
  if (serial.empty()) return {};
  const bool printable = all(serial, [](char c) { return c > ' ' && c < 127; });
  if (!printable || serial.size() < 9 || serial.size() > 256) {
    return invalid(attribute, "must be the serial of an MFA device: its ARN, or what is printed on it");
  }
  if (serial.starts_with("arn:") && serial.find(":mfa/") == serial.npos) {
    return invalid(attribute, "is not the ARN of an MFA device, such as arn:aws:iam::111122223333:mfa/ana");
  }
  if (shared) return {};
  const auto taken = [&](const std::string& owner) { return !owner.empty() && owner != user_id; };
  const auto identities = tables.aws_identities().with_serial(serial);
  const auto devices = tables.identity_devices().with_serial(serial);
  if (std::any_of(identities.begin(), identities.end(),
                  [&](const auto& other) { return !other.shared && taken(other.user_id); }) ||
      std::any_of(devices.begin(), devices.end(), [&](const auto& other) { return taken(other.user_id); })) {
    return fail(Error(Code::conflict, "this MFA device is another person's")
                    .because("serial_taken")
                    .at(fmt::format("/data/attributes/{}", attribute))
                    .do_next("register a device of your own; IAM allows eight for a user"));
  }
  return {};
}

std::optional<AwsIdentity> stored(Tables& tables, const AwsIdentity& wish) {
  return wish.kind == IdentityKind::personal ? tables.aws_identities().of_user(wish.organization_id, wish.user_id)
                                             : tables.aws_identities().of_organization_itself(wish.organization_id);
}

}  // namespace

Result<AwsIdentity> put_identity(Tables& tables, AwsIdentity wish, const domain::Actor& actor, RandomSource& random,
                                 TimePoint now) {
  if (!all(wish.access_key_id, key_letter) || wish.access_key_id.size() < 16 || wish.access_key_id.size() > 128) {
    return invalid("access-key-id", "must be an access key id, such as AKIAIOSFODNN7EXAMPLE");
  }
  if (!wish.access_key_id.starts_with("AKIA")) {
    return invalid("access-key-id",
                   "must be the long-term key of an IAM user, which begins with AKIA: STS gives no "
                   "session for a code to other keys");
  }
  if (!aws::valid_region_name(wish.region)) return invalid("region", "must be a region, such as eu-central-1");
  if (wish.kind == IdentityKind::personal && (wish.user_id.empty() || wish.shared)) {
    return invalid("shared", "is not for personal identities");
  }
  TG_CHECK(check_serial(tables, wish.mfa_serial, wish.user_id, wish.shared, "mfa-serial"));
  const auto before = stored(tables, wish);
  const bool same_key = before && before->access_key_id == wish.access_key_id;
  if (wish.secret_access_key.empty() && same_key) wish.secret_access_key = before->secret_access_key;
  if (wish.secret_access_key.size() < 16 || wish.secret_access_key.size() > 256) {
    return invalid("secret-access-key", "must be the secret that belongs to the access key id");
  }
  wish.id = before ? before->id : domain::new_id(domain::id_prefix::kAwsIdentity, random);
  wish.created_at = before ? before->created_at : now;
  wish.updated_at = now;
  if (same_key) {
    wish.account = before->account;
    wish.arn = before->arn;
    wish.key_created_at = before->key_created_at;
    wish.tested_at = before->tested_at;
  }
  TG_CHECK(before ? tables.aws_identities().update(wish) : tables.aws_identities().insert(wish));
  audit::append(
      tables, actor,
      {wish.organization_id, before ? "aws_identity.updated" : "aws_identity.created", "aws-identity", wish.id,
       json::Value::object({{"kind", wish.kind == IdentityKind::personal ? "personal" : "organization"},
                            {"key", last_four(wish.access_key_id)},
                            {"serial", wish.mfa_serial},
                            {"shared", wish.shared}})},
      now);
  return wish;
}

void erase_identity(Tables& tables, const AwsIdentity& identity, const domain::Actor& actor, TimePoint now) {
  tables.aws_identities().erase(identity.id);
  audit::append(tables, actor, {identity.organization_id, "aws_identity.deleted", "aws-identity", identity.id, {}},
                now);
}

Result<domain::IdentityDevice> put_device(Tables& tables, const AwsIdentity& identity, std::string_view user_id,
                                          std::string_view serial, const domain::Actor& actor, RandomSource& random,
                                          TimePoint now) {
  if (identity.kind != IdentityKind::organization) {
    return invalid("serial", "is registered for the organization's identity; a personal one has its own");
  }
  if (serial.empty()) return invalid("serial", "must be the serial of an MFA device");
  TG_CHECK(check_serial(tables, serial, user_id, false, "serial"));
  const auto before = tables.identity_devices().of_user(identity.id, user_id);
  domain::IdentityDevice device;
  device.id = before ? before->id : domain::new_id(domain::id_prefix::kIdentityDevice, random);
  device.identity_id = identity.id;
  device.user_id = user_id;
  device.serial = serial;
  device.created_at = now;
  TG_CHECK(before ? tables.identity_devices().update(device) : tables.identity_devices().insert(device));
  audit::append(tables, actor,
                {identity.organization_id, "aws_device.registered", "aws-device", device.id,
                 json::Value::object({{"serial", serial}, {"user", user_id}})},
                now);
  return device;
}

void erase_device(Tables& tables, const domain::IdentityDevice& device, const domain::Actor& actor, TimePoint now) {
  const auto identity = tables.aws_identities().find(device.identity_id);
  tables.identity_devices().erase(device.id);
  audit::append(tables, actor,
                {identity ? identity->organization_id : "", "aws_device.deleted", "aws-device", device.id, {}}, now);
}

Result<void> put_gate_settings(Tables& tables, const domain::GateSettings& settings, const domain::Actor& actor,
                               TimePoint now) {
  for (std::size_t i = 0; i < settings.accounts.size(); ++i) {
    if (!is_account(settings.accounts[i])) return invalid(fmt::format("accounts/{}", i), "must have 12 digits");
  }
  TG_CHECK(check_role(settings.plan_role, "plan-role"));
  TG_CHECK(check_role(settings.apply_role, "apply-role"));
  TG_CHECK(check_role(settings.read_only_plan_role, "read-only-plan-role"));
  tables.gate_settings().set(settings);
  json::Value details = json::Value::object({{"plan-role", settings.plan_role.arn},
                                             {"apply-role", settings.apply_role.arn},
                                             {"read-only-plan-role", settings.read_only_plan_role.arn},
                                             {"raw-key-plans", settings.raw_key_plans},
                                             {"accounts", fmt::format("{}", fmt::join(settings.accounts, ","))}});
  audit::append(tables, actor, {settings.id, "aws_mfa.settings", "organization", settings.id, std::move(details)}, now);
  return {};
}

Result<void> put_gate_level(Tables& tables, const domain::Organization& organization, const domain::Actor& actor,
                            TimePoint now) {
  const auto within = [](std::chrono::seconds value, std::chrono::seconds most) {
    return value >= std::chrono::minutes(1) && value <= most;
  };
  const std::chrono::seconds deadline = std::chrono::hours(30 * 24);
  const std::chrono::seconds limit = std::chrono::hours(24);
  if (!within(organization.plan_gate_deadline, deadline)) {
    return invalid("plan-gate-deadline", "must be between one minute and 30 days");
  }
  if (!within(organization.apply_gate_deadline, deadline)) {
    return invalid("apply-gate-deadline", "must be between one minute and 30 days");
  }
  if (!within(organization.plan_limit, limit)) return invalid("plan-limit", "must be between one minute and 24 hours");
  if (!within(organization.apply_limit, limit)) {
    return invalid("apply-limit", "must be between one minute and 24 hours");
  }
  TG_CHECK(tables.organizations().update(organization));
  audit::append(tables, actor,
                {organization.id, "aws_mfa.level", "organization", organization.id,
                 json::Value::object({{"level", domain::to_text(organization.aws_mfa)}})},
                now);
  return {};
}

void tell_owners(Tables& tables, const OwnersNotice& told, RandomSource& random, TimePoint now) {
  domain::Notice notice;
  notice.id = domain::new_id(domain::id_prefix::kNotice, random);
  notice.organization_id = told.organization_id;
  notice.kind = told.kind;
  notice.actor = told.actor;
  notice.sentence = told.sentence;
  notice.created_at = now;
  if (const auto written = tables.notices().insert(notice); !written) throw std::logic_error(written.error().message);
}

std::string who(const domain::Actor& actor) {
  if (actor.kind == domain::Actor::Kind::system) return fmt::format("{}, on the server's host,", actor.username);
  return actor.username.empty() ? "A token" : actor.username;
}

std::string level_change(domain::MfaLevel from, domain::MfaLevel to) {
  return fmt::format(
      "{} the level of AWS MFA from {} to {}{}", to > from ? "raised" : "lowered", domain::to_text(from),
      domain::to_text(to),
      to > from ? ": it binds every phase that has not started yet" : ": runs that exist already keep theirs");
}

}  // namespace tollgate::runs
