// The stored keys as the commands use them: opened when first asked for, so that whoever has none pays one failed open.
// Holds the vault key and the records; decides nothing. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "broker/vault/long_term_keys.h"
#include "broker/vault/vault_key.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "common/os/atomic_file.h"
#include "common/os/environment.h"

namespace tollgate::cli {

class KeyVault {
 public:
  using Directory = std::function<Result<const os::PrivateDirectory*>()>;

  // `data` is the path of the data directory, `locks` gives the directory of the locks. All but the path must outlive
  // this.
  KeyVault(std::string data, Directory locks, const os::Environment& environment, RandomSource& random,
           const Clock& clock)
      : data_path_(std::move(data)),
        locks_(std::move(locks)),
        environment_(&environment),
        random_(&random),
        clock_(&clock) {}

  // How a person may be asked for the passphrase, from now on.
  void limit_questions(vault::PersonOptions options) { person_ = options; }

  // Whether keys are stored under that name. Asks nobody.
  bool has(std::string_view profile);
  // What cached sessions of these keys are filed under; the same as long as the keys belong to the same user. Empty
  // where there are none. Asks nobody.
  std::string identity(std::string_view profile);
  // All names under which keys are stored; files that cannot be read are passed over (doctor names them).
  std::vector<std::string> profiles();
  // May ask for the passphrase. Code::not_found where nothing is stored.
  Result<aws::Credentials> credentials(std::string_view profile);

  // These make the data directory.
  Result<vault::VaultKey*> key();
  Result<const vault::LongTermKeys*> records();
  // For those who must not make one: what is stored, and what it is locked with. Asks nobody.
  Result<std::vector<vault::KeySummary>> list();
  Result<std::optional<vault::Protection>> protection();

 private:
  Result<const os::PrivateDirectory*> data();
  bool exists();

  std::string data_path_;
  Directory locks_;
  const os::Environment* environment_;
  RandomSource* random_;
  const Clock* clock_;
  vault::PersonOptions person_;
  bool looked_ = false;
  UniqueFd folder_;  // O_PATH, for has()
  std::optional<os::PrivateDirectory> data_;
  std::optional<vault::VaultKey> key_;
  std::optional<vault::LongTermKeys> records_;
};

}  // namespace tollgate::cli
