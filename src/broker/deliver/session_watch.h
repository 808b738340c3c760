// Watches the MFA session behind a running program and says when it is time to ask for the next code: ahead of its end,
// so that a long apply does not fail at it. It decides; asking is the caller's. Pure; one thread.
#pragma once

#include <optional>

#include "common/base/time.h"

namespace tollgate::deliver {

// Less than this much left counts as "ending": 20 minutes, or a quarter of the session's life if that is shorter.
Duration ahead_of_expiry(TimePoint created, TimePoint expires);

class SessionWatch {
 public:
  enum class Action {
    none,
    ask,   // nobody else uses the terminal: ask now
    tell,  // another program reads from the terminal: say it in a line, once
  };

  // What to do now. `created` and `expires` are those of the session in the cache, which any process may have renewed.
  // After `ask` or `tell` nothing more is said about the same session, but `tell` may still become `ask`.
  Action decide(TimePoint created, TimePoint expires, TimePoint now, bool terminal_is_read);

 private:
  std::optional<TimePoint> asked_for_;
  std::optional<TimePoint> told_for_;
};

}  // namespace tollgate::deliver
