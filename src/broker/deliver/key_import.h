// Moves long-term keys out of the AWS files: the two lines of the key give way to one credential_process line that
// calls tollgate, every other byte of the file stays, and the file as it was is kept as a backup. Does not store the
// key: that comes between plan and apply. Pure but for apply_import.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/profile_files.h"
#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"

namespace tollgate::deliver {

// The profile that a credential_process line of our own names; nullopt if the line is not ours. Such a line means "the
// keys are in tollgate's vault".
std::optional<std::string> own_process_profile(std::string_view command);

struct FileEdit {
  std::string path;
  Secret before;  // both hold keys, of this or of other profiles
  Secret after;
};

struct ImportPlan {
  std::string profile;
  std::string access_key_id;
  Secret secret_access_key;
  std::string place;  // file:line of the key
  std::vector<FileEdit> edits;
};

// `process` is the value of the credential_process line. Errors: Code::not_found where the profile has no keys in a
// file (reason no_keys; already_imported if the line is there); Code::config (reason temporary_keys, other_process,
// keys_beside_role, two_key_pairs), each with file:line and what to do.
Result<ImportPlan> plan_import(const aws::FileLocations& files, std::string_view profile, std::string_view process,
                               const aws::FileReader& reader = aws::read_aws_file);

// Writes the backups (FILE.tollgate-TIME, 0600) and replaces the files by rename, keeping their modes; symbolic links
// are followed, not replaced. The paths of the backups. Errors: Code::conflict where a file has changed since it was
// read; Code::io.
Result<std::vector<std::string>> apply_import(const ImportPlan& plan, TimePoint now);

// The text of one file without the profile's keys; with `process` the credential_process line stands where the key id
// stood (or, in a file without one, the secret). nullopt where the file holds no key of that profile.
std::optional<std::string> without_keys(std::string_view text, aws::FileKind kind, std::string_view profile,
                                        std::string_view process);

}  // namespace tollgate::deliver
