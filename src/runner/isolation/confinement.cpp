#include "runner/isolation/confinement.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace tollgate::isolation {
namespace {

// The kernel's ABI of Landlock; 0 where there is none, or where it was not switched on at boot.
long landlock_version() {
  constexpr long kCreateRuleset = 444;
  constexpr unsigned kAskVersion = 1;
  return std::max(syscall(kCreateRuleset, nullptr, 0, kAskVersion), 0L);
}

}  // namespace

// Under ABI 1 nothing could be renamed from one directory to another, which terraform does.
bool can_confine(const SandboxSpec& spec) {
  return !spec.unsandboxed && !spec.confine.empty() && landlock_version() >= 2;
}

std::vector<std::string> confine_arguments(const SandboxSpec& spec, int confine) {
  std::vector<std::string> words{fmt::format("/proc/self/fd/{}", confine)};
  const auto write = [&](const std::string& path) {
    words.emplace_back("--write");
    words.push_back(path);
  };
  for (const char* path : {kWorkDirectory, kHomeDirectory, "/tmp", "/dev/shm"})
    write(path);
  for (const Bind& bind : spec.writable)
    write(bind.inside.empty() ? bind.host : bind.inside);
  words.emplace_back("--");
  return words;
}

}  // namespace tollgate::isolation
