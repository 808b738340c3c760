// Finds a program on PATH without falling into the traps of PATH: empty and relative entries and directories that
// anyone may write to are passed over, and a shim can pass over itself. Not a shell: no aliases, no built-in commands.
// Pure reading; may be called from any thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace tollgate::os {

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// Follows symbolic links; Code::not_found where there is no such file.
Result<FileIdentity> file_identity(const std::string& path);

struct Program {
  std::string path;
  UniqueFd file;  // O_PATH, close-on-exec: exactly the file that was checked
  FileIdentity identity;
  bool is_script = false;  // starts with "#!": must be executed by path, because $0 names it
};

// `name` with a slash is taken as it is. Passes over `skip` (for a shim: itself). Errors: Code::not_found, reason
// program_not_found (a shell's 127); Code::forbidden, reason program_not_executable (126).
Result<Program> find_program(std::string_view name, std::string_view path_variable,
                             const std::vector<FileIdentity>& skip = {});

// The absolute path of the program that runs here; where its file was replaced meanwhile, the path of the new one.
// Code::io where /proc does not say it.
Result<std::string> own_program();

// Where `name` lies if it was installed in the same folder as the program that runs here. Looks at nothing.
Result<std::string> program_beside(std::string_view name);

// 127 or 126 for the errors above, else exit_status(error.code).
int program_error_status(const Error& error);

}  // namespace tollgate::os
