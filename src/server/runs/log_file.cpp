#include "server/runs/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "common/base/unique_fd.h"
#include "common/crypto/sealed_box.h"

namespace tollgate::runs {

namespace {

constexpr std::uint64_t kHeaderBytes = 4 + 1 + 8;

[[noreturn]] void broken(const std::string& path, const char* what) {
  throw std::system_error(errno, std::generic_category(), fmt::format("{} log {}", what, path));
}

UniqueFd open_to_read(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno != ENOENT) broken(path, "opening");
  return fd;
}

void put_little_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

// Reads a file forwards in large pieces.
class Window {
 public:
  Window(int fd, const std::string& path) : fd_(fd), path_(path) {}

  // `size` bytes at `offset`; fewer where the file ends.
  std::string_view at(std::uint64_t offset, std::uint64_t size) {
    if (offset < start_ || offset + size > start_ + buffer_.size()) fill(offset, std::max<std::uint64_t>(size, kPiece));
    return std::string_view(buffer_).substr(std::min<std::uint64_t>(offset - start_, buffer_.size()), size);
  }

 private:
  static constexpr std::uint64_t kPiece = 256 * 1024;
  void fill(std::uint64_t offset, std::uint64_t size) {
    buffer_.resize(size);
    std::size_t have = 0;
    while (have < size) {
      const ssize_t got = ::pread(fd_, buffer_.data() + have, size - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) broken(path_, "reading");
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    buffer_.resize(have);
    start_ = offset;
  }

  int fd_;
  const std::string& path_;
  std::string buffer_;
  std::uint64_t start_ = 0;
};

// Where the header cannot be one: the file ends in what was never written whole.
std::optional<Frame> parse_header(std::string_view bytes, std::uint64_t index, std::uint64_t file_offset) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const std::uint64_t sealed_size = little_endian(bytes.substr(0, 4));
  const auto kind = static_cast<unsigned char>(bytes[4]);
  if (sealed_size < crypto::kSealOverheadBytes || sealed_size > kMaxFrameBytes + crypto::kSealOverheadBytes ||
      kind < 1 || kind > 4) {
    return std::nullopt;
  }
  Frame frame;
  frame.kind = static_cast<FrameKind>(kind);
  frame.index = index;
  frame.spool_offset = little_endian(bytes.substr(5, 8));
  frame.file_offset = file_offset;
  frame.size = sealed_size - crypto::kSealOverheadBytes;
  return frame;
}

}  // namespace

std::uint64_t Frame::file_end() const {
  return file_offset + kHeaderBytes + size + crypto::kSealOverheadBytes;
}

std::string LogFile::associated_data(const Frame& frame) const {
  return fmt::format("log|{}|{}|{}|{}", phase_id_, frame.index, static_cast<int>(frame.kind), frame.spool_offset);
}

std::uint64_t LogFile::scan(const std::string& path, const std::function<void(const Frame&)>& found) const {
  const UniqueFd fd = open_to_read(path);
  if (!fd) return 0;
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) broken(path, "looking at");
  Window window(fd.get(), path);
  std::uint64_t offset = 0;
  for (std::uint64_t index = 0;; ++index) {
    const auto frame = parse_header(window.at(offset, kHeaderBytes), index, offset);
    if (!frame || frame->file_end() > static_cast<std::uint64_t>(status.st_size)) return offset;
    found(*frame);
    offset = frame->file_end();
  }
}

std::string LogFile::sealed(const Frame& frame, std::string_view content) const {
  std::string bytes;
  const std::string box = crypto::seal(*key_, content, associated_data(frame), *random_);
  put_little_endian(bytes, box.size(), 4);
  bytes.push_back(static_cast<char>(frame.kind));
  put_little_endian(bytes, frame.spool_offset, 8);
  return bytes += box;
}

std::optional<std::string> LogFile::content(const std::string& path, const Frame& frame) const {
  const UniqueFd fd = open_to_read(path);
  if (!fd) return std::nullopt;
  Window window(fd.get(), path);
  const auto sealed = window.at(frame.file_offset + kHeaderBytes, frame.size + crypto::kSealOverheadBytes);
  const auto opened = crypto::open(*key_, sealed, associated_data(frame));
  if (!opened) return std::nullopt;
  return std::string(opened->reveal());
}

void LogFile::read_on(const std::string& path, Frame first, std::uint64_t end,
                      const std::function<bool(const Frame&, std::string_view)>& take) const {
  const UniqueFd fd = open_to_read(path);
  if (!fd) throw std::runtime_error(fmt::format("log {} is gone", path));
  Window window(fd.get(), path);
  std::uint64_t index = first.index;
  for (std::uint64_t offset = first.file_offset; offset < end; ++index) {
    const auto frame = parse_header(window.at(offset, kHeaderBytes), index, offset);
    if (!frame) throw std::runtime_error(fmt::format("log {} is damaged at byte {}", path, offset));
    const auto sealed = window.at(offset + kHeaderBytes, frame->size + crypto::kSealOverheadBytes);
    const auto opened = crypto::open(*key_, sealed, associated_data(*frame));
    if (!opened) {
      throw std::runtime_error(fmt::format("log {} was changed at byte {}: its seal does not fit", path, offset));
    }
    if (!take(*frame, opened->reveal())) return;
    offset = frame->file_end();
  }
}

void LogFile::append(const std::string& path, std::string_view bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) broken(path, "opening");
  const off_t before = ::lseek(fd.get(), 0, SEEK_END);
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int why = errno;
      // A part of a frame in the middle of the file would hide all that comes after it.
      [[maybe_unused]] const int ignored = ::ftruncate(fd.get(), before);
      errno = why;
      broken(path, "writing");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void LogFile::truncate(const std::string& path, std::uint64_t size) {
  if (::truncate(path.c_str(), static_cast<off_t>(size)) != 0) broken(path, "cutting off");
}

void LogFile::flush_to_disk(const std::string& path) {
  const UniqueFd fd = open_to_read(path);
  if (fd && ::fdatasync(fd.get()) != 0) broken(path, "flushing");
}

}  // namespace tollgate::runs
