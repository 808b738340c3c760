// One question per MFA device at a time, over all processes of this user: whoever gets the lock asks the person once
// and the others wait and share what came of it. It knows neither AWS nor the cache: both are callbacks. A lock dies
// with its holder. One thread at a time.
#pragma once

#include <functional>
#include <string>

#include "broker/mfa/code_source.h"
#include "broker/mfa/used_codes.h"
#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/os/atomic_file.h"

namespace tollgate::mfa {

// Two access keys of one user share a device but not a session, hence both.
struct DeviceKey {
  std::string serial;
  std::string source_key_id;
};

// What became of a code that was handed to `spend`.
struct Attempt {
  enum class Outcome {
    accepted,  // the result is stored where `recheck` finds it
    refused,   // AWS answered that the code is wrong: the next code may be tried
    failed,    // anything else: the gate gives up with `error`
  };
  Outcome outcome = Outcome::failed;
  std::string reason;            // refused: why, in words for the person
  Error error;                   // failed
  bool provably_unsent = false;  // failed: no byte left this machine, the code may be used again

  static Attempt accepted() { return {Outcome::accepted, {}, {}, false}; }
  static Attempt refused(std::string reason) { return {Outcome::refused, std::move(reason), {}, false}; }
  static Attempt failed(Error error, bool provably_unsent = false) {
    return {Outcome::failed, {}, std::move(error), provably_unsent};
  }
};

struct GateCallbacks {
  std::function<bool()> recheck;                     // true: what is wanted is in the cache by now
  std::function<Attempt(const Secret& code)> spend;  // sends the code; called with the lock held
};

enum class GateOutcome {
  already_there,  // recheck said so at once
  shared,         // another process was waited for, and what it got serves us too
  passed,         // a code was asked for and accepted
};

struct GateOptions {
  int tries = 3;
  Duration patience{50000};      // for another process's question; Go's SDK kills a credential_process after 60 s
  Duration refusal_echo{10000};  // so long a cancelled or thrice refused question answers for others too
  // True for a command that a person has just typed: a question cancelled before it began is then no answer to it.
  bool fresh_request = false;
};

class DeviceGate {
 public:
  // `directory` holds the lock files. All outlive the gate.
  DeviceGate(const os::PrivateDirectory& directory, CodeSource& source, UsedCodes& used_codes, const Clock& clock,
             GateOptions options = {});

  // Errors: those of the source; Code::needs_person, reason mfa_prompt_elsewhere, where another process asks and nobody
  // answers within `patience` (the message names its pid, command and terminal); Code::forbidden, reason
  // mfa_code_refused, after the last try; Code::cancelled, also where a question was cancelled in another process; the
  // error of a failed attempt.
  Result<GateOutcome> pass(const DeviceKey& device, const CodePrompt& prompt, const GateCallbacks& callbacks);

 private:
  const os::PrivateDirectory* directory_;
  CodeSource* source_;
  UsedCodes* used_codes_;
  const Clock* clock_;
  GateOptions options_;
};

}  // namespace tollgate::mfa
