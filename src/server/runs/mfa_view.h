// How the gates of a run look to one person: what the API, the page and `tollgate authenticate` show. A pure reading of
// what is stored, at one moment. Functions run inside the caller's transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/runs/mfa_gate.h"

namespace tollgate::runs {

struct MfaViewer {
  std::string user_id;     // empty: no person
  bool may_apply = false;  // runs of this workspace
};

struct MfaView {
  domain::MfaLevel level = domain::MfaLevel::never;
  std::optional<domain::PhaseKind> phase;
  std::string state;    // not-yet, waiting, checking, refused, locked, passed, expired, closed
  std::string gate_id;  // empty: none yet
  std::optional<TimePoint> since;
  std::optional<TimePoint> deadline;
  std::optional<domain::GateRecord> gate;  // where it was opened
  std::int64_t tries_left = kRefusalsOfARun;
  std::optional<std::chrono::seconds> next_code_in;  // after a code of this person was used
  std::optional<domain::AwsIdentity> identity;       // that a code of this person would be checked with
  std::string identity_owner;                        // user name, of a personal one
  bool can = false;
  std::string serial;  // of this person's device; empty: none
  std::string reason;  // why not, and what to do
};

// nullopt where neither phase is gated.
std::optional<MfaView> mfa_view(domain::Tables& tables, const domain::Run& run, const MfaViewer& viewer, TimePoint now);
// The state alone, for who listens to events; empty where nothing is gated.
std::string mfa_state(domain::Tables& tables, const domain::Run& run, TimePoint now);
// Every gate of the run that was passed.
std::vector<domain::GateRecord> mfa_history(domain::Tables& tables, const domain::Run& run);

}  // namespace tollgate::runs
