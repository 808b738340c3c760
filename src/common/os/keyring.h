// The kernel's key retention service (keyrings(7)), by raw system calls: a place for a small secret that dies with the
// machine and is never on disk. Uses the persistent keyring, else the user keyring, both linked to this process first,
// because a key that is found but not possessed cannot be read; never the session keyring, which differs per login and
// leaks into sandboxes. About 3 us per read. An object serves the thread that
// opened it: the link is per thread.
#pragma once

#include <chrono>
#include <string>

#include "common/base/error.h"
#include "common/base/secret.h"

namespace tollgate::os {

class Keyring {
 public:
  // Errors of all: Code::unavailable, reason keyring_unavailable (EPERM, ENOSYS, EACCES, EDQUOT and the like): do
  // without it.
  static Result<Keyring> open();

  // Code::not_found where it is missing, expired or revoked.
  Result<Secret> read(const std::string& description) const;
  // Adds or replaces; at most 32 KiB.
  Result<void> store(const std::string& description, const Secret& value, std::chrono::seconds lifetime) const;
  Result<void> remove(const std::string& description) const;

 private:
  explicit Keyring(int ring) : ring_(ring) {}
  int ring_;
};

}  // namespace tollgate::os
