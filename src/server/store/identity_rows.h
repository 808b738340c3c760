// The columns of users, organizations, memberships, tokens, sessions, second factors, one-time grants and notices
// (row_schema.h says how they are written down). No SQL, no I/O.
#pragma once

#include "server/store/row_schema.h"

namespace tollgate::store {

template <>
struct Schema<domain::User> {
  static constexpr std::string_view kTable = "users";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("username", row.username);
    f("email", row.email);
    f("password_hash", row.password_hash);
    f("site_admin", row.site_admin);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::Organization> {
  static constexpr std::string_view kTable = "organizations";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("name", row.name);
    f("email", row.email);
    f("aws_mfa", row.aws_mfa);
    f("default_execution_mode", row.default_execution_mode);
    f("plan_gate_deadline", row.plan_gate_deadline);
    f("apply_gate_deadline", row.apply_gate_deadline);
    f("plan_limit", row.plan_limit);
    f("apply_limit", row.apply_limit);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::Membership> {
  static constexpr std::string_view kTable = "memberships";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f.reference("user_id", row.user_id);
    f("role", row.role);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::Token> {
  static constexpr std::string_view kTable = "tokens";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("kind", row.kind);
    f.reference("user_id", row.user_id);
    f.reference("organization_id", row.organization_id);
    f.reference("run_id", row.run_id);
    f("description", row.description);
    f("hash", row.hash);
    f("created_at", row.created_at);
    f("last_used_at", row.last_used_at);
    f("expires_at", row.expires_at);
  }
};

template <>
struct Schema<domain::WebSession> {
  static constexpr std::string_view kTable = "web_sessions";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("user_id", row.user_id);
    f("hash", row.hash);
    f("address", row.address);
    f("user_agent", row.user_agent);
    f("created_at", row.created_at);
    f("last_seen_at", row.last_seen_at);
    f("authenticated_at", row.authenticated_at);
    f.sealed("csrf_token", row.csrf_token);
  }
  static void bind(SealContext& context, const domain::WebSession& row) { context.add(row.user_id); }
};

template <>
struct Schema<domain::TwoFactor> {
  static constexpr std::string_view kTable = "two_factors";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("last_step", row.last_step);
    f("created_at", row.created_at);
    f("enabled_at", row.enabled_at);
    f.sealed("secret", row.secret);
  }
  // Also what was used: an edit of the file must not make a code good again.
  static void bind(SealContext& context, const domain::TwoFactor& row) {
    context.add(std::to_string(row.last_step)).add(row.enabled_at ? "enabled" : "");
  }
};

template <>
struct Schema<domain::OneTimeGrant> {
  static constexpr std::string_view kTable = "one_time_grants";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("hash", row.hash);
    f("purpose", row.purpose);
    f.reference("user_id", row.user_id);
    f("data", row.data);
    f("expires_at", row.expires_at);
  }
};

template <>
struct Schema<domain::Notice> {
  static constexpr std::string_view kTable = "notices";
  static constexpr std::string_view kOrdinal = "ordinal";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f("kind", row.kind);
    f("sentence", row.sentence);
    f("actor", row.actor);
    f("created_at", row.created_at);
  }
};

}  // namespace tollgate::store
