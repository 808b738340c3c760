#include "runner/state_watch.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/json/value.h"
#include "runner/contained_file.h"

namespace tollgate::runner {

std::optional<StateIdentity> identify_state(std::string_view text) {
  // Half a document cannot end so; parsing a large one for nothing is slow.
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos || text[last] != '}') return std::nullopt;
  const auto document = json::parse(text);
  if (!document) return std::nullopt;
  const json::Reader reader(*document);
  const auto version = reader.integer("version");
  const auto serial = reader.integer("serial");
  auto lineage = reader.text("lineage");
  if (!version || *version != 4 || !serial || *serial < 0 || !lineage) return std::nullopt;
  return StateIdentity{*serial, std::move(*lineage)};
}

std::string outputs_of_state(std::string_view text) {
  const auto document = json::parse(text);
  json::Value outputs = json::Value::object();
  const json::Value* found = document ? document->find("outputs") : nullptr;
  if (found && found->if_object()) {
    for (const auto& [name, output] : *found->if_object()) {
      const json::Value* value = output.find("value");
      const json::Value* type = output.find("type");
      const json::Value* sensitive = output.find("sensitive");
      outputs.set(name, json::Value::object({{"value", value ? *value : json::Value()},
                                             {"type", type ? *type : json::Value()},
                                             {"sensitive", sensitive ? *sensitive : json::Value(false)}}));
    }
  }
  return json::to_text(outputs);
}

StateWatch::StateWatch(const Spool& spool, int work, std::string directory, std::string name, std::string initial)
    : spool_(spool), name_(std::move(name)), latest_(std::move(initial)) {
  auto opened = open_contained_directory(work, directory);
  if (!opened) throw std::runtime_error(opened.error().text());
  directory_ = std::move(*opened);
  inotify_.reset(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify_) throw std::system_error(errno, std::generic_category(), "inotify_init1");
  // The directory and not the file, which may be replaced.
  const std::string path = fmt::format("/proc/self/fd/{}", directory_.get());
  if (inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE) < 0) {
    throw std::system_error(errno, std::generic_category(), "inotify_add_watch");
  }
}

bool StateWatch::drain_events() {
  bool any = false;
  alignas(inotify_event) char buffer[4096];
  while (read(inotify_.get(), buffer, sizeof buffer) > 0)
    any = true;
  return any;
}

std::optional<std::string> StateWatch::read_settled() const {
  auto first = read_contained(directory_.get(), name_, kMaxSpoolFile);
  if (!first) return std::nullopt;
  const auto second = read_contained(directory_.get(), name_, kMaxSpoolFile);
  if (!second || *first != *second) return std::nullopt;
  return std::move(*first);
}

bool StateWatch::look() {
  drain_events();
  pending_ = false;
  auto text = read_settled();
  if (!text) {
    struct stat info {};
    // No file is no state: before the first one is written, and for ever without changes.
    pending_ = fstatat(directory_.get(), name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    return false;
  }
  if (*text == latest_ && failure_.empty()) return false;
  const auto identity = identify_state(*text);
  if (!identity) {
    pending_ = !text->empty();
    return false;
  }
  const auto published = spool_.publish_state(identity->serial, *text);
  if (!published) {
    failure_ = published.error().text();
    pending_ = true;
    return false;
  }
  failure_.clear();
  serial_ = identity->serial;
  latest_ = std::move(*text);
  return true;
}

}  // namespace tollgate::runner
