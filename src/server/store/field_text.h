// How values stand in columns of text: enumerations by their names, lists as JSON. Reading a text that was never
// written throws DatabaseError (tampered). Pure functions.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"
#include "server/domain/aws_mfa.h"
#include "server/domain/mfa_level.h"
#include "server/domain/organization.h"
#include "server/domain/run.h"
#include "server/domain/state_version.h"
#include "server/domain/webhook.h"
#include "server/domain/workspace.h"
#include "server/store/database_error.h"

namespace tollgate::store {

// Names in the order of the enumerators.
template <class E>
struct EnumNames;
template <>
struct EnumNames<domain::MfaLevel> {
  static constexpr std::array<std::string_view, 3> kNames{"never", "applies-only", "plans-and-applies"};
};
template <>
struct EnumNames<domain::PhaseKind> {
  static constexpr std::array<std::string_view, 2> kNames{"plan", "apply"};
};
template <>
struct EnumNames<domain::IdentityKind> {
  static constexpr std::array<std::string_view, 2> kNames{"personal", "organization"};
};
template <>
struct EnumNames<domain::IdentityPolicy> {
  static constexpr std::array<std::string_view, 3> kNames{"personal", "organization", "personal-then-organization"};
};
template <>
struct EnumNames<domain::GateState> {
  static constexpr std::array<std::string_view, 5> kNames{"open", "checking", "passed", "expired", "closed"};
};
template <>
struct EnumNames<domain::AttemptOutcome> {
  static constexpr std::array<std::string_view, 4> kNames{"sent", "accepted", "refused", "unspent"};
};
template <>
struct EnumNames<domain::ExecutionMode> {
  static constexpr std::array<std::string_view, 2> kNames{"remote", "local"};
};
template <>
struct EnumNames<domain::MembershipRole> {
  static constexpr std::array<std::string_view, 2> kNames{"member", "owner"};
};
template <>
struct EnumNames<domain::TokenKind> {
  static constexpr std::array<std::string_view, 3> kNames{"user", "organization", "run"};
};
template <>
struct EnumNames<domain::WorkspaceLock::Holder> {
  static constexpr std::array<std::string_view, 3> kNames{"none", "user", "run"};
};
template <>
struct EnumNames<domain::VariableCategory> {
  static constexpr std::array<std::string_view, 2> kNames{"terraform", "env"};
};
template <>
struct EnumNames<domain::VariableScope> {
  static constexpr std::array<std::string_view, 3> kNames{"workspace", "organization", "personal"};
};
template <>
struct EnumNames<domain::ConfigurationStatus> {
  static constexpr std::array<std::string_view, 3> kNames{"pending", "uploaded", "errored"};
};
template <>
struct EnumNames<domain::StateVersionStatus> {
  static constexpr std::array<std::string_view, 2> kNames{"pending", "finalized"};
};

template <>
struct EnumNames<domain::DeliveryState> {
  static constexpr std::array<std::string_view, 3> kNames{"waiting", "delivered", "failed"};
};

template <class E>
std::string_view enum_text(E value) {
  return EnumNames<E>::kNames.at(static_cast<std::size_t>(value));
}
inline std::string_view enum_text(domain::RunStatus value) {
  return domain::to_text(value);
}
inline std::string_view enum_text(domain::PhaseStatus value) {
  return domain::to_text(value);
}

[[noreturn]] void throw_unknown_text(std::string_view what);

template <class E>
void read_enum(std::string_view text, E& value) {
  for (std::size_t i = 0; i < EnumNames<E>::kNames.size(); ++i) {
    if (EnumNames<E>::kNames[i] == text) {
      value = static_cast<E>(i);
      return;
    }
  }
  throw_unknown_text("a word");
}
void read_enum(std::string_view text, domain::RunStatus& value);
void read_enum(std::string_view text, domain::PhaseStatus& value);

std::string list_text(const std::vector<std::string>& list);
void read_list(std::string_view text, std::vector<std::string>& list);
std::string list_text(const std::vector<domain::RunVariable>& list);
void read_list(std::string_view text, std::vector<domain::RunVariable>& list);
std::string list_text(const std::map<std::string, TimePoint>& list);
void read_list(std::string_view text, std::map<std::string, TimePoint>& list);

std::int64_t milliseconds(TimePoint time);
TimePoint from_milliseconds(std::int64_t count);

// PostgreSQL cuts text at a NUL byte and refuses what is not UTF-8; SQLite keeps both. Neither gets them.
bool storable_text(std::string_view text);

}  // namespace tollgate::store
