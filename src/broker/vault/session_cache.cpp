#include "broker/vault/session_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "common/crypto/hash.h"
#include "common/os/directory_names.h"

namespace tollgate::vault {
namespace {

constexpr std::size_t kMaxPayload = 64U << 10;
constexpr std::size_t kMaxLabelBytes = 16U << 10;
constexpr std::size_t kMaxFile = 96U << 10;
constexpr std::chrono::hours kTemporaryLifetime{1};

void append_with_length(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < 8; ++i) {
    out.push_back(static_cast<char>((static_cast<std::uint64_t>(text.size()) >> (8 * i)) & 0xFF));
  }
  out.append(text);
}

bool is_stale_temporary(const os::PrivateDirectory& directory, const std::string& name, TimePoint now) {
  if (std::string_view(name).substr(0, os::kTemporaryPrefix.size()) != os::kTemporaryPrefix) return false;
  struct stat info {};
  return fstatat(directory.fd(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         now - from_unix_seconds(info.st_mtime) > kTemporaryLifetime;
}

bool is_missing(const Error& error) {
  return error.code == Code::not_found;
}

// Another session key may still be somebody's (inside and outside of a container that share the directory): such a file
// is left to be overwritten. The rest is of no use to anyone.
bool may_remove(const Error& error) {
  return error.code != Code::io && error.reason != "another_key";
}

Result<Entry> read_entry(const os::PrivateDirectory& directory, const Secret& key, const CacheKey& name) {
  TG_TRY(const std::string file, directory.read(name.hex(), kMaxFile));
  return open_entry(key, name, file);
}

}  // namespace

CacheKey::Builder::Builder(std::string_view kind) {
  append_with_length(inputs_, "tollgate cache key 1");
  append_with_length(inputs_, kind);
}

CacheKey::Builder& CacheKey::Builder::add(std::string_view name, std::string_view value) {
  append_with_length(inputs_, name);
  append_with_length(inputs_, value);
  return *this;
}

CacheKey CacheKey::Builder::build() const {
  return CacheKey(crypto::sha256_hex(inputs_));
}

std::optional<CacheKey> CacheKey::from_hex(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (text.size() != 64 || !std::all_of(text.begin(), text.end(), is_hex)) return std::nullopt;
  return CacheKey(std::string(text));
}

Result<SessionCache> SessionCache::open(const os::PrivateDirectory& cache_directory, Secret key, RandomSource& random) {
  TG_TRY(os::PrivateDirectory directory, cache_directory.create_below("sessions"));
  return SessionCache(std::move(directory), std::move(key), random);
}

std::optional<Entry> SessionCache::get(const CacheKey& key, TimePoint now, std::string* why_not) const {
  auto entry = read_entry(directory_, key_, key);
  std::string problem;
  if (!entry) {
    problem = is_missing(entry.error()) ? "there is none" : entry.error().message;
    if (!is_missing(entry.error()) && may_remove(entry.error())) static_cast<void>(directory_.remove(key.hex()));
  } else if (entry->expires <= now) {
    problem = "it expired at " + format_iso8601(entry->expires);
  } else {
    return std::move(*entry);
  }
  if (why_not) *why_not = std::move(problem);
  return std::nullopt;
}

Result<void> SessionCache::put(const CacheKey& key, const Entry& entry) const {
  std::size_t label_bytes = entry.kind.size();
  for (const auto& [name, value] : entry.labels)
    label_bytes += 8 + name.size() + value.size();
  if (entry.payload.size() > kMaxPayload || label_bytes > kMaxLabelBytes || entry.labels.size() > 64) {
    return fail(Error(Code::invalid, fmt::format("a session of {} bytes is too large to keep", entry.payload.size()))
                    .because("too_large"));
  }
  return directory_.write(key.hex(), seal_entry(key_, key, entry, *random_));
}

Result<std::vector<EntrySummary>> SessionCache::list() const {
  TG_TRY(const std::vector<std::string> names, os::directory_names(directory_.fd(), directory_.path()));
  std::vector<EntrySummary> summaries;
  for (const std::string& name : names) {
    const auto key = CacheKey::from_hex(name);
    if (!key) continue;
    auto entry = read_entry(directory_, key_, *key);
    if (entry) {
      summaries.push_back({*key, entry->kind, entry->created, entry->expires, entry->labels, ""});
    } else if (!is_missing(entry.error())) {
      summaries.push_back({*key, "", {}, {}, {}, entry.error().message});
    }
  }
  return summaries;
}

Result<void> SessionCache::remove(const CacheKey& key) const {
  return directory_.remove(key.hex());
}

Result<std::size_t> SessionCache::clear(const std::function<bool(const EntrySummary&)>& which) const {
  TG_TRY(const std::vector<EntrySummary> summaries, list());
  std::size_t removed = 0;
  for (const EntrySummary& summary : summaries) {
    if (!which(summary)) continue;
    TG_CHECK(remove(summary.key));
    ++removed;
  }
  return removed;
}

Result<std::size_t> SessionCache::prune(TimePoint now) const {
  TG_TRY(const std::vector<std::string> names, os::directory_names(directory_.fd(), directory_.path()));
  std::size_t removed = 0;
  for (const std::string& name : names) {
    bool useless = is_stale_temporary(directory_, name, now);
    if (const auto key = CacheKey::from_hex(name)) {
      const auto entry = read_entry(directory_, key_, *key);
      useless = entry ? entry->expires <= now : !is_missing(entry.error()) && may_remove(entry.error());
    }
    if (!useless) continue;
    TG_CHECK(directory_.remove(name));
    ++removed;
  }
  return removed;
}

}  // namespace tollgate::vault
