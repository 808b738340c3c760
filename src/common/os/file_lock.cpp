#include "common/os/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tollgate::os {
namespace {

constexpr std::size_t kMaxNote = 4096;
constexpr Duration kFirstPause{5};
constexpr Duration kLongestPause{50};

Error lock_error(std::string_view what, const PrivateDirectory& directory, std::string_view name, int number) {
  return Error(Code::io, fmt::format("{} {}/{}: {}", what, directory.path(), name, std::strerror(number)));
}

std::string read_from_start(int fd) {
  std::string text(kMaxNote, '\0');
  ssize_t got = 0;
  while ((got = pread(fd, text.data(), text.size(), 0)) < 0 && errno == EINTR) {
  }
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

// Somebody who empties the cache by hand may remove the file under a holder; whoever then locks the new file must not
// take itself for alone with the old one. Hence: the lock counts only on the file that the name leads to.
bool still_there(int fd, int directory, const std::string& name) {
  struct stat locked {};
  struct stat named {};
  return fstat(fd, &locked) == 0 && fstatat(directory, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_acquire(const PrivateDirectory& directory, std::string_view name) {
  const std::string file(name);
  for (int tries = 0; tries < 16; ++tries) {
    UniqueFd fd(openat(directory.fd(), file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!fd) return fail(lock_error("opening", directory, name, errno));
    while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::optional<FileLock>();
      if (errno != EINTR) return fail(lock_error("locking", directory, name, errno));
    }
    if (still_there(fd.get(), directory.fd(), file)) return std::optional(FileLock(std::move(fd)));
  }
  return fail(Code::io, fmt::format("locking {}/{}: it is replaced again and again", directory.path(), name));
}

Result<FileLock> FileLock::acquire(const PrivateDirectory& directory, std::string_view name, Duration patience,
                                   const Clock& clock) {
  Duration waited{0};
  Duration pause = kFirstPause;
  for (;;) {
    TG_TRY(std::optional<FileLock> lock, try_acquire(directory, name));
    if (lock) return std::move(*lock);
    if (waited >= patience) {
      return fail(Error(Code::locked, fmt::format("{}/{} is held by another process", directory.path(), name))
                      .because("locked"));
    }
    pause = std::min({pause, kLongestPause, patience - waited});
    clock.sleep_for(pause);
    waited += pause;
    pause *= 2;
  }
}

void FileLock::write_note(std::string_view text) {
  text = text.substr(0, kMaxNote);
  // A note is for messages and for hints that a reader judges by itself: losing one is no error.
  if (ftruncate(fd_.get(), 0) != 0) return;
  [[maybe_unused]] const ssize_t written = pwrite(fd_.get(), text.data(), text.size(), 0);
}

std::string FileLock::read_note() const {
  return read_from_start(fd_.get());
}

std::string FileLock::peek_note(const PrivateDirectory& directory, std::string_view name) {
  const std::string file(name);
  const UniqueFd fd(openat(directory.fd(), file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  return fd ? read_from_start(fd.get()) : std::string();
}

}  // namespace tollgate::os
