#include "runner/isolation/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/unique_fd.h"

namespace tollgate::isolation {
namespace {

// Small, so that the ratio is known closely: what was read ahead counts as compressed.
constexpr std::size_t kBlock = 8192;
constexpr std::uint64_t kRatioFrom = 1ULL << 20;
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxPath = 4000;

int open_beneath(int directory, const char* path, std::uint64_t flags, std::uint64_t mode = 0) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    // EAGAIN: a rename elsewhere while the kernel looked for "..".
    if (fd >= 0 || errno != EAGAIN || attempt >= 100) return static_cast<int>(fd);
  }
}

// A name as it may stand in an error: printable ASCII, cut.
std::string shown(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, 120))
    text += c >= 0x20 && c < 0x7f ? c : '?';
  return text;
}

Error entry_error(std::string_view name, std::string_view why) {
  return Error(Code::invalid, fmt::format("the archive's entry \"{}\" {}", shown(name), why))
      .because("archive_entry")
      .do_next("pack only files, directories and symbolic links that stay within the configuration");
}

Error limit_error(std::string what) {
  return Error(Code::invalid, std::move(what))
      .because("archive_limit")
      .do_next("leave out what the run does not need (.terraformignore)");
}

Error malformed(archive* reader) {
  const char* why = archive_error_string(reader);
  return Error(Code::invalid,
               fmt::format("the archive is no tar file packed by gzip: {}", why ? shown(why) : "no reason"))
      .because("archive_malformed")
      .do_next("pack the configuration with tar and gzip");
}

Error write_error(std::string_view name, int number) {
  if (number == EEXIST || number == ENOTDIR || number == EISDIR || number == ELOOP || number == EXDEV) {
    return entry_error(name, "comes twice, or lies below something that is no directory");
  }
  return Error(Code::io, fmt::format("unpacking \"{}\": {}", shown(name), std::strerror(number)));
}

// Components without "." and empty ones. Errors: absolute, "..", too long, too deep.
Result<std::vector<std::string>> components(std::string_view path, const ArchiveLimits& limits) {
  if (path.empty()) return fail(entry_error(path, "has no name"));
  if (path.size() > kMaxPath) return fail(entry_error(path, "has too long a name"));
  if (path.front() == '/') return fail(entry_error(path, "is absolute"));
  if (path.find('\0') != std::string_view::npos) return fail(entry_error(path, "has a NUL in its name"));
  std::vector<std::string> parts;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") return fail(entry_error(path, "leads upwards (..)"));
    if (part.size() > kMaxName) return fail(entry_error(path, "has too long a name"));
    parts.emplace_back(part);
  }
  if (parts.size() > limits.depth) {
    return fail(
        limit_error(fmt::format("the archive's entry \"{}\" is nested deeper than {}", shown(path), limits.depth)));
  }
  return parts;
}

// A link of an entry with `depth` directories above it. By its text alone it must stay inside; as every directory on
// the way is a real one (links are refused as parents), this is also where it leads, but for links to links: those stay
// inside one by one.
bool target_stays(std::string_view target, std::size_t depth) {
  if (target.empty() || target.front() == '/' || target.size() > kMaxPath ||
      target.find('\0') != std::string_view::npos) {
    return false;
  }
  bool named = false;
  for (std::string_view rest = target; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      // After a name, ".." would be taken from where that name leads if it is a link.
      if (named || depth == 0) return false;
      --depth;
    } else {
      named = true;
    }
  }
  return true;
}

struct FreeReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

class Unpacking {
 public:
  Unpacking(int source, int directory, const ArchiveLimits& limits, const Clock& clock)
      : source_(source), directory_(directory), limits_(limits), clock_(clock), end_(clock.now() + limits.time) {}

  Result<Unpacked> run() {
    const std::unique_ptr<archive, FreeReader> reader(archive_read_new());
    if (!reader || archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(reader.get()) < ARCHIVE_WARN) {
      throw std::bad_alloc();
    }
    if (archive_read_open(reader.get(), this, nullptr, &Unpacking::next_block, nullptr) != ARCHIVE_OK) {
      return fail(stopped_ ? *stopped_ : malformed(reader.get()));
    }
    for (;;) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(reader.get(), &entry);
      if (stopped_) return fail(*stopped_);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return fail(malformed(reader.get()));
      TG_CHECK(take(reader.get(), entry));
    }
    // libarchive takes an uncompressed tar and an empty file for archives too.
    if (archive_filter_code(reader.get(), 0) != ARCHIVE_FILTER_GZIP) {
      return fail(Error(Code::invalid, "the archive is not packed by gzip").because("archive_malformed"));
    }
    return done_;
  }

 private:
  static la_ssize_t next_block(archive* reader, void* self, const void** block) {
    auto& me = *static_cast<Unpacking*>(self);
    ssize_t count = 0;
    while ((count = read(me.source_, me.block_.data(), me.block_.size())) < 0 && errno == EINTR) {
    }
    if (count < 0) me.stopped_ = Error(Code::io, fmt::format("reading the archive: {}", std::strerror(errno)));
    if (count > 0) me.compressed_ += static_cast<std::uint64_t>(count);
    if (me.compressed_ > me.limits_.compressed_bytes) {
      me.stopped_ = limit_error(fmt::format("the archive is larger than {} MiB", me.limits_.compressed_bytes >> 20));
    }
    if (!me.stopped_ && me.clock_.now() > me.end_) me.stopped_ = me.too_slow();
    if (me.stopped_) {
      archive_set_error(reader, EIO, "stopped");
      return ARCHIVE_FATAL;
    }
    *block = me.block_.data();
    return count;
  }

  Error too_slow() const {
    return limit_error(fmt::format("unpacking the archive takes longer than {} s", limits_.time.count() / 1000));
  }

  Result<void> take(archive* reader, archive_entry* entry) {
    if (++entries_ > limits_.entries) {
      return fail(limit_error(fmt::format("the archive has more than {} entries", limits_.entries)));
    }
    const char* raw = archive_entry_pathname(entry);
    if (!raw) return fail(entry_error("", "has a name that is no text"));
    const std::string name = raw;
    TG_TRY(const std::vector<std::string> path, components(name, limits_));
    if (archive_entry_hardlink(entry)) return fail(entry_error(name, "is a hard link"));
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR:
        return make_directories(name, path, path.size());
      case AE_IFLNK:
        return make_link(name, path, archive_entry_symlink(entry));
      case AE_IFREG:
        return make_file(reader, entry, name, path);
      default:
        return fail(entry_error(name, "is neither a file nor a directory nor a symbolic link"));
    }
  }

  static std::string joined(const std::vector<std::string>& path, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
      text += (i ? "/" : "") + path[i];
    return text.empty() ? "." : text;
  }

  Result<UniqueFd> open_directory(const std::string& name, const std::vector<std::string>& path, std::size_t count) {
    UniqueFd fd(open_beneath(directory_, joined(path, count).c_str(), O_RDONLY | O_DIRECTORY));
    if (!fd) return fail(write_error(name, errno));
    return fd;
  }

  Result<void> make_directories(const std::string& name, const std::vector<std::string>& path, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      TG_TRY(const UniqueFd parent, open_directory(name, path, i));
      if (mkdirat(parent.get(), path[i].c_str(), 0755) == 0) {
        done_.directories += 1;
        if (fchmodat(parent.get(), path[i].c_str(), 0755, 0) != 0) return fail(write_error(name, errno));
        TG_CHECK(count_entry());
      } else if (errno != EEXIST) {
        return fail(write_error(name, errno));
      }
    }
    TG_TRY(const UniqueFd last, open_directory(name, path, count));
    return {};
  }

  Result<UniqueFd> parent_of(const std::string& name, const std::vector<std::string>& path) {
    if (path.empty()) return fail(entry_error(name, "has no name"));
    // Most entries lie in the directory of the one before.
    const std::string parent = joined(path, path.size() - 1);
    UniqueFd fd(open_beneath(directory_, parent.c_str(), O_RDONLY | O_DIRECTORY));
    if (fd) return fd;
    TG_CHECK(make_directories(name, path, path.size() - 1));
    return open_directory(name, path, path.size() - 1);
  }

  Result<void> make_link(const std::string& name, const std::vector<std::string>& path, const char* target) {
    if (!target || path.empty() || !target_stays(target, path.size() - 1)) {
      return fail(entry_error(name, "is a symbolic link that may lead out of the configuration"));
    }
    TG_TRY(const UniqueFd parent, parent_of(name, path));
    if (symlinkat(target, parent.get(), path.back().c_str()) != 0) return fail(write_error(name, errno));
    done_.links += 1;
    return count_entry();
  }

  Result<void> make_file(archive* reader, archive_entry* entry, const std::string& name,
                         const std::vector<std::string>& path) {
    if (archive_entry_sparse_count(entry) > 0) return fail(entry_error(name, "is a sparse file"));
    TG_TRY(const UniqueFd parent, parent_of(name, path));
    const UniqueFd file(
        open_beneath(parent.get(), path.back().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    if (!file) return fail(write_error(name, errno));
    for (;;) {
      const void* block = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(reader, &block, &size, &offset);
      if (stopped_) return fail(*stopped_);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK) return fail(malformed(reader));
      TG_CHECK(count_bytes(size));
      for (std::size_t at = 0; at < size;) {
        const ssize_t written = pwrite(file.get(), static_cast<const char*>(block) + at, size - at,
                                       static_cast<off_t>(offset) + static_cast<off_t>(at));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return fail(write_error(name, errno));
        at += static_cast<std::size_t>(written);
      }
    }
    if (fchmod(file.get(), archive_entry_perm(entry) & 0100 ? 0755 : 0644) != 0) return fail(write_error(name, errno));
    done_.files += 1;
    return count_entry();
  }

  // Directories that only the names of files imply count too.
  Result<void> count_entry() const {
    if (done_.directories + done_.files + done_.links <= limits_.entries) return {};
    return fail(limit_error(fmt::format("the archive has more than {} entries", limits_.entries)));
  }

  Result<void> count_bytes(std::size_t size) {
    done_.bytes += size;
    if (done_.bytes > limits_.unpacked_bytes) {
      return fail(limit_error(fmt::format("the archive unpacks to more than {} MiB", limits_.unpacked_bytes >> 20)));
    }
    if (done_.bytes > kRatioFrom && done_.bytes / std::max<std::uint64_t>(compressed_, 1) > limits_.ratio) {
      return fail(limit_error(fmt::format("the archive unpacks to more than {} times its size", limits_.ratio)));
    }
    if (clock_.now() > end_) return fail(too_slow());
    return {};
  }

  int source_;
  int directory_;
  const ArchiveLimits& limits_;
  const Clock& clock_;
  TimePoint end_;
  std::array<char, kBlock> block_{};
  std::uint64_t compressed_ = 0;
  std::uint64_t entries_ = 0;
  Unpacked done_;
  std::optional<Error> stopped_;
};

}  // namespace

Result<Unpacked> unpack_archive(int archive, int directory, const ArchiveLimits& limits, const Clock& clock) {
  return std::make_unique<Unpacking>(archive, directory, limits, clock)->run();
}

}  // namespace tollgate::isolation
