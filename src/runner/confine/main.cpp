// tollgate-confine: takes rights from itself by Landlock and executes a program, which has no more than it. The last
// step into a sandbox: bubblewrap has to mount things, which a process under Landlock may not, so only what bubblewrap
// executes can do this. It stands alone and links nothing of tollgate, because it starts before every command of a run.
//
//   tollgate-confine --write PATH... -- PROGRAM ARGUMENT...
//
// Reading and executing stay allowed everywhere below /, writing below the paths named and to existing files of /dev.
// From ABI 6 on no abstract UNIX socket and no signal reaches a process outside. Exits 126 where the kernel
// refuses, 127 where PROGRAM cannot be executed. https://docs.kernel.org/userspace-api/landlock.html
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

// Of linux/landlock.h, which on the oldest system that this is built on knows ABI 2 only.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1;
constexpr int kPathBeneath = 1;

constexpr std::uint64_t kExecute = 1U << 0;
constexpr std::uint64_t kWriteFile = 1U << 1;
constexpr std::uint64_t kReadFile = 1U << 2;
constexpr std::uint64_t kReadDirectory = 1U << 3;
constexpr std::uint64_t kMakeCharacterDevice = 1U << 6;
constexpr std::uint64_t kMakeBlockDevice = 1U << 11;
constexpr std::uint64_t kOfVersion1 = (1U << 13) - 1;
constexpr std::uint64_t kRefer = 1U << 13;     // ABI 2
constexpr std::uint64_t kTruncate = 1U << 14;  // ABI 3
constexpr std::uint64_t kIoctl = 1U << 15;     // ABI 5
constexpr std::uint64_t kScopes = 3;           // ABI 6: abstract UNIX sockets, signals

struct Ruleset {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scopes;
};
struct __attribute__((packed)) Beneath {
  std::uint64_t allowed;
  std::int32_t file;
};

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "tollgate-confine: %s: %s\n", what, std::strerror(errno));
  _exit(126);
}

void allow(int ruleset, const char* path, std::uint64_t rights) {
  Beneath rule{rights, open(path, O_PATH | O_CLOEXEC)};
  struct stat status {};
  if (rule.file < 0 || fstat(rule.file, &status) != 0) give_up(path);
  if (!S_ISDIR(status.st_mode)) rule.allowed &= kExecute | kWriteFile | kReadFile | kTruncate | kIoctl;
  if (syscall(kAddRule, ruleset, kPathBeneath, &rule, 0) != 0) give_up(path);
  close(rule.file);
}

}  // namespace

int main(int count, char** words) {
  int at = 1;
  while (at < count && std::strcmp(words[at], "--write") == 0)
    at += 2;
  if (at + 1 >= count || std::strcmp(words[at], "--") != 0) {
    std::fputs("Usage: tollgate-confine --write PATH... -- PROGRAM ARGUMENT...\n", stderr);
    return 64;
  }
  const long version = syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  // Under ABI 1 nothing could be renamed from one directory to another.
  if (version < 2) give_up("the kernel has no Landlock of version 2");
  Ruleset wanted{kOfVersion1 | kRefer, 0, 0};
  if (version >= 3) wanted.files |= kTruncate;
  if (version >= 5) wanted.files |= kIoctl;
  if (version >= 6) wanted.scopes = kScopes;
  const int ruleset = static_cast<int>(syscall(kCreateRuleset, &wanted, version >= 6 ? sizeof wanted : 8UL, 0));
  if (ruleset < 0) give_up("the rules");
  allow(ruleset, "/", kExecute | kReadFile | kReadDirectory);
  allow(ruleset, "/dev", (kReadFile | kReadDirectory | kWriteFile | kTruncate | kIoctl) & wanted.files);
  for (int word = 1; word < at; word += 2)
    allow(ruleset, words[word + 1], wanted.files & ~(kMakeCharacterDevice | kMakeBlockDevice));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up("giving up privileges for good");
  if (syscall(kRestrictSelf, ruleset, 0) != 0) give_up("taking effect");
  // Ourselves among them, where we were executed by descriptor.
  syscall(SYS_close_range, 3U, ~0U, 0U);
  execv(words[at + 1], words + at + 1);
  std::fprintf(stderr, "tollgate-confine: %s cannot be executed: %s\n", words[at + 1], std::strerror(errno));
  return 127;
}
