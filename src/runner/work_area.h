// The directory in which the phase's processes work:
//   configuration/   the unpacked archive, with what configuration_files.h adds
//   state/           terraform's local state
//   plan/            the saved plan, and configuration that terraform generates
//   home/ tmp/
// Everything is put there before the first process starts; afterwards it is read through contained_file.h only. Its
// processes see it at another place, hence all paths between its parts are relative. One thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace tollgate::runner {

class WorkArea {
 public:
  // Makes the directories. Code::conflict where something is there.
  static Result<WorkArea> create(const std::string& path);

  int fd() const { return top_.get(); }
  const std::string& path() const { return path_; }

  // The archive of a configuration. Errors: Code::invalid, reason configuration_refused.
  Result<void> unpack(std::string_view archive);
  // After unpack(): which directory of it terraform runs in. The same errors.
  Result<void> enter(const std::string& working_directory);

  // Relative to the area: "configuration/live/prod", links resolved.
  const std::string& directory() const { return directory_; }
  // From the working directory to a place in the area: "../../../plan/plan.out".
  std::string from_directory(std::string_view place) const { return up_ + std::string(place); }

  // A file of the working directory, replaced if the archive brought one of that name.
  Result<void> put(std::string_view name, std::string_view content) const;
  // A symbolic link there.
  Result<void> put_link(std::string_view name, const std::string& target) const;
  Result<void> remove(std::string_view name) const;
  // A file elsewhere in the area, whose directory is made where it is missing.
  Result<void> put_at(const std::string& place, std::string_view content) const;
  Result<void> make_directory(const std::string& place) const;
  Result<std::string> read(const std::string& place, std::size_t max_bytes) const;
  // Whether a file of the working directory that terraform reads as configuration mentions this word.
  bool configuration_mentions(std::string_view word);

  // Removes everything, the directory itself too. After the last process has ended.
  Result<void> destroy() const;
  // Gives everything to another user. Before the first process starts.
  Result<void> give_to(uid_t user, gid_t group) const;

 private:
  WorkArea(std::string path, UniqueFd top) : path_(std::move(path)), top_(std::move(top)) {}
  std::string path_;
  UniqueFd top_;
  UniqueFd working_;
  std::string directory_;
  std::string up_;
  std::optional<std::string> configuration_text_;
};

}  // namespace tollgate::runner
