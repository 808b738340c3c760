// What a gate's lock file says: who asks at present, or what became of the last question. For messages and for sparing
// a person the same question forty times; never the reason to hand anything out. Plain values.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/time.h"

namespace tollgate::mfa {

struct GateNote {
  enum class State {
    none,        // nothing is known: free, or a holder that died
    asking,      // somebody holds the lock and asks
    cancelled,   // the person said no
    unanswered,  // nobody was there
    refused,     // AWS refused every try
  };
  State state = State::none;
  TimePoint at;
  pid_t pid = 0;
  std::string terminal;
  std::string command;

  // "terraform plan (process 4711) on /dev/pts/3"
  std::string who() const;
};

std::string to_text(const GateNote& note);
// Anything that is not a note is State::none.
GateNote parse_note(std::string_view text);

// The error that the outcome of a question in another process is for us; nullopt for none and asking.
std::optional<Error> error_of(const GateNote& note);

}  // namespace tollgate::mfa
