#include "broker/deliver/shim_trail.h"

#include <algorithm>
#include <charconv>

namespace tollgate::deliver {
namespace {

// Enough for every depth that is still allowed, of some names.
constexpr std::size_t kMaxSteps = 64;

template <class T>
bool read_number(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// name/process/device/inode
bool parse_step(std::string_view text, ShimStep& step) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (parts.size() != 4 || parts[0].empty()) return false;
  step.name = parts[0];
  return read_number(parts[1], step.process) && read_number(parts[2], step.program.device) &&
         read_number(parts[3], step.program.inode);
}

}  // namespace

std::vector<ShimStep> parse_shim_trail(std::string_view text) {
  std::vector<ShimStep> trail;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    ShimStep step;
    if (parse_step(text.substr(0, end), step)) trail.push_back(std::move(step));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return trail;
}

std::string extended_shim_trail(std::vector<ShimStep> trail, const ShimStep& step) {
  trail.push_back(step);
  if (trail.size() > kMaxSteps) trail.erase(trail.begin(), trail.end() - kMaxSteps);
  std::string text;
  for (const ShimStep& each : trail) {
    if (!text.empty()) text += ',';
    text += fmt::format("{}/{}/{}/{}", each.name, each.process, each.program.device, each.program.inode);
  }
  return text;
}

std::size_t shim_depth(const std::vector<ShimStep>& trail, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(trail.begin(), trail.end(), [&](const ShimStep& step) { return step.name == name; }));
}

std::vector<os::FileIdentity> passed_programs(const std::vector<ShimStep>& trail, std::string_view name,
                                              pid_t process) {
  std::vector<os::FileIdentity> passed;
  for (const ShimStep& step : trail) {
    if (step.name == name && step.process == process) passed.push_back(step.program);
  }
  return passed;
}

}  // namespace tollgate::deliver
