// Whether a person knows the password of an account, asked as seldom as an attacker would like it often: Argon2id, at
// most a few at once, and buckets of tries for each account and each address. A try that succeeds gives its place back,
// so only failures count. An account that does not exist costs the same time and gets the same answer. The codes of a
// second factor take from the same buckets.
// Not sessions (web_sessions.cpp) and not audit. The buckets live as long as the process: a restart forgives.
// Threads: all at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.h"
#include "common/base/sync.h"
#include "common/base/time.h"
#include "common/crypto/password_hash.h"

namespace tollgate::api {

// So many tries at once, and one more with each `refill`.
struct TryLimit {
  std::int64_t burst = 10;
  Duration refill = std::chrono::minutes(6);
};

struct SignInOptions {
  crypto::PasswordCost cost;
  TryLimit account{10, std::chrono::minutes(6)};
  TryLimit address{30, std::chrono::minutes(1)};
  int at_once = 2;           // each costs the memory of PasswordCost
  int waiting = 6;           // more than these are turned away
  std::size_t known = 8192;  // buckets that are kept
};

class SignIn {
 public:
  enum class Answer { right, wrong, too_often, busy };
  struct Verdict {
    Answer answer = Answer::wrong;
    std::chrono::seconds retry_after{0};  // of too_often and busy
  };

  SignIn(const Clock& clock, SignInOptions options = {});

  // `account` is what was typed, whether there is such a one or not; `hash` is nullopt where there is none or it has no
  // password. `purpose` keeps the tries of signing in apart from those of somebody who is signed in.
  Verdict check(std::string_view purpose, std::string_view account, std::string_view address, const Secret& password,
                const std::optional<std::string>& hash);

  // The same for what is told apart without a password: `right` is called where there is a try.
  Verdict check(std::string_view purpose, std::string_view account, std::string_view address,
                const std::function<bool()>& right);

  const crypto::PasswordCost& cost() const { return options_.cost; }

 private:
  // Each account and address, and when all its tries will be there again.
  using Buckets = std::map<std::string, TimePoint, std::less<>>;
  struct Turns {
    int running = 0;
    int waiting = 0;
  };

  // Takes a try from both buckets, or from none: then how long to wait.
  std::optional<Duration> take(const std::string& account, const std::string& address);
  void give_back(const std::string& account, const std::string& address);
  void forget(Buckets& buckets, TimePoint now) const;
  bool fits(const Secret& password, const std::string& hash, bool& busy);

  const Clock& clock_;
  SignInOptions options_;
  std::string decoy_;  // a hash that fits no password
  Sync<Buckets> buckets_;
  Sync<Turns> turns_;
  std::condition_variable turn_;
};

// What stands for an address in limits: an IPv6 address counts as its /64, which one customer holds whole.
std::string address_group(std::string_view address);

}  // namespace tollgate::api
