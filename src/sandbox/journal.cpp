#include "sandbox/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <system_error>

#include "sandbox/rows.h"

namespace tollgate::sandbox {
namespace {

constexpr const char* kFile = "journal.jsonl";
constexpr std::size_t kMaxJournal = 1U << 30;

// Calls f(kind, table) for each table of the world, in an order that is part of no format.
template <class W, class F>
void for_each_table(W& world, const F& f) {
  f("account", world.accounts);
  f("user", world.users);
  f("role", world.roles);
  f("managed_policy", world.managed);
  f("access_key", world.access_keys);
  f("mfa_device", world.devices);
  f("used_steps", world.used_steps);
  f("session", world.sessions);
  f("bucket", world.buckets);
  f("object", world.objects);
  f("upload", world.uploads);
}

std::string line(std::string_view kind, const std::string& key, const json::Value* row) {
  json::Value value = json::Value::object({{"kind", kind}, {"key", key}});
  if (row != nullptr) value.set("row", *row);
  return json::to_text(value) + "\n";
}

template <class T>
Result<void> apply(const json::Reader& entry, const std::string& key, Table<T>& table) {
  TG_TRY(const json::Reader row, entry.optional_member("row"));
  if (row.value().is_null()) {
    table.forget(key);
    return {};
  }
  T loaded;
  TG_CHECK(from_json(row, loaded));
  table.load(std::move(loaded));
  return {};
}

Result<void> apply_line(std::string_view text, World& world) {
  TG_TRY(const json::Value value, json::parse(text));
  const json::Reader entry(value);
  TG_TRY(const std::string kind, entry.text("kind"));
  TG_TRY(const std::string key, entry.text("key"));
  Result<void> result = fail(Code::invalid, fmt::format("unknown kind of row {}", kind));
  for_each_table(world, [&](std::string_view name, auto& table) {
    if (name == kind) result = apply(entry, key, table);
  });
  return result;
}

// Calls f(text of the line, its number) for each whole line.
template <class F>
Result<void> for_each_line(const os::PrivateDirectory& directory, const F& f) {
  const auto text = directory.read(kFile, kMaxJournal);
  if (!text && text.error().code == Code::not_found) return {};
  if (!text) return fail(text.error());
  std::string_view rest = *text;
  for (int number = 1;; ++number) {
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) return {};
    auto done = f(rest.substr(0, end));
    if (!done) {
      return fail(Error(Code::invalid, done.error().text())
                      .at(fmt::format("{}/{}:{}", directory.path(), kFile, number))
                      .do_next("Remove the state folder to start over with world.toml."));
    }
    rest.remove_prefix(end + 1);
  }
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw std::system_error(errno, std::generic_category(), "writing the journal");
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

Result<void> read_journal(const os::PrivateDirectory& directory, World& world) {
  return for_each_line(directory, [&](std::string_view text) { return apply_line(text, world); });
}

Result<Journal> Journal::open(const os::PrivateDirectory& directory, World& world, TimePoint now) {
  // The last line of each row, keyed by kind and key.
  std::map<std::pair<std::string, std::string>, std::string> last;
  const auto loaded = for_each_line(directory, [&](std::string_view text) -> Result<void> {
    TG_CHECK(apply_line(text, world));
    TG_TRY(const json::Value value, json::parse(text));
    last[{*value.find("kind")->if_string(), *value.find("key")->if_string()}] = text;
    return {};
  });
  if (!loaded) return fail(loaded.error());
  std::string compact;
  for (const auto& [name, text] : last) {
    if (name.first == "session") {
      const Session* session = world.sessions.find(name.second);
      if (session == nullptr || session->expires + std::chrono::hours(24) < now) {
        world.sessions.forget(name.second);
        continue;
      }
    }
    compact.append(text).push_back('\n');
  }
  TG_CHECK(directory.write(kFile, compact));
  UniqueFd fd(::openat(directory.fd(), kFile, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail(Code::io, fmt::format("cannot open {}/{}", directory.path(), kFile));
  return Journal(std::move(fd));
}

void Journal::save(World& world) {
  std::string lines;
  for_each_table(world, [&](std::string_view kind, auto& table) {
    for (const std::string& key : table.take_changed()) {
      const auto* row = table.find(key);
      if (row == nullptr) {
        lines += line(kind, key, nullptr);
      } else {
        const json::Value value = to_json(*row);
        lines += line(kind, key, &value);
      }
    }
  });
  if (!lines.empty()) write_all(fd_.get(), lines);
}

}  // namespace tollgate::sandbox
