#include "broker/mfa/used_codes.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "common/os/file_lock.h"

namespace tollgate::mfa {
namespace {

constexpr Duration kLockPatience{5000};
constexpr std::size_t kMaxFile = 64U << 10;

// One line each: seconds since 1970, "accepted" or "sent", keyed hash.
struct Use {
  std::int64_t at = 0;
  bool accepted = false;
  std::string hash;
};

std::string file_name(const std::string& serial) {
  return "used-" + crypto::sha256_hex(serial).substr(0, 32);
}

std::vector<Use> parse(std::string_view text) {
  std::vector<Use> uses;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    Use use;
    const auto [rest, problem] = std::from_chars(line.data(), line.data() + line.size(), use.at);
    const std::string_view words = line.substr(static_cast<std::size_t>(rest - line.data()));
    if (problem != std::errc() || words.size() < 2) continue;
    const std::size_t blank = words.find(' ', 1);
    if (blank == std::string_view::npos) continue;
    use.accepted = words.substr(1, blank - 1) == "accepted";
    use.hash = words.substr(blank + 1);
    uses.push_back(std::move(use));
  }
  return uses;
}

std::string to_text(const std::vector<Use>& uses) {
  std::string text;
  for (const Use& use : uses) {
    text += fmt::format("{} {} {}\n", use.at, use.accepted ? "accepted" : "sent", use.hash);
  }
  return text;
}

// What is remembered and still counts. A clock that was set back must not keep an entry for ever.
std::vector<Use> read_uses(const os::PrivateDirectory& directory, const std::string& name, TimePoint now) {
  const auto text = directory.read(name, kMaxFile);
  auto uses = text ? parse(*text) : std::vector<Use>();
  const auto useless = [&](const Use& use) {
    const auto age = now - from_unix_seconds(use.at);
    return age >= kUsedCodesLifetime || age < -kUsedCodesLifetime;
  };
  uses.erase(std::remove_if(uses.begin(), uses.end(), useless), uses.end());
  return uses;
}

Result<void> write_uses(const os::PrivateDirectory& directory, const std::string& name, const std::vector<Use>& uses) {
  // A file that was tampered with is replaced: rename does not follow it.
  return directory.write(name, to_text(uses));
}

std::int64_t step_of(std::int64_t seconds) {
  return seconds / kCodeStep.count();
}

}  // namespace

UsedCodes::UsedCodes(const os::PrivateDirectory& directory, Secret key, const Clock& clock)
    : directory_(&directory), key_(std::move(key)), clock_(&clock) {}

std::string UsedCodes::hash(const std::string& serial, const Secret& code) const {
  std::string text = serial;
  text.push_back('\0');
  text.append(code.reveal());
  std::string digest = hex_encode(crypto::keyed_hash(key_, "tollgate used code", text));
  wipe(text);
  return digest;
}

Result<void> UsedCodes::claim(const std::string& serial, const Secret& code) {
  const std::string name = file_name(serial);
  TG_TRY(const os::FileLock lock, os::FileLock::acquire(*directory_, name + ".lock", kLockPatience, *clock_));
  const TimePoint now = clock_->now();
  std::vector<Use> uses = read_uses(*directory_, name, now);
  std::string digest = hash(serial, code);
  for (const Use& use : uses) {
    if (use.hash == digest) {
      return fail(Error(Code::conflict, "this code has been used already, and AWS takes each code once")
                      .because("mfa_code_used")
                      .do_next("wait for the next code of the device"));
    }
  }
  uses.push_back({unix_seconds(now), false, std::move(digest)});
  return write_uses(*directory_, name, uses);
}

Result<void> UsedCodes::mark_accepted(const std::string& serial, const Secret& code) {
  const std::string name = file_name(serial);
  TG_TRY(const os::FileLock lock, os::FileLock::acquire(*directory_, name + ".lock", kLockPatience, *clock_));
  std::vector<Use> uses = read_uses(*directory_, name, clock_->now());
  const std::string digest = hash(serial, code);
  for (Use& use : uses) {
    if (use.hash == digest) use.accepted = true;
  }
  return write_uses(*directory_, name, uses);
}

Result<void> UsedCodes::release(const std::string& serial, const Secret& code) {
  const std::string name = file_name(serial);
  TG_TRY(const os::FileLock lock, os::FileLock::acquire(*directory_, name + ".lock", kLockPatience, *clock_));
  std::vector<Use> uses = read_uses(*directory_, name, clock_->now());
  const std::string digest = hash(serial, code);
  uses.erase(std::remove_if(uses.begin(), uses.end(), [&](const Use& use) { return use.hash == digest; }), uses.end());
  return write_uses(*directory_, name, uses);
}

Duration UsedCodes::until_next_code(const std::string& serial) const {
  const TimePoint now = clock_->now();
  const std::int64_t current = step_of(unix_seconds(now));
  for (const Use& use : read_uses(*directory_, file_name(serial), now)) {
    if (use.accepted && step_of(use.at) == current) return until_next_step(now);
  }
  return Duration(0);
}

Duration until_next_step(TimePoint now) {
  const std::int64_t next = (step_of(unix_seconds(now)) + 1) * kCodeStep.count();
  return from_unix_seconds(next) - now;
}

}  // namespace tollgate::mfa
