// The key that seals cached sessions. It lives in the kernel's keyring and nowhere else, so that a copied disk tells
// nothing; where the kernel forbids that, in a 0600 file beside the sessions. Losing it costs a cache miss. Not the
// vault key, which guards long-term keys and must never be lost. Safe between processes.
#pragma once

#include <string>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/os/atomic_file.h"

namespace tollgate::vault {

struct SessionKey {
  enum class Place { keyring, file };
  Secret key;  // crypto::kSealKeyBytes
  Place place = Place::keyring;
  // Not empty when a key file was made just now: one line to show once, saying that sessions are only as safe as the
  // file.
  std::string notice;
};

struct SessionKeyOptions {
  bool use_keyring = true;
};

// Gets the key, or makes it: of many processes that make it at once all get the same one. Reading costs three system
// calls. Errors: Code::forbidden where the key file is not ours alone; Code::io.
Result<SessionKey> obtain_session_key(const os::PrivateDirectory& cache_directory, RandomSource& random,
                                      const Clock& clock, const SessionKeyOptions& options = {});

// Forgets it in both places: every cached session becomes unreadable.
Result<void> forget_session_key(const os::PrivateDirectory& cache_directory);

}  // namespace tollgate::vault
