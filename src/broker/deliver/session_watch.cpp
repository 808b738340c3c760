#include "broker/deliver/session_watch.h"

#include <algorithm>

namespace tollgate::deliver {

Duration ahead_of_expiry(TimePoint created, TimePoint expires) {
  return std::min<Duration>(std::chrono::minutes(20), (expires - created) / 4);
}

SessionWatch::Action SessionWatch::decide(TimePoint created, TimePoint expires, TimePoint now, bool terminal_is_read) {
  if (now >= expires || expires - now > ahead_of_expiry(created, expires) || asked_for_ == expires) return Action::none;
  if (!terminal_is_read) {
    asked_for_ = expires;
    return Action::ask;
  }
  if (told_for_ == expires) return Action::none;
  told_for_ = expires;
  return Action::tell;
}

}  // namespace tollgate::deliver
