// Remembers which one-time codes of a device were sent to AWS in the last two minutes, so that none is sent twice: AWS
// takes a code once per 30-second step (RFC 6238 5.2). Kept on disk for all processes of this user, as keyed hashes;
// never a code. Safe between processes; one thread at a time.
#pragma once

#include <string>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/os/atomic_file.h"

namespace tollgate::mfa {

inline constexpr std::chrono::seconds kCodeStep{30};            // RFC 6238, and every AWS virtual device
inline constexpr std::chrono::seconds kUsedCodesLifetime{120};  // longer than AWS's window for late codes

class UsedCodes {
 public:
  // `key`: any secret of at least 16 bytes that all processes of this user share (the session key). Without it a hash
  // of six digits would be no secret. All three outlive this.
  UsedCodes(const os::PrivateDirectory& directory, Secret key, const Clock& clock);

  // Marks the code as used, before it is sent. Code::conflict, reason mfa_code_used, if it was already; with a lost or
  // damaged memory it answers as if nothing was used.
  Result<void> claim(const std::string& serial, const Secret& code);
  // Takes a claim back: the code provably never left this machine.
  Result<void> release(const std::string& serial, const Secret& code);
  // AWS has taken it: the device shows nothing new until its next step.
  Result<void> mark_accepted(const std::string& serial, const Secret& code);
  // How long the device keeps showing a code that was accepted; zero if it shows another one by now.
  Duration until_next_code(const std::string& serial) const;

 private:
  std::string hash(const std::string& serial, const Secret& code) const;
  const os::PrivateDirectory* directory_;
  Secret key_;
  const Clock* clock_;
};

// Until a device whose clock is right shows its next code: more than zero, at most 30 s.
Duration until_next_step(TimePoint now);

}  // namespace tollgate::mfa
