// What the commands share: the environment, the files, the cache, the broker, each built when first asked for, so that
// a command pays only for what it uses. It constructs and holds; it decides nothing. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aws/profile_chain.h"
#include "aws/profile_files.h"
#include "broker/cli/configuration.h"
#include "broker/cli/key_vault.h"
#include "broker/deliver/credential_broker.h"
#include "broker/mfa/code_source.h"
#include "broker/vault/session_cache.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "common/os/environment.h"
#include "common/os/process_hardening.h"
#include "common/os/xdg.h"

namespace tollgate::cli {

// How a code is asked for, from flags and variables.
struct CodeOptions {
  std::string mfa_process;  // empty: the profile's mfa_process, else the terminal
  bool no_input = false;    // never ask
  Duration time_limit{300000};
  bool fresh_request = true;  // a person has just typed this command
};

class App {
 public:
  App(os::Environment environment, os::Inherited inherited);
  ~App();

  const os::Environment& environment() const { return environment_; }
  const os::Inherited& inherited() const { return inherited_; }
  aws::Environment lookup() const;
  const Clock& clock() const { return clock_; }
  RandomSource& random() { return random_; }

  Result<const os::UserDirectories*> directories();
  // The user's settings. Not asked for where credentials come from the cache.
  Result<const Configuration*> configuration();
  Result<const aws::ProfileSet*> profiles();
  Result<const vault::SessionCache*> sessions();
  // `profile` is only looked at for its mfa_process setting. The options of the first call count.
  Result<deliver::CredentialBroker*> broker(std::string_view profile, const CodeOptions& options);
  // The stored keys. Its test whether there are any costs one failed open where there are none.
  Result<KeyVault*> vault();
  aws::HasVaultKeys has_vault_keys();
  // The client that starts tollgate-fetch at the first request; the folder of locks.
  net::Client& network();
  // The same for a run server, which is trusted as terraform trusts it: AWS_CA_BUNDLE does not count there.
  net::Client& server_network();
  Result<const os::PrivateDirectory*> lock_directory();
  // What is added to this machine's clock when signing, learnt in an earlier run.
  Duration clock_offset();
  // The folder of the overlays.
  Result<std::string> overlay_directory();

 private:
  struct Parts;
  Result<const os::PrivateDirectory*> cache_directory();
  Result<mfa::DeviceGate*> gate();

  os::Environment environment_;
  os::Inherited inherited_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tollgate::cli
