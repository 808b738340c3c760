// Keeps what this process holds out of core dumps, debuggers of the same user, and files others can read. Called once
// at the start of main, before any thread. What a child would inherit (umask, core limit) is handed back, so that the
// user's own program can run as the user left things.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace tollgate::os {

// What a child must get back (Command::restore).
struct Inherited {
  mode_t umask = 022;
  std::uint64_t core_limit = 0;  // the soft limit; the hard one is never touched
};

// umask 077, soft RLIMIT_CORE 0, PR_SET_DUMPABLE 0. After it /proc/self belongs to root: read what is needed there
// first (current_environment does not use it).
Inherited harden_process();
// In a child, or before replacing this process.
void restore_inherited(const Inherited& inherited);

}  // namespace tollgate::os
