// The format of a cached session: magic, version, key id, sealed box. Inside the box, little-endian: created, expires
// (milliseconds), then kind, labels and payload, each with its length. What an entry is called is part of what the box
// authenticates, so that one file cannot stand in for another.
#include <cstdint>

#include "broker/vault/session_cache.h"
#include "common/crypto/hash.h"
#include "common/crypto/sealed_box.h"

namespace tollgate::vault {
namespace {

constexpr std::string_view kMagic = "TGSE\x01";
constexpr std::size_t kKeyIdBytes = 8;
constexpr std::size_t kHeaderBytes = 5 + kKeyIdBytes;
constexpr std::size_t kMaxLabels = 64;

// Recognises a lost key, so that "another key" is no false alarm of tampering.
std::string key_id(const Secret& key) {
  return crypto::keyed_hash(key, "tollgate session entry", "").substr(0, 8);
}

std::string associated_data(std::string_view header, const CacheKey& name) {
  return std::string(header) + name.hex();
}

void put_number(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i)
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size(), 4);
  out.append(text);
}

class Input {
 public:
  explicit Input(std::string_view text) : text_(text) {}

  std::uint64_t number(std::size_t bytes) {
    if (failed_ || text_.size() < bytes) {
      failed_ = true;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(text_[i])) << (8 * i);
    }
    text_.remove_prefix(bytes);
    return value;
  }

  std::string_view text() {
    const std::uint64_t size = number(4);
    if (failed_ || size > text_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view found = text_.substr(0, size);
    text_.remove_prefix(size);
    return found;
  }

  bool good_and_done() const { return !failed_ && text_.empty(); }

 private:
  std::string_view text_;
  bool failed_ = false;
};

TimePoint to_time(std::uint64_t milliseconds) {
  return TimePoint(Duration(static_cast<std::int64_t>(milliseconds)));
}
std::uint64_t from_time(TimePoint time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

Error not_an_entry(std::string_view why) {
  return Error(Code::invalid, fmt::format("it is no session entry: {}", why)).because("not_an_entry");
}

}  // namespace

std::string seal_entry(const Secret& key, const CacheKey& name, const Entry& entry, RandomSource& random) {
  std::size_t size = 64 + entry.kind.size() + entry.payload.size();
  for (const auto& [label, value] : entry.labels)
    size += 8 + label.size() + value.size();
  std::string plain;
  plain.reserve(size);  // no reallocation may leave a copy behind
  put_number(plain, from_time(entry.created), 8);
  put_number(plain, from_time(entry.expires), 8);
  put_text(plain, entry.kind);
  put_number(plain, entry.labels.size(), 2);
  for (const auto& [label, value] : entry.labels) {
    put_text(plain, label);
    put_text(plain, value);
  }
  put_text(plain, entry.payload.reveal());
  std::string file = std::string(kMagic) + key_id(key);
  file += crypto::seal(key, plain, associated_data(file, name), random);
  wipe(plain);
  return file;
}

Result<Entry> open_entry(const Secret& key, const CacheKey& name, std::string_view file) {
  if (file.size() < kHeaderBytes + crypto::kSealOverheadBytes) return fail(not_an_entry("it is too short"));
  if (file.substr(0, kMagic.size()) != kMagic) return fail(not_an_entry("it begins with something else"));
  const std::string_view header = file.substr(0, kHeaderBytes);
  if (header.substr(kMagic.size()) != key_id(key)) {
    return fail(Error(Code::invalid, "it was sealed with a session key that is lost").because("another_key"));
  }
  TG_TRY(const Secret plain, crypto::open(key, file.substr(kHeaderBytes), associated_data(header, name)));
  Input input(plain.reveal());
  Entry entry;
  entry.created = to_time(input.number(8));
  entry.expires = to_time(input.number(8));
  entry.kind = input.text();
  const std::uint64_t labels = input.number(2);
  if (labels > kMaxLabels) return fail(not_an_entry("it has too many labels"));
  for (std::uint64_t i = 0; i < labels; ++i) {
    const std::string_view label = input.text();
    entry.labels.emplace(label, input.text());
  }
  entry.payload = Secret(input.text());
  if (!input.good_and_done()) return fail(not_an_entry("its content does not add up"));
  return entry;
}

bool due_for_renewal(TimePoint created, TimePoint expires, TimePoint now, Duration min_ttl) {
  constexpr Duration kLatest = std::chrono::minutes(15);
  const Duration left = expires - now;
  return left < min_ttl || left < std::min(kLatest, (expires - created) / 4) || left <= Duration(0);
}

bool due_for_renewal(const Entry& entry, TimePoint now, Duration min_ttl) {
  return due_for_renewal(entry.created, entry.expires, now, min_ttl);
}

}  // namespace tollgate::vault
