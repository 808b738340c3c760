#include "broker/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/os/display_width.h"
#include "common/os/terminal.h"

namespace tollgate::cli {
namespace {

// One write, so that lines of processes side by side do not mix.
void write_error_line(std::string line) {
  line.push_back('\n');
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

int report(const Error& error) {
  std::string text = fmt::format("tollgate: {}", os::printable(error.text()));
  if (!error.next.empty()) text += fmt::format(". Next: {}", os::printable(error.next));
  write_error_line(std::move(text));
  return exit_status(error.code);
}

void print_notice(std::string_view text) {
  write_error_line(fmt::format("tollgate: {}", os::printable(text)));
}

Result<void> print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail(Code::io, fmt::format("cannot write to stdout: {}", std::strerror(errno)));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> print(const Secret& text) {
  return print(text.reveal());
}

Result<void> print_json(const json::Value& value) {
  return print(json::to_pretty_text(value));
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], os::display_width(os::printable(row[i])));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = os::printable(row[i]);
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] - os::display_width(cell) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace tollgate::cli
