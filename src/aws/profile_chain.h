// What must be done to obtain a profile's credentials: one base source, then the roles to assume on top, in order, by
// the rules of aws-sdk-go-v2 (config/shared_config.go, config/resolve_credentials.go). Does nothing of it: no network,
// no files. Pure functions and plain values; safe from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aws/credentials.h"
#include "aws/diagnostic.h"
#include "aws/file_locations.h"
#include "aws/profile_files.h"
#include "common/base/error.h"

namespace tollgate::aws {

// Long-term or session keys written in a file.
struct StaticKeys {
  std::string profile;
  Credentials credentials;
  std::string account_id;  // aws_account_id; may be empty
  std::string place;
};
// Long-term keys that the broker's own vault holds under the profile's name.
struct VaultKeys {
  std::string profile;
};
struct EnvironmentCredentials {};  // credential_source = Environment
struct ContainerMetadata {};       // credential_source = EcsContainer, or a container variable and an empty profile
struct InstanceMetadata {};        // credential_source = Ec2InstanceMetadata
struct CredentialProcess {
  std::string profile;
  std::string command;  // for a shell, as the SDK runs it (sh -c)
  std::string place;
};
// AssumeRoleWithWebIdentity: needs no credentials of its own.
struct WebIdentity {
  std::string profile;
  std::string token_file;
  std::string role_arn;
  std::string role_session_name;  // empty: the caller chooses
  std::string place;
};
struct Sso {
  std::string profile;
  std::string session;  // empty: the older form without an sso-session section
  std::string start_url;
  std::string region;
  std::string account_id;
  std::string role_name;
  std::string registration_scopes;
  std::string place;
};
using Source = std::variant<StaticKeys, VaultKeys, EnvironmentCredentials, ContainerMetadata, InstanceMetadata,
                            CredentialProcess, WebIdentity, Sso>;

struct AssumeRole {
  std::string profile;  // whose role it is
  std::string role_arn;
  std::string external_id;                       // empty: none
  std::string mfa_serial;                        // empty: no code needed
  std::string role_session_name;                 // empty: the caller chooses
  std::string source_identity;                   // aws-vault's setting; the SDK has none
  std::optional<std::chrono::seconds> duration;  // duration_seconds; none: the caller chooses. Not checked for caps
  std::string place;                             // of role_arn
};

struct Chain {
  std::string profile;
  std::string region;  // AWS_REGION > AWS_DEFAULT_REGION > the profile's; may be empty
  Source source;
  std::string source_profile;     // whose source it is: the end of the chain of source_profile settings
  std::string source_region;      // that profile's own region; may be empty
  std::string source_mfa_serial;  // mfa_serial beside keys and without a role: no SDK uses it, aws-vault does
  std::vector<AssumeRole> roles;  // in order of execution; may be empty
  // True where Terraform's SDK refuses the profile (source_profile, credential_source or a token file without role_arn)
  // and the meaning of aws-vault is taken: the source's credentials as they are. The overlay leaves those settings out.
  bool lenient = false;
  std::vector<Diagnostic> diagnostics;
};

// Whether the broker's vault holds keys under this profile's name; they win over keys in a file.
using HasVaultKeys = std::function<bool(std::string_view profile)>;

// The rules, as Terraform 1.11 was seen to follow them:
// - The profile asked: source_profile beats its own keys. Any other profile: its own keys beat its source_profile; its
//   role_arn is then assumed with these keys (the AWS CLI leaves that role out; a diagnostic says so).
// - Within a profile: keys, credential_source, web identity, SSO, credential_process. role_arn is assumed on top of any
//   of them, but for web identity, where it is the role itself.
// - source_profile may name the profile itself if that holds keys or SSO settings.
// Errors: Code::not_found (reason profile_not_found, source_not_found, no_credentials), Code::config for everything the
// SDK refuses (reason source_cycle, several_sources, partial_keys, sso_incomplete, bad_credential_source,
// role_arn_missing), each with file:line. Unlike the SDK an empty profile does not fall back to instance metadata: that
// would make a typo wait for a network address; write credential_source = Ec2InstanceMetadata.
// A profile that no file knows is an empty one if the vault holds keys of its name.
Result<Chain> resolve_chain(const ProfileSet& set, std::string_view profile, const Environment& environment,
                            const HasVaultKeys& has_vault_keys = {});

// The device whose code is asked for first: source_mfa_serial, else the first role's that names one; "" if none does.
std::string first_mfa_serial(const Chain& chain);

}  // namespace tollgate::aws
