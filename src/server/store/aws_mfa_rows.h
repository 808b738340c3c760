// The columns of AWS identities, devices, gates, attempts and the sessions of phases (row_schema.h says how they are
// written down). No SQL, no I/O.
#pragma once

#include "server/store/row_schema.h"

namespace tollgate::store {

template <>
struct Schema<domain::AwsIdentity> {
  static constexpr std::string_view kTable = "aws_identities";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f("kind", row.kind);
    f.reference("user_id", row.user_id);
    f("access_key_id", row.access_key_id);
    f("mfa_serial", row.mfa_serial);
    f("region", row.region);
    f("shared", row.shared);
    f("account", row.account);
    f("arn", row.arn);
    f("key_created_at", row.key_created_at);
    f("tested_at", row.tested_at);
    f("created_at", row.created_at);
    f("updated_at", row.updated_at);
    f.sealed("secret_access_key", row.secret_access_key);
  }
  // Also whose device opens with this key: an edit of the file must not put another one in its place.
  static void bind(SealContext& context, const domain::AwsIdentity& row) {
    context.add(row.organization_id).add(row.kind == domain::IdentityKind::personal ? "personal" : "organization");
    context.add(row.user_id).add(row.access_key_id).add(row.mfa_serial).add(row.shared ? "shared" : "");
  }
};

template <>
struct Schema<domain::IdentityDevice> {
  static constexpr std::string_view kTable = "identity_devices";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("identity_id", row.identity_id);
    f.reference("user_id", row.user_id);
    f("serial", row.serial);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::GateSettings> {
  static constexpr std::string_view kTable = "gate_settings";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("identity_policy", row.identity_policy);
    f.json("accounts", row.accounts);
    f("plan_role", row.plan_role.arn);
    f("plan_role_external_id", row.plan_role.external_id);
    f("apply_role", row.apply_role.arn);
    f("apply_role_external_id", row.apply_role.external_id);
    f("read_only_plan_role", row.read_only_plan_role.arn);
    f("read_only_plan_role_external_id", row.read_only_plan_role.external_id);
    f("raw_key_plans", row.raw_key_plans);
  }
};

template <>
struct Schema<domain::GateRecord> {
  static constexpr std::string_view kTable = "gates";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f.reference("run_id", row.binding.run_id);
    f("phase", row.binding.phase);
    f("plan_sha256", row.binding.plan_sha256);
    f("configuration_version_id", row.binding.configuration_version_id);
    f("inputs_sha256", row.binding.inputs_sha256);
    f("terraform_version", row.binding.terraform_version);
    f("lock_file_sha256", row.binding.lock_file_sha256);
    f("state", row.state);
    f("opened_at", row.opened_at);
    f("refusals", row.refusals);
    f("refusal_reason", row.refusal.reason);
    f("refusal_sentence", row.refusal.sentence);
    f("refusal_at", row.refusal.at);
    f("refusal_by", row.refusal.by);
    f("refusal_request_id", row.refusal.request_id);
    f("checking_since", row.checking_since);
    f("checking_by", row.checking_by);
    f("accepted_by", row.accepted_by);
    f("accepted_by_name", row.accepted_by_name);
    f("accepted_at", row.accepted_at);
    f("identity_id", row.identity_id);
    f("identity_kind", row.identity_kind);
    f("serial", row.serial);
    f("account", row.account);
    f("arn", row.arn);
    f("request_id", row.request_id);
    f("session_expires_at", row.session_expires_at);
    f.sealed("attempt_id", row.attempt_id);
  }
  // No secret is sealed here: the seal holds the row together, so that an edit of the file opens no gate.
  static void bind(SealContext& context, const domain::GateRecord& row) {
    const domain::GateBinding& to = row.binding;
    context.add(row.organization_id).add(to.run_id).add(domain::to_text(to.phase)).add(to.plan_sha256);
    context.add(to.configuration_version_id).add(to.inputs_sha256).add(to.terraform_version).add(to.lock_file_sha256);
    context.add(EnumNames<domain::GateState>::kNames.at(static_cast<std::size_t>(row.state)));
    context.add(row.accepted_by).add(row.serial).add(row.account).add(std::to_string(row.refusals));
  }
};

template <>
struct Schema<domain::MfaAttempt> {
  static constexpr std::string_view kTable = "mfa_attempts";
  static constexpr std::string_view kOrdinal = "ordinal";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("serial", row.serial);
    f("user_id", row.user_id);
    f("run_id", row.run_id);
    f("at", row.at);
    f("outcome", row.outcome);
  }
};

template <>
struct Schema<domain::PhaseSession> {
  static constexpr std::string_view kTable = "phase_sessions";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("run_id", row.run_id);
    f("region", row.region);
    f("access_key_id", row.access_key_id);
    f("expires_at", row.expires_at);
    f.sealed("secret_access_key", row.secret_access_key);
    f.sealed("session_token", row.session_token);
  }
  static void bind(SealContext& context, const domain::PhaseSession& row) {
    context.add(row.run_id).add(row.access_key_id);
  }
};

template <>
struct Schema<domain::RoleRenewal> {
  static constexpr std::string_view kTable = "role_renewals";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("run_id", row.run_id);
    f("role_arn", row.role_arn);
    f("session_name", row.session_name);
    f("seconds", row.duration);
    f("access_key_id", row.access_key_id);
    f.sealed("external_id", row.external_id);
    f.sealed("secret_access_key", row.secret_access_key);
    f.sealed("session_token", row.session_token);
  }
  static void bind(SealContext& context, const domain::RoleRenewal& row) {
    context.add(row.run_id).add(row.access_key_id).add(row.role_arn);
  }
};

}  // namespace tollgate::store
