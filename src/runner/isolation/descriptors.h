// Descriptors for a program that is about to be started. Internal to this folder. Not synchronised.
#pragma once

#include <fcntl.h>

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace tollgate::isolation {

// The same file under a number of 10 or more, close-on-exec: the child's 0, 1 and 2 then overwrite nothing.
inline UniqueFd out_of_the_way(UniqueFd fd) {
  if (!fd || fd.get() >= 10) return fd;
  return UniqueFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 10));
}

// A memfd with `content`, at its beginning. Code::io.
Result<UniqueFd> memory_file(const char* name, std::string_view content);

struct PipeEnds {
  UniqueFd read;
  UniqueFd write;
};
Result<PipeEnds> make_pipe();

// At most 4 KiB of a small file of the kernel's; empty where it cannot be read.
std::string kernel_file(const std::string& path);
bool write_kernel_file(const std::string& path, std::string_view content);

// The error of every reason for which a sandbox cannot be built.
Error unavailable(std::string message, std::string next);

}  // namespace tollgate::isolation
