#include "runner/protocol/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "common/base/unique_fd.h"
#include "common/crypto/hash.h"
#include "common/os/directory_names.h"
#include "runner/protocol/tree_removal.h"

namespace tollgate::runner {
namespace {

Error spool_error(std::string_view what, const std::string& path, std::string_view name) {
  return Error(Code::io, fmt::format("{} {}/{}: {}", what, path, name, std::strerror(errno)));
}

std::string state_name(std::int64_t serial) {
  return fmt::format("{}{}", serial, spool_file::kStateSuffix);
}

std::optional<std::int64_t> serial_of(std::string_view name) {
  if (name.size() <= spool_file::kStateSuffix.size()) return std::nullopt;
  const std::string_view number = name.substr(0, name.size() - spool_file::kStateSuffix.size());
  if (name.substr(number.size()) != spool_file::kStateSuffix) return std::nullopt;
  std::int64_t serial = 0;
  const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), serial);
  if (problem != std::errc() || end != number.data() + number.size()) return std::nullopt;
  return serial;
}

}  // namespace

Result<Spool> Spool::create(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return fail(Code::invalid, fmt::format("\"{}\" is no spool", path));
  TG_CHECK(os::PrivateDirectory::create(path.substr(0, slash)));
  if (mkdir(path.c_str(), 0700) != 0) {
    if (errno != EEXIST) {
      return fail(Code::io, fmt::format("creating directory {}: {}", path, std::strerror(errno)));
    }
    return fail(Error(Code::conflict, fmt::format("there is already a spool {}", path)).because("spool_exists"));
  }
  return open(path);
}

Result<Spool> Spool::open(const std::string& path) {
  TG_TRY(os::PrivateDirectory directory, os::PrivateDirectory::open(path));
  return Spool(std::move(directory));
}

Result<void> Spool::write(std::string_view name, std::string_view content, bool durable) const {
  os::WriteOptions options;
  options.durable = durable;
  return directory_.write(name, content, options);
}

Result<std::optional<std::string>> Spool::read(std::string_view name) const {
  auto content = directory_.read(name, kMaxSpoolFile);
  if (content) return std::optional(std::move(*content));
  if (content.error().code == Code::not_found) return std::optional<std::string>();
  return fail(std::move(content).error());
}

bool Spool::has(std::string_view name) const {
  struct stat info {};
  return fstatat(directory_.fd(), std::string(name).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

std::uint64_t Spool::output_size() const {
  struct stat info {};
  const int answer = fstatat(directory_.fd(), spool_file::kOutput.data(), &info, AT_SYMLINK_NOFOLLOW);
  return answer == 0 && S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
}

Result<std::string> Spool::read_output(std::uint64_t offset, std::size_t limit) const {
  const UniqueFd fd(
      openat(directory_.fd(), spool_file::kOutput.data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    if (errno == ENOENT) return std::string();
    return fail(spool_error("opening", path(), spool_file::kOutput));
  }
  std::string bytes(limit, '\0');
  ssize_t got = 0;
  while ((got = pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset))) < 0 && errno == EINTR) {
  }
  if (got < 0) return fail(spool_error("reading", path(), spool_file::kOutput));
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

std::vector<std::int64_t> Spool::state_serials() const {
  std::vector<std::int64_t> serials;
  const UniqueFd states(
      openat(directory_.fd(), spool_file::kStates.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!states) return serials;
  for (const std::string& name : os::directory_names(states.get(), path()).value_or(std::vector<std::string>())) {
    if (const auto serial = serial_of(name)) serials.push_back(*serial);
  }
  std::sort(serials.begin(), serials.end());
  return serials;
}

Result<std::string> Spool::read_state(std::int64_t serial) const {
  TG_TRY(const auto states, os::PrivateDirectory::open(path() + "/" + std::string(spool_file::kStates)));
  return states.read(state_name(serial), kMaxSpoolFile);
}

Result<void> Spool::publish_state(std::int64_t serial, std::string_view content) const {
  TG_TRY(const auto states, directory_.create_below(std::string(spool_file::kStates)));
  os::WriteOptions options;
  options.durable = true;
  return states.write(state_name(serial), content, options);
}

Result<std::optional<PhaseResult>> Spool::result() const {
  TG_TRY(const std::optional<std::string> text, read(spool_file::kResult));
  if (!text) return std::optional<PhaseResult>();
  TG_TRY(PhaseResult result, parse_phase_result(*text));
  return std::optional(std::move(result));
}

bool Spool::alive() const {
  const UniqueFd fd(openat(directory_.fd(), spool_file::kAlive.data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return false;
  // Shared, so that two who ask at the same time do not take each other for the runner.
  while (flock(fd.get(), LOCK_SH | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return true;
    if (errno != EINTR) return false;
  }
  return false;
}

std::string Spool::memory_directory() const {
  return fmt::format("/dev/shm/tollgate-{}-{}", geteuid(), crypto::sha256_hex(path()).substr(0, 32));
}

Result<void> Spool::remove(const std::string& path) {
  auto spool = open(path);
  if (!spool) {
    if (spool.error().code == Code::not_found) return {};
    return fail(std::move(spool).error());
  }
  for (const std::string_view secret :
       {spool_file::kStateIn, spool_file::kPlanIn, spool_file::kPlanOut, spool_file::kPlanJson, spool_file::kOutputs}) {
    TG_CHECK(spool->directory_.remove(secret));
  }
  const std::string memory = spool->memory_directory();
  const UniqueFd in_memory(::open(memory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (in_memory) {
    TG_CHECK(remove_tree(in_memory.get(), memory));
    rmdir(memory.c_str());
  }
  TG_CHECK(remove_tree(spool->directory_.fd(), path));
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) {
    return fail(Code::io, fmt::format("removing {}: {}", path, std::strerror(errno)));
  }
  return {};
}

}  // namespace tollgate::runner
