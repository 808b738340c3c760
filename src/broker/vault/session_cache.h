// Temporary credentials at rest, one sealed file each, read without a lock and replaced by rename. It stores bytes and
// does not know AWS. Whatever is wrong with a file (torn, swapped, foreign, readable by others) makes it a miss, never
// an error: losing an entry costs one call. Safe between processes; one object serves one thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/os/atomic_file.h"

namespace tollgate::vault {

// Names an entry: SHA-256 over every input that led to it, each with its name and both with their lengths, in the order
// added. An input that is left out makes two different sessions one: add every one, absent ones as "".
class CacheKey {
 public:
  class Builder {
   public:
    // `kind` separates key spaces: "session", "role", "process".
    explicit Builder(std::string_view kind);
    Builder& add(std::string_view name, std::string_view value);
    CacheKey build() const;

   private:
    std::string inputs_;
  };

  // From a file name, for tools; nullopt unless 64 lower-case hex digits.
  static std::optional<CacheKey> from_hex(std::string_view text);
  const std::string& hex() const { return hex_; }
  friend bool operator==(const CacheKey&, const CacheKey&) = default;

 private:
  explicit CacheKey(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

struct Entry {
  std::string kind;  // "session", "role", "process"
  Secret payload;    // at most 64 KiB
  TimePoint created;
  TimePoint expires;
  // For `status`: profile, role_arn, serial, account, source_key (last four), session_name. Sealed too; not secret.
  std::map<std::string, std::string> labels;
};

// An entry without what it holds.
struct EntrySummary {
  CacheKey key;
  std::string kind;
  TimePoint created;
  TimePoint expires;
  std::map<std::string, std::string> labels;
  std::string problem;  // not empty: it cannot be used, and why; then the fields above but `key` are empty
};

class SessionCache {
 public:
  // Uses (and makes) DIRECTORY/sessions, 0700. Errors: those of os::PrivateDirectory.
  static Result<SessionCache> open(const os::PrivateDirectory& cache_directory, Secret key, RandomSource& random);

  // nullopt for a miss: absent, expired by `now`, or refused. A refused file of ours is removed where that is safe.
  // `why_not`, if given, says which, in words ("the file is readable by others").
  std::optional<Entry> get(const CacheKey& key, TimePoint now, std::string* why_not = nullptr) const;
  // Errors: Code::io; Code::invalid for an entry that is too large.
  Result<void> put(const CacheKey& key, const Entry& entry) const;

  Result<std::vector<EntrySummary>> list() const;  // by file name
  Result<void> remove(const CacheKey& key) const;
  // Removes what the predicate names; how many. Files with a problem are offered too.
  Result<std::size_t> clear(const std::function<bool(const EntrySummary&)>& which) const;
  // Removes expired entries and temporary files left by killed writers; how many. For after a put, never before a get.
  Result<std::size_t> prune(TimePoint now) const;

 private:
  SessionCache(os::PrivateDirectory directory, Secret key, RandomSource& random)
      : directory_(std::move(directory)), key_(std::move(key)), random_(&random) {}
  os::PrivateDirectory directory_;
  Secret key_;
  RandomSource* random_;
};

// The file format, for the cache, its tests and the fuzzer. `name` is bound to the content.
std::string seal_entry(const Secret& key, const CacheKey& name, const Entry& entry, RandomSource& random);
// Code::invalid, reason not_an_entry (torn, another version), another_key (sealed with a lost session key),
// sealed_box_refused (changed, or moved from another name).
Result<Entry> open_entry(const Secret& key, const CacheKey& name, std::string_view file);

// True where less than `min_ttl`, or less than min(15 min, a quarter of its life), is left: time to get a new one.
// (botocore asks again at 15 min; an entry that lives 15 min must not be due from birth.)
bool due_for_renewal(TimePoint created, TimePoint expires, TimePoint now, Duration min_ttl = Duration{0});
bool due_for_renewal(const Entry& entry, TimePoint now, Duration min_ttl = Duration{0});

}  // namespace tollgate::vault
