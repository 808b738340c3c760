#include "common/os/parent_command.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "common/os/atomic_file.h"
#include "common/os/terminal.h"

namespace tollgate::os {
namespace {

constexpr int kMaxGenerations = 16;

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::vector<std::string> words_of(pid_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/cmdline", pid), 65536);
  std::vector<std::string> words;
  if (!text) return words;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\0', at), text->size());
    words.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return words;
}

pid_t parent_of(pid_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  if (!text) return 0;
  // "pid (name) state ppid": the name may hold blanks and parentheses.
  const std::size_t after_name = text->rfind(')');
  if (after_name == std::string::npos || after_name + 4 >= text->size()) return 0;
  return static_cast<pid_t>(std::strtol(text->c_str() + after_name + 4, nullptr, 10));
}

bool is_shell_hop(const std::vector<std::string>& words) {
  constexpr std::array<std::string_view, 6> kShells = {"sh", "bash", "dash", "zsh", "ksh", "busybox"};
  const std::string_view name = base_name(words[0]);
  return words.size() > 1 && words[1] == "-c" && std::find(kShells.begin(), kShells.end(), name) != kShells.end();
}

bool is_between(const std::vector<std::string>& words) {
  const std::string_view name = base_name(words[0]);
  return is_shell_hop(words) || name == "tollgate" || name == "tollgate-fetch" ||
         name.substr(0, 19) == "terraform-provider-";
}

std::string describe(const std::vector<std::string>& words, std::size_t max_bytes) {
  std::string text(base_name(words[0]));
  if (!text.empty() && text.front() == '-') text.erase(0, 1);  // a login shell
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].empty() || words[i].front() == '-') continue;
    if (words[i].find('=') == std::string::npos) text += " " + words[i];
    break;
  }
  text = printable(text);
  if (text.size() > max_bytes) {
    std::size_t cut = max_bytes;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
      --cut;
    text = text.substr(0, cut) + "…";
  }
  return text;
}

}  // namespace

std::string command_of(pid_t pid, std::size_t max_bytes) {
  const auto words = words_of(pid);
  return words.empty() ? std::string() : describe(words, max_bytes);
}

std::string parent_command(std::size_t max_bytes) {
  std::string nearest;
  pid_t pid = getppid();
  for (int generation = 0; pid > 1 && generation < kMaxGenerations; ++generation) {
    const auto words = words_of(pid);
    if (words.empty()) break;
    if (nearest.empty()) nearest = describe(words, max_bytes);
    if (!is_between(words)) return describe(words, max_bytes);
    pid = parent_of(pid);
  }
  return nearest;
}

}  // namespace tollgate::os
