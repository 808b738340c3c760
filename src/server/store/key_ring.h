// The master keys of a server, one file, and the keys derived from them for each purpose. Several versions may be in
// the file: the newest seals, all of them open, and when nothing sealed by an old one is left that can go. A further
// key in the file is for keyed hashes (of tokens) and never changes, for what was hashed cannot be hashed again.
//
// The file is text, 0600, in a directory of the server's user:
//   tollgate-master-keys 1
//   hash <32 bytes, base64url> <check>
//   seal <version> <32 bytes, base64url> <check>
// where a check is the first 8 bytes, in hex, of a hash of its key: a damaged line is found when it is read, and
// whether the file belongs to the database (check_values) when that is opened.
//
// A KeyRing is not changed after it was made and may be shared between threads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/base/secret.h"

namespace tollgate::store {

// What a sealed value belongs to: it opens nowhere else. The parts are written one after another, each with its length.
class SealContext {
 public:
  SealContext& add(std::string_view part);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class KeyRing {
 public:
  // A new ring with one key.
  static KeyRing generate(RandomSource& random);
  // Errors: Code::conflict (reason "exists") where the file is there already; Code::io, Code::forbidden.
  static Result<KeyRing> create_file(const std::string& path, RandomSource& random);
  // Errors: Code::not_found; Code::forbidden (open to others); Code::config (reason "master_key_damaged"), with the
  // line.
  static Result<KeyRing> read_file(const std::string& path);
  // This ring and one more key, which becomes the current one. Write it durably before anything is sealed with it.
  KeyRing with_new_key(RandomSource& random) const;
  // This ring without that version; throws std::invalid_argument for the current one.
  KeyRing without(std::uint32_t version) const;
  // Replaces the file, durably.
  Result<void> write_file(const std::string& path) const;

  std::uint32_t current_version() const { return seal_keys_.rbegin()->first; }
  // By version, what may be kept in clear to recognise each key.
  std::map<std::uint32_t, std::string> check_values() const;

  // "s1.<version>.<base64url>": text, for both engines.
  std::string seal(std::string_view purpose, std::string_view plaintext, const SealContext& context,
                   RandomSource& random) const;
  // Errors: Code::invalid, reason "sealed_box_refused" or "key_version_missing".
  Result<Secret> open(std::string_view purpose, std::string_view sealed, const SealContext& context) const;
  // The version in a sealed text; 0 if it is none.
  static std::uint32_t version_of(std::string_view sealed);

  // For sealing by other means, for example of large files. Throws std::out_of_range for a version that is not here.
  Secret key(std::string_view purpose, std::uint32_t version) const;
  bool has(std::uint32_t version) const { return seal_keys_.count(version) != 0; }
  // 32 bytes for keyed hashes of that purpose ("token"); survives every rotation.
  Secret hash_key(std::string_view purpose) const;

 private:
  KeyRing() = default;
  static Result<KeyRing> parse(std::string_view text, const std::string& path);
  Secret text() const;

  Secret hash_key_;
  std::map<std::uint32_t, Secret> seal_keys_;
};

}  // namespace tollgate::store
