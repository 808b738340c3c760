#include "server/api/sign_in.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"

namespace tollgate::api {

namespace {

constexpr std::chrono::seconds kBusyRetry{2};
constexpr std::size_t kPrefixBytes = 8;  // /64

// How long until there is a try again; nothing: there is one.
std::optional<Duration> wait_for_try(TimePoint full_at, const TryLimit& limit, TimePoint now) {
  const Duration debt = std::max(full_at, now) - now + limit.refill;
  const Duration most = limit.refill * limit.burst;
  if (debt <= most) return std::nullopt;
  return debt - most;
}

struct Keys {
  std::string account;
  std::string address;
};

// Names are kept as hashes: people type passwords into the wrong field.
Keys keys_of(std::string_view purpose, std::string_view account, std::string_view address) {
  return {fmt::format("account {} {}", purpose, crypto::sha256_hex(account).substr(0, 2 * kPrefixBytes)),
          fmt::format("address {} {}", purpose, address_group(address))};
}

}  // namespace

std::string address_group(std::string_view address) {
  std::array<char, 16> bytes{};
  if (::inet_pton(AF_INET6, std::string(address).c_str(), bytes.data()) != 1) return std::string(address);
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  const std::string_view text(bytes.data(), bytes.size());
  return hex_encode(text.substr(0, kMapped.size()) == kMapped ? text : text.substr(0, kPrefixBytes));
}

SignIn::SignIn(const Clock& clock, SignInOptions options) : clock_(clock), options_(options) {
  auto decoy = crypto::hash_password(Secret("nobody's"), options_.cost);
  if (!decoy) throw std::runtime_error(decoy.error().message);
  decoy_ = std::move(*decoy);
}

SignIn::Verdict SignIn::check(std::string_view purpose, std::string_view account, std::string_view address,
                              const Secret& password, const std::optional<std::string>& hash) {
  const Keys keys = keys_of(purpose, account, address);
  if (const auto wait = take(keys.account, keys.address)) {
    return {Answer::too_often, std::chrono::ceil<std::chrono::seconds>(*wait)};
  }
  const bool known = hash && !hash->empty();
  bool busy = false;
  const bool right = fits(password, known ? *hash : decoy_, busy) && known;
  if (right || busy) give_back(keys.account, keys.address);
  if (busy) return {Answer::busy, kBusyRetry};
  return {right ? Answer::right : Answer::wrong, {}};
}

SignIn::Verdict SignIn::check(std::string_view purpose, std::string_view account, std::string_view address,
                              const std::function<bool()>& right) {
  const Keys keys = keys_of(purpose, account, address);
  if (const auto wait = take(keys.account, keys.address)) {
    return {Answer::too_often, std::chrono::ceil<std::chrono::seconds>(*wait)};
  }
  if (!right()) return {Answer::wrong, {}};
  give_back(keys.account, keys.address);
  return {Answer::right, {}};
}

bool SignIn::fits(const Secret& password, const std::string& hash, bool& busy) {
  {
    auto turns = turns_.lock();
    if (turns->waiting >= options_.waiting) {
      busy = true;
      return false;
    }
    ++turns->waiting;
    turn_.wait(turns.held(), [&] { return turns->running < options_.at_once; });
    --turns->waiting;
    ++turns->running;
  }
  const bool right = crypto::password_fits(password, hash);
  --turns_.lock()->running;
  turn_.notify_one();
  return right;
}

std::optional<Duration> SignIn::take(const std::string& account, const std::string& address) {
  const TimePoint now = clock_.now();
  auto buckets = buckets_.lock();
  TimePoint& of_account = (*buckets)[account];
  TimePoint& of_address = (*buckets)[address];
  const auto account_wait = wait_for_try(of_account, options_.account, now);
  const auto address_wait = wait_for_try(of_address, options_.address, now);
  if (account_wait || address_wait)
    return std::max(account_wait.value_or(Duration()), address_wait.value_or(Duration()));
  of_account = std::max(of_account, now) + options_.account.refill;
  of_address = std::max(of_address, now) + options_.address.refill;
  if (buckets->size() > options_.known) forget(*buckets, now);
  return std::nullopt;
}

void SignIn::give_back(const std::string& account, const std::string& address) {
  auto buckets = buckets_.lock();
  if (const auto at = buckets->find(account); at != buckets->end()) at->second -= options_.account.refill;
  if (const auto at = buckets->find(address); at != buckets->end()) at->second -= options_.address.refill;
}

void SignIn::forget(Buckets& buckets, TimePoint now) const {
  std::erase_if(buckets, [&](const auto& bucket) { return bucket.second <= now; });
  while (buckets.size() > options_.known) {
    buckets.erase(std::min_element(buckets.begin(), buckets.end(),
                                   [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
}

}  // namespace tollgate::api
