#include "server/app/json_log.h"

#include <unistd.h>

#include <cerrno>

#include "common/json/value.h"

namespace tollgate::app {

void JsonLog::write(LogLevel level, std::string_view event, std::string_view message, const LogFields& fields) {
  if (level < least_) return;
  json::Value line = json::Value::object(
      {{"ts", format_iso8601(clock_.now())}, {"level", to_text(level)}, {"event", event}, {"message", message}});
  for (const auto& [name, value] : fields)
    std::visit([&, &key = name](const auto& plain) { line.set(std::string(key), plain); }, value);
  const std::string text = json::to_text(line) + "\n";
  const std::lock_guard lock(mutex_);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t count = ::write(fd_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace tollgate::app
