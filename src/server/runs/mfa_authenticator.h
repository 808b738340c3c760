// Takes the code that a person typed for a gate to AWS, and its answer into the store. The order is what makes it safe:
// everything that can be refused without AWS is refused first; the account is asked for before the code is spent; that
// the code is on its way is committed before it leaves, so that no restart sends it again (I2); what AWS said, the
// session and the audit record are one transaction (I9). Codes are neither stored nor logged.
//
// Who may apply runs of this workspace is the caller's question; who may pass this gate is asked here.
// Threads: all methods at once; authenticate() waits for AWS.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/random.h"
#include "common/base/time.h"
#include "server/domain/store.h"
#include "server/runs/events.h"
#include "server/runs/log_hub.h"
#include "server/runs/mfa_gate.h"
#include "server/runs/sts.h"

namespace tollgate::runs {

struct AuthenticateRequest {
  std::string run_id;
  domain::PhaseKind phase = domain::PhaseKind::plan;
  std::string gate_id;
  Secret code;
};

enum class AuthenticateStatus {
  accepted,      // 200
  forbidden,     // 403: not by this person, or not by a person
  no_such_gate,  // 409: also of another binding
  refused,       // 422: by AWS, or before AWS was asked
  locked,        // 423: an owner has to lift it
  too_soon,      // 429
  unknown,       // 502: the code counts as spent
  unsent,        // 503: provably; the same code may be tried again
};

struct AuthenticateAnswer {
  AuthenticateStatus status = AuthenticateStatus::accepted;
  Error error;  // of all but accepted: reason, sentence and what to do
  std::optional<std::chrono::seconds> next_code_in;
  std::optional<std::chrono::seconds> retry_after;
  std::optional<std::int64_t> tries_left;
};

// What it stands on; all of it outlives it.
struct AuthenticatorParts {
  domain::Store& store;
  Sts& sts;
  LogHub& logs;
  EventBus& events;
  const Clock& clock;
  RandomSource& random;
  Secret code_key;                                          // 32 bytes: keyed hashes of codes
  std::function<void()> wake;                               // the run may go on
  std::function<void(std::string_view step)> step_reached;  // for kill tests: throws where it "dies"; may be empty
};

class Authenticator {
 public:
  explicit Authenticator(AuthenticatorParts parts) : parts_(std::move(parts)) {}

  AuthenticateAnswer authenticate(const AuthenticateRequest& request, const domain::Actor& actor);
  // Five refused codes lock the gates of a run, ten within an hour a device: both begin again. Errors: Code::not_found.
  Result<void> unlock(std::string_view run_id, const domain::Actor& actor);

 private:
  class Attempt;
  void step(std::string_view name) const {
    if (parts_.step_reached) parts_.step_reached(name);
  }

  AuthenticatorParts parts_;
};

// How long a session is asked for: the phase's limit and a little more, within what AWS gives.
std::chrono::seconds session_duration(std::chrono::seconds phase_limit, std::string_view identity_arn);
// Whether a session ends before a phase that starts now may, or so soon after it that the phase would be stopped early.
bool must_renew(const std::optional<TimePoint>& expiration, std::chrono::seconds phase_limit, TimePoint now);
// [\w+=,.@-]{2,64}
std::string role_session_name(std::string_view run_id, std::string_view user_name);

}  // namespace tollgate::runs
