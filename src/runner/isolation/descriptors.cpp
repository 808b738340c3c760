#include "runner/isolation/descriptors.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tollgate::isolation {

Result<UniqueFd> memory_file(const char* name, std::string_view content) {
  UniqueFd fd = out_of_the_way(UniqueFd(memfd_create(name, MFD_CLOEXEC)));
  if (!fd) return fail(Code::io, fmt::format("memory for {}: {}", name, std::strerror(errno)));
  while (!content.empty()) {
    const ssize_t written = write(fd.get(), content.data(), content.size());
    if (written <= 0) return fail(Code::io, fmt::format("memory for {}: {}", name, std::strerror(errno)));
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

Result<PipeEnds> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(Code::io, fmt::format("creating a pipe: {}", std::strerror(errno)));
  return PipeEnds{out_of_the_way(UniqueFd(ends[0])), out_of_the_way(UniqueFd(ends[1]))};
}

std::string kernel_file(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::string text(4096, '\0');
  const ssize_t count = read(fd.get(), text.data(), text.size());
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

bool write_kernel_file(const std::string& path, std::string_view content) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && write(fd.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size());
}

Error unavailable(std::string message, std::string next) {
  return Error(Code::unavailable, std::move(message)).because("sandbox_unavailable").do_next(std::move(next));
}

}  // namespace tollgate::isolation
