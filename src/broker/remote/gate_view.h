// The AWS MFA gate of a run as its server describes it to this viewer (attribute "mfa"), and what it says in words:
// what it waits for, until when, who may answer, and whose credentials the code will make. Pure functions and plain
// values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "common/json/value.h"

namespace tollgate::remote {

struct GateView {
  std::string level;  // plans-and-applies, applies-only
  std::string phase;  // plan, apply; empty: none yet
  std::string state;  // not-yet, waiting, checking, refused, locked, passed, expired, closed
  std::string gate_id;
  std::optional<TimePoint> since;
  std::optional<TimePoint> deadline;
  // Of a passed one.
  std::string passed_by;
  std::optional<TimePoint> session_expires;
  // Of the last refusal.
  std::string refusal;
  std::optional<std::int64_t> tries_left;
  std::optional<std::int64_t> next_code_in;  // seconds
  // Whose AWS credentials a code would make.
  std::string identity_kind;  // personal, organization
  std::string identity_owner;
  std::string identity_account;
  std::string identity_arn;
  // The viewer.
  bool you_can = false;
  std::string your_serial;
  std::string your_reason;  // why not, and what to do

  bool open() const;     // a code would be taken now, or once it is unlocked
  bool answers() const;  // a code of this viewer would be taken now
};

// nullopt for null: nothing of the run is gated.
std::optional<GateView> parse_gate(const json::Value& mfa);

// "apply waits for an AWS MFA code, 14m 03s left"; empty where there is nothing to say.
std::string gate_words(const GateView& gate, TimePoint now);
// "you, with the device arn:...", or why the viewer may not.
std::string who_may_answer(const GateView& gate);
// "bob's configuration will run with ana's AWS session (arn:...)"; empty where the server does not tell.
std::string identity_words(const GateView& gate, std::string_view created_by);

}  // namespace tollgate::remote
