#include "runner/work_area.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "common/os/atomic_file.h"
#include "common/os/directory_names.h"
#include "runner/contained_file.h"
#include "runner/isolation/archive.h"
#include "runner/protocol/phase_result.h"
#include "runner/protocol/tree_removal.h"

namespace tollgate::runner {
namespace {

constexpr std::size_t kMaxConfigurationFile = std::size_t{4} << 20;

Error area_error(std::string_view what, std::string_view place) {
  return Error(Code::io, fmt::format("{} {}: {}", what, place, std::strerror(errno)))
      .because(std::string(errno == ENOSPC ? reason::kDiskFull : reason::kInternal));
}

Error refused(Error error) {
  return std::move(error).because(std::string(reason::kConfigurationRefused));
}

Result<void> write_new(int directory, const std::string& name, std::string_view content) {
  const UniqueFd fd(openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail(area_error("creating", name));
  while (!content.empty()) {
    const ssize_t written = write(fd.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(area_error("writing", name));
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

bool is_configuration(std::string_view name) {
  const auto ends_with = [&](std::string_view ending) {
    return name.size() > ending.size() && name.substr(name.size() - ending.size()) == ending;
  };
  return ends_with(".tf") || ends_with(".tf.json") || ends_with(".tofu") || ends_with(".tofu.json");
}

Result<UniqueFd> in_memory(std::string_view bytes) {
  UniqueFd file(memfd_create("configuration", MFD_CLOEXEC));
  if (!file) return fail(area_error("opening", "a file in memory"));
  while (!bytes.empty()) {
    const ssize_t count = write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(area_error("writing", "a file in memory"));
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return fail(area_error("reading", "a file in memory"));
  return file;
}

Result<void> give_tree(int directory, uid_t user, gid_t group) {
  if (fchown(directory, user, group) != 0) return fail(area_error("giving away", "the work area"));
  for (const std::string& name : os::directory_names(directory, "").value_or(std::vector<std::string>())) {
    if (fchownat(directory, name.c_str(), user, group, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail(area_error("giving away", name));
    }
    const UniqueFd below(openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (below) TG_CHECK(give_tree(below.get(), user, group));
  }
  return {};
}

}  // namespace

Result<WorkArea> WorkArea::create(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0) return fail(area_error("creating", path));
  UniqueFd top(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top) return fail(area_error("opening", path));
  for (const char* name : {"configuration", "state", "plan", "home", "tmp"}) {
    if (mkdirat(top.get(), name, 0700) != 0) return fail(area_error("creating", name));
  }
  return WorkArea(path, std::move(top));
}

Result<void> WorkArea::unpack(std::string_view archive) {
  TG_TRY(const UniqueFd target, open_contained_directory(fd(), "configuration"));
  TG_TRY(const UniqueFd file, in_memory(archive));
  const SystemClock clock;
  const auto unpacked = isolation::unpack_archive(file.get(), target.get(), {}, clock);
  if (unpacked) return {};
  Error error = unpacked.error();
  // Which rule it broke stands in the sentence.
  if (error.code == Code::invalid) error.reason = reason::kConfigurationRefused;
  if (error.code == Code::io && error.reason.empty()) error.reason = reason::kInternal;
  return fail(std::move(error));
}

Result<void> WorkArea::enter(const std::string& working_directory) {
  TG_TRY(const UniqueFd root, open_contained_directory(fd(), "configuration"));
  auto opened = open_contained_directory(root.get(), working_directory);
  if (!opened) {
    return fail(refused(Error(Code::invalid, fmt::format("the configuration has no directory \"{}\": {}",
                                                         working_directory, opened.error().message))));
  }
  working_ = std::move(*opened);
  TG_TRY(directory_, contained_path(fd(), working_.get()));
  up_.clear();
  for (std::size_t levels = 1 + static_cast<std::size_t>(std::count(directory_.begin(), directory_.end(), '/'));
       levels > 0; --levels)
    up_ += "../";
  return {};
}

Result<void> WorkArea::put(std::string_view name, std::string_view content) const {
  TG_CHECK(remove(name));
  return write_new(working_.get(), std::string(name), content);
}

Result<void> WorkArea::put_link(std::string_view name, const std::string& target) const {
  TG_CHECK(remove(name));
  if (symlinkat(target.c_str(), working_.get(), std::string(name).c_str()) != 0) {
    return fail(area_error("linking", name));
  }
  return {};
}

Result<void> WorkArea::remove(std::string_view name) const {
  const std::string path(name);
  const std::size_t slash = path.rfind('/');
  UniqueFd parent;
  int directory = working_.get();
  if (slash != std::string::npos) {
    auto opened = open_contained_directory(working_.get(), path.substr(0, slash));
    if (!opened) return {};
    parent = std::move(*opened);
    directory = parent.get();
  }
  const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
  if (unlinkat(directory, last.c_str(), 0) == 0 || errno == ENOENT) return {};
  return fail(refused(Error(
      Code::invalid, fmt::format("\"{}\" in the configuration cannot be replaced: {}", name, std::strerror(errno)))));
}

Result<void> WorkArea::put_at(const std::string& place, std::string_view content) const {
  const std::size_t slash = place.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : place.substr(0, slash);
  TG_CHECK(make_directory(parent));
  TG_TRY(const UniqueFd directory, open_contained_directory(fd(), parent));
  return write_new(directory.get(), place.substr(slash == std::string::npos ? 0 : slash + 1), content);
}

Result<void> WorkArea::make_directory(const std::string& place) const {
  for (std::size_t at = 0; at != std::string::npos && !place.empty();) {
    at = place.find('/', at + 1);
    if (mkdirat(fd(), place.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(area_error("creating", place));
    }
  }
  return {};
}

Result<std::string> WorkArea::read(const std::string& place, std::size_t max_bytes) const {
  return read_contained(fd(), place, max_bytes);
}

bool WorkArea::configuration_mentions(std::string_view word) {
  if (!configuration_text_) {
    configuration_text_.emplace();
    for (const std::string& name : os::directory_names(working_.get(), "").value_or(std::vector<std::string>())) {
      if (!is_configuration(name)) continue;
      const auto text = read_contained(working_.get(), name, kMaxConfigurationFile);
      // What cannot be read here may mention everything.
      if (!text) return true;
      configuration_text_->append(*text).push_back('\n');
    }
  }
  return configuration_text_->find(word) != std::string::npos;
}

Result<void> WorkArea::destroy() const {
  TG_CHECK(remove_tree(fd(), path_));
  if (rmdir(path_.c_str()) != 0) return fail(area_error("removing", path_));
  return {};
}

Result<void> WorkArea::give_to(uid_t user, gid_t group) const {
  return give_tree(fd(), user, group);
}

}  // namespace tollgate::runner
