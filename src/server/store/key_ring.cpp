#include "server/store/key_ring.h"

#include <unistd.h>

#include <charconv>
#include <stdexcept>
#include <vector>

#include "common/base/encoding.h"
#include "common/crypto/derived_key.h"
#include "common/crypto/hash.h"
#include "common/crypto/sealed_box.h"
#include "common/os/atomic_file.h"

namespace tollgate::store {

namespace {

constexpr std::string_view kHeader = "tollgate-master-keys 1";
constexpr std::string_view kSealPrefix = "s1.";
constexpr std::size_t kMaxFileBytes = 64U << 10;

std::string check_of(const Secret& key) {
  return hex_encode(crypto::keyed_hash(key, "tollgate key check", "")).substr(0, 16);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::optional<std::uint32_t> parse_version(std::string_view text) {
  std::uint32_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size() || version == 0) return std::nullopt;
  // One way to write each number, so that no two sealed texts differ only in that.
  if (text.front() == '0') return std::nullopt;
  return version;
}

std::optional<Secret> parse_key(std::string_view encoded, std::string_view check) {
  auto bytes = base64url_decode(encoded);
  if (!bytes || bytes->size() != crypto::kSealKeyBytes) return std::nullopt;
  Secret key = Secret::take(std::move(*bytes));
  if (check_of(key) != check) return std::nullopt;
  return key;
}

std::string version_purpose(std::string_view purpose, std::uint32_t version) {
  return fmt::format("{} {}", purpose, version);
}

std::string bound(const SealContext& context, std::uint32_t version) {
  SealContext whole = context;
  whole.add(std::to_string(version));
  return whole.bytes();
}

}  // namespace

SealContext& SealContext::add(std::string_view part) {
  bytes_ += std::to_string(part.size());
  bytes_ += ':';
  bytes_ += part;
  return *this;
}

KeyRing KeyRing::generate(RandomSource& random) {
  KeyRing ring;
  ring.hash_key_ = crypto::generate_seal_key(random);
  ring.seal_keys_.emplace(1, crypto::generate_seal_key(random));
  return ring;
}

Result<KeyRing> KeyRing::create_file(const std::string& path, RandomSource& random) {
  if (::access(path.c_str(), F_OK) == 0) {
    return fail(Error(Code::conflict,
                      "there is a master key file already, and a new one would make what was sealed "
                      "with it unreadable")
                    .at(path)
                    .because("exists"));
  }
  KeyRing ring = generate(random);
  TG_CHECK(ring.write_file(path));
  return ring;
}

Result<KeyRing> KeyRing::read_file(const std::string& path) {
  auto content = os::read_private_file(path, kMaxFileBytes);
  if (!content) {
    Error error = std::move(content.error());
    if (error.code == Code::not_found) error.do_next("restore the master key file from where it was backed up");
    return fail(std::move(error).while_doing("reading the master key"));
  }
  const Secret text = Secret::take(std::move(*content));
  return parse(text.reveal(), path);
}

Result<KeyRing> KeyRing::parse(std::string_view text, const std::string& path) {
  const auto damaged = [&](std::size_t line, std::string_view what) {
    return fail(Error(Code::config, fmt::format("the master key file is damaged: {}", what))
                    .at(fmt::format("{}:{}", path, line))
                    .do_next("restore it from where it was backed up; without it nothing that is sealed can be read")
                    .because("master_key_damaged"));
  };
  const std::vector<std::string_view> lines = split(text, '\n');
  if (lines.empty() || lines.front() != kHeader) {
    return damaged(1, fmt::format("its first line is not \"{}\"", kHeader));
  }
  KeyRing ring;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> words = split(lines[i], ' ');
    if (words.size() == 3 && words[0] == "hash" && ring.hash_key_.empty()) {
      auto key = parse_key(words[1], words[2]);
      if (!key) return damaged(i + 1, "the key does not fit its check value");
      ring.hash_key_ = std::move(*key);
    } else if (words.size() == 4 && words[0] == "seal") {
      const auto version = parse_version(words[1]);
      auto key = parse_key(words[2], words[3]);
      if (!version || !key) return damaged(i + 1, "the key does not fit its check value");
      if (!ring.seal_keys_.emplace(*version, std::move(*key)).second) return damaged(i + 1, "a version comes twice");
    } else {
      return damaged(i + 1, "a line that is neither \"hash\" nor \"seal\"");
    }
  }
  if (ring.hash_key_.empty() || ring.seal_keys_.empty()) return damaged(lines.size(), "a key is missing");
  return ring;
}

KeyRing KeyRing::with_new_key(RandomSource& random) const {
  KeyRing ring = *this;
  ring.seal_keys_.emplace(current_version() + 1, crypto::generate_seal_key(random));
  return ring;
}

KeyRing KeyRing::without(std::uint32_t version) const {
  if (version == current_version()) throw std::invalid_argument("the current master key cannot be removed");
  KeyRing ring = *this;
  ring.seal_keys_.erase(version);
  return ring;
}

Secret KeyRing::text() const {
  const auto encoded = [](const Secret& key) { return base64url_encode(key.reveal()); };
  std::string text(kHeader);
  text += fmt::format("\nhash {} {}\n", encoded(hash_key_), check_of(hash_key_));
  for (const auto& [version, key] : seal_keys_) {
    text += fmt::format("seal {} {} {}\n", version, encoded(key), check_of(key));
  }
  return Secret::take(std::move(text));
}

Result<void> KeyRing::write_file(const std::string& path) const {
  return os::write_file_atomically(path, text().reveal(), {.mode = 0600, .durable = true});
}

std::map<std::uint32_t, std::string> KeyRing::check_values() const {
  std::map<std::uint32_t, std::string> values;
  for (const auto& [version, key] : seal_keys_)
    values[version] = check_of(crypto::derive_key(key, "database check"));
  return values;
}

Secret KeyRing::key(std::string_view purpose, std::uint32_t version) const {
  return crypto::derive_key(seal_keys_.at(version), version_purpose(purpose, version));
}

Secret KeyRing::hash_key(std::string_view purpose) const {
  return crypto::derive_key(hash_key_, purpose);
}

std::string KeyRing::seal(std::string_view purpose, std::string_view plaintext, const SealContext& context,
                          RandomSource& random) const {
  const std::uint32_t version = current_version();
  const std::string box = crypto::seal(key(purpose, version), plaintext, bound(context, version), random);
  return fmt::format("{}{}.{}", kSealPrefix, version, base64url_encode(box));
}

std::uint32_t KeyRing::version_of(std::string_view sealed) {
  if (sealed.substr(0, kSealPrefix.size()) != kSealPrefix) return 0;
  sealed.remove_prefix(kSealPrefix.size());
  const std::size_t dot = sealed.find('.');
  if (dot == std::string_view::npos || dot == 0) return 0;
  return parse_version(sealed.substr(0, dot)).value_or(0);
}

Result<Secret> KeyRing::open(std::string_view purpose, std::string_view sealed, const SealContext& context) const {
  const std::uint32_t version = version_of(sealed);
  if (version == 0) {
    return fail(Error(Code::invalid, "this is not a sealed text of this server").because("sealed_box_refused"));
  }
  if (!has(version)) {
    return fail(Error(Code::invalid, fmt::format("it was sealed with master key {}, which is not in the file", version))
                    .do_next("restore that line of the master key file")
                    .because("key_version_missing"));
  }
  const auto box = base64url_decode(sealed.substr(sealed.find('.', kSealPrefix.size()) + 1));
  if (!box) return fail(Error(Code::invalid, "the sealed text is damaged").because("sealed_box_refused"));
  return crypto::open(key(purpose, version), *box, bound(context, version));
}

}  // namespace tollgate::store
