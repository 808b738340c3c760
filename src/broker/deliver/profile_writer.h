// Temporary profiles in the user's credentials file, for tools that read files and nothing else. Opt-in: the keys stand
// there in clear until they expire. Only sections that carry tollgate's own comment are ever changed or removed; every
// other byte of the file stays. The text functions are pure; the file functions may run in several processes at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/os/atomic_file.h"

namespace tollgate::deliver {

struct TemporaryProfile {
  std::string name;    // of the section: [A-Za-z0-9._@+-]{1,128}
  std::string source;  // the profile whose session it is
  aws::Credentials credentials;
  std::string region;  // empty: none is written
};

struct WrittenProfile {
  std::string name;
  std::string source;
  std::optional<TimePoint> expires;
  int line = 0;  // of its header
};

// The sections of our own, in the order of the file.
std::vector<WrittenProfile> written_profiles(std::string_view text);

// The file with the section added at the end, or written anew where it stands (settings and comments that are not ours
// stay in it). Errors, with the line as place: Code::config, reason foreign_section, where a section of that name is
// not ours; Code::usage, reason bad_name.
Result<Secret> with_profile(std::string_view text, const TemporaryProfile& profile);
// The file without that section. Errors: Code::not_found; Code::config, reason foreign_section.
Result<Secret> without_profile(std::string_view text, std::string_view name);

// Whether a profile of that name could be written, before a code is asked for: the errors of write_profile, but for
// those of the write itself.
Result<void> check_temporary_profile(const std::string& path, std::string_view name);

struct WriteOutcome {
  bool closed_to_others = false;  // others could read the file before, and cannot any more
};

// Read, change, replace by rename, under a lock in `locks`; symbolic links are followed, not replaced. A file that is
// not there is created (0600). Errors: those above with file:line; Code::conflict where another program keeps changing
// the file; Code::forbidden where it belongs to someone else; Code::io.
Result<WriteOutcome> write_profile(const std::string& path, const TemporaryProfile& profile,
                                   const os::PrivateDirectory& locks, const Clock& clock);
Result<WriteOutcome> remove_profile(const std::string& path, std::string_view name, const os::PrivateDirectory& locks,
                                    const Clock& clock);

}  // namespace tollgate::deliver
