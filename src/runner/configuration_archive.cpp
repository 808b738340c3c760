#include "runner/configuration_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"
#include "runner/protocol/phase_result.h"

namespace tollgate::runner {
namespace {

Error refused(std::string message) {
  return Error(Code::invalid, std::move(message)).because(std::string(reason::kConfigurationRefused));
}

Error system_error(std::string_view what, std::string_view path) {
  if (errno == ENOSPC || errno == EDQUOT) {
    return Error(Code::io, fmt::format("unpacking the configuration: {} {}: the disk is full", what, path))
        .because(std::string(reason::kDiskFull));
  }
  return refused(fmt::format("the configuration cannot be unpacked: {} {}: {}", what, path, std::strerror(errno)));
}

// The names of a path without "." and empty ones. False where it leads upwards or is absolute.
bool split(std::string_view path, std::vector<std::string>& names) {
  if (!path.empty() && path.front() == '/') return false;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (name == "..") return false;
    if (!name.empty() && name != ".") names.emplace_back(name);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return true;
}

// Whether a link at `place` (its names) that says `target` stays below the top, by its text alone: a path through
// another link is checked when it is used, by everyone who uses it.
bool stays_inside(const std::vector<std::string>& place, std::string_view target) {
  if (target.empty() || target.front() == '/') return false;
  std::size_t depth = place.size() - 1;
  while (!target.empty()) {
    const std::size_t slash = target.find('/');
    const std::string_view name = target.substr(0, slash);
    if (name == "..") {
      if (depth == 0) return false;
      --depth;
    } else if (!name.empty() && name != ".") {
      ++depth;
    }
    target.remove_prefix(slash == std::string_view::npos ? target.size() : slash + 1);
  }
  return true;
}

class Unpacking {
 public:
  Unpacking(int top, const ArchiveLimits& limits) : top_(top), limits_(limits) {}

  Result<void> run(archive* source) {
    for (;;) {
      archive_entry* entry = nullptr;
      const int answer = archive_read_next_header(source, &entry);
      if (answer == ARCHIVE_EOF) return entries_ > 0 ? Result<void>() : fail(refused("the configuration is empty"));
      if (answer != ARCHIVE_OK && answer != ARCHIVE_WARN) {
        const char* why = archive_error_string(source);
        return fail(refused(fmt::format("the configuration is no gzipped tar archive: {}", why ? why : "unknown")));
      }
      if (++entries_ > limits_.entries) {
        return fail(refused(fmt::format("the configuration has more than {} entries", limits_.entries)));
      }
      TG_CHECK(take(source, entry));
    }
  }

 private:
  Result<void> take(archive* source, archive_entry* entry) {
    const char* path = archive_entry_pathname(entry);
    std::vector<std::string> names;
    if (!path || std::strlen(path) > limits_.path || !split(path, names) || names.size() > limits_.depth) {
      return fail(refused(fmt::format("the configuration holds a path that is refused: \"{}\"",
                                      std::string_view(path ? path : "").substr(0, 200))));
    }
    if (archive_entry_hardlink(entry))
      return fail(refused(fmt::format("{} in the configuration is a hard link", path)));
    if (names.empty()) return {};
    const std::string name = names.back();
    const std::vector<std::string> above(names.begin(), names.end() - 1);
    TG_TRY(const UniqueFd parent, directory_at(above, path));
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR:
        if (mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
          return fail(system_error("creating", path));
        }
        return {};
      case AE_IFREG:
        return regular(source, entry, parent.get(), name, path);
      case AE_IFLNK:
        return link(entry, parent.get(), names, path);
      default:
        return fail(refused(fmt::format("{} in the configuration is neither file, directory nor link", path)));
    }
  }

  // Made where missing. No link is followed, so that an earlier entry cannot lead a later one out.
  Result<UniqueFd> directory_at(const std::vector<std::string>& names, const char* path) {
    UniqueFd directory(openat(top_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const std::string& name : names) {
      if (mkdirat(directory.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
        return fail(system_error("creating", path));
      }
      UniqueFd below(openat(directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!below) return fail(system_error("entering", path));
      directory = std::move(below);
    }
    return directory;
  }

  Result<void> regular(archive* source, archive_entry* entry, int parent, const std::string& name, const char* path) {
    const mode_t mode = (archive_entry_mode(entry) & 0100) != 0 ? 0700 : 0600;
    // A later entry of the same name replaces the earlier one, as tar does.
    unlinkat(parent, name.c_str(), 0);
    const UniqueFd file(openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!file) return fail(system_error("creating", path));
    std::vector<char> buffer(65536);
    for (;;) {
      const la_ssize_t got = archive_read_data(source, buffer.data(), buffer.size());
      if (got == 0) return {};
      if (got < 0) return fail(refused(fmt::format("{} in the configuration is cut or broken", path)));
      bytes_ += static_cast<std::uint64_t>(got);
      if (bytes_ > limits_.bytes) {
        return fail(refused(fmt::format("the configuration is larger than {} bytes", limits_.bytes)));
      }
      std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
      while (!rest.empty()) {
        const ssize_t written = write(file.get(), rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail(system_error("writing", path));
        rest.remove_prefix(static_cast<std::size_t>(written));
      }
    }
  }

  Result<void> link(archive_entry* entry, int parent, const std::vector<std::string>& names, const char* path) {
    const char* target = archive_entry_symlink(entry);
    if (!target || !stays_inside(names, target)) {
      return fail(refused(fmt::format("{} in the configuration is a link that leads out of it", path)));
    }
    unlinkat(parent, names.back().c_str(), 0);
    if (symlinkat(target, parent, names.back().c_str()) != 0) return fail(system_error("linking", path));
    return {};
  }

  int top_;
  const ArchiveLimits& limits_;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
};

struct Closer {
  void operator()(archive* source) const { archive_read_free(source); }
};

}  // namespace

Result<void> unpack_configuration(std::string_view bytes, int directory, const ArchiveLimits& limits) {
  const std::unique_ptr<archive, Closer> source(archive_read_new());
  if (!source || archive_read_support_filter_gzip(source.get()) != ARCHIVE_OK ||
      archive_read_support_format_tar(source.get()) != ARCHIVE_OK ||
      archive_read_open_memory(source.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    return fail(refused("the configuration is no gzipped tar archive"));
  }
  return Unpacking(directory, limits).run(source.get());
}

}  // namespace tollgate::runner
