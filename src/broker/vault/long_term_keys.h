// Long-term access keys at rest: one sealed file per profile name in the data directory, replaced by rename after an
// fsync. What is not secret (profile, last four, dates) can be listed without the vault key; it is authenticated
// whenever the file is opened. Knows no AWS. Safe between processes if writers hold lock(); one object serves one
// thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/os/atomic_file.h"
#include "common/os/file_lock.h"

namespace tollgate::vault {

struct LongTermKey {
  std::string access_key_id;
  Secret secret_access_key;
  TimePoint created;  // in AWS if that is known, else when it came here
};

// A rotation in progress: part of the record, so that key and journal are always of one piece. deliver/key_rotation.h
// gives the steps their meaning.
struct RotationNote {
  std::string step;
  TimePoint started;
  std::vector<std::string> known_ids;  // the user's access keys before the new one was made
  std::optional<LongTermKey> other;    // the key that will be, or was, used beside `current`
};

struct KeyRecord {
  LongTermKey current;
  std::string origin;    // "typed", "stdin", "import FILE", "rotation"
  std::string identity;  // random, made at the first put and kept by a rotation: what cached sessions are filed under
  std::optional<RotationNote> rotation;
};

struct KeySummary {
  std::string profile;
  std::string last_four;
  TimePoint created;
  std::string origin;
  std::string identity;
  std::string rotation_step;  // not empty: an unfinished rotation
  TimePoint rotation_started;
  std::string problem;  // not empty: the file cannot be used, and why; then only `file` is sure
  std::string file;     // its path
};

class LongTermKeys {
 public:
  // `directory` is the data directory; records lie in its folder "keys". `key` gives the vault key, called when a
  // record is opened or written. Does nothing yet; both must outlive this.
  LongTermKeys(const os::PrivateDirectory& directory, std::function<Result<Secret>()> key, RandomSource& random)
      : directory_(&directory), key_(std::move(key)), random_(&random) {}

  // nullopt where nothing is stored; then the vault key is not asked for. Errors: those of the key and of the file;
  // Code::invalid (reason sealed_box_refused) where the record was changed or belongs to another vault key.
  Result<std::optional<KeyRecord>> get(std::string_view profile) const;
  // Durable when it returns. Fills in an empty `identity`. Errors: those of the key; Code::io.
  Result<void> put(std::string_view profile, KeyRecord record) const;
  Result<void> remove(std::string_view profile) const;

  // Sorted by profile; needs no vault key.
  Result<std::vector<KeySummary>> list() const;
  Result<std::optional<KeySummary>> summary(std::string_view profile) const;

  // For those who read, change and write a record.
  static Result<os::FileLock> lock(const os::PrivateDirectory& locks, std::string_view profile, Duration patience,
                                   const Clock& clock);

 private:
  const os::PrivateDirectory* directory_;
  std::function<Result<Secret>()> key_;
  RandomSource* random_;
};

// The name of a profile's record: "keys/<hash>" below the data directory. For a test of existence that costs one system
// call.
std::string record_path(std::string_view profile);

// The file format, for the tests and the fuzzer.
std::string seal_record(const Secret& key, std::string_view profile, const KeyRecord& record, RandomSource& random);
Result<KeyRecord> open_record(const Secret& key, std::string_view profile, std::string_view file);
// What a record says in clear; not authenticated.
Result<KeySummary> read_summary(std::string_view file);

}  // namespace tollgate::vault
