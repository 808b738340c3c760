// One authenticated call of an AWS Query service (STS, IAM) and its answer: the seam between the server, which knows
// HTTP and signatures, and the services, which know neither. A service is a table of functions
// `Answer f(World&, const Call&)`; they run under the server's lock, one at a time. Plain values; not synchronised.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/time.h"
#include "sandbox/world.h"

namespace tollgate::sandbox {

// Who calls, as the signature proved.
struct Principal {
  enum class Kind { root, user, role_session, federated };
  Kind kind = Kind::user;
  std::string account;
  std::string name;  // user or role name; empty for root
  std::string arn;   // arn:aws:iam::1:user/ana, arn:aws:sts::1:assumed-role/deploy/session
  std::string id;    // AIDA..., AROA...:session; the account number for root
  std::string access_key_id;
  std::optional<Session> session;  // where the credentials are temporary

  bool temporary() const { return session.has_value(); }
  // Whether aws:MultiFactorAuthPresent is in the context of this caller's requests: only with GetSessionToken's
  // credentials; long-term keys and role sessions have no such key at all (IAM User Guide, global condition keys).
  bool has_mfa_key() const { return session && session->kind == Session::Kind::session_token; }
  bool mfa_present() const { return has_mfa_key() && session->mfa_at.has_value(); }
};

using Parameters = std::map<std::string, std::string>;  // as in the Query protocol: Tags.member.1.Key

struct Call {
  Principal principal;
  std::string service;  // sts, iam, s3
  std::string action;   // AssumeRole
  Parameters parameters;
  std::string region;      // of the credential scope
  std::string source_ip;   // aws:SourceIp
  std::string user_agent;  // aws:UserAgent
  bool secure_transport = false;
  std::string request_id;
  TimePoint now{};                      // the imitated AWS's time, clock faults included
  RandomSource* random = nullptr;       // never null in a call that reaches a service
  mutable std::string allowed_because;  // for the call log: authorisation writes here what allowed the call

  // nullptr if the parameter was not sent.
  const std::string* find(std::string_view name) const;
  // "" if it was not sent.
  std::string_view text(std::string_view name) const;
  // The values of NAME.member.1, NAME.member.2, ... in order.
  std::vector<std::string> list(std::string_view name) const;
};

struct Answer {
  int status = 200;
  std::string result;  // the XML inside <ActionResult>; empty: an action without a result
  // Where it is an error:
  std::string code;
  std::string message;
  bool receiver_fault = false;  // Type Receiver in place of Sender
  // For the call log:
  std::string resource;  // ARN that was authorised; "*" where the action knows none
  std::string reason;    // why it was allowed or refused, for people

  bool failed() const { return !code.empty(); }
};

Answer succeed(std::string result = "");
Answer refuse(int status, std::string_view code, std::string message);
Answer access_denied(std::string message);               // 403 AccessDenied
Answer validation_error(std::string message);            // 400 ValidationError
Answer no_such_entity(std::string message);              // 404 NoSuchEntity
Answer missing_parameter(std::string_view member_name);  // the constraint text AWS uses for a member that is null

struct Operation {
  std::string_view action;
  Answer (*handler)(World&, const Call&);
};

// The actions of each Query service. One that is not listed is answered with InvalidAction.
std::span<const Operation> sts_operations();  // sts.cpp
std::span<const Operation> iam_operations();  // iam.cpp

}  // namespace tollgate::sandbox
