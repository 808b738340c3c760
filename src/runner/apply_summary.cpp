#include "runner/apply_summary.h"

#include <charconv>

namespace tollgate::runner {
namespace {

constexpr std::size_t kMaxLine = 65536;

// "3 added" -> 3: the number before `word`, 0 where it is missing.
std::int64_t number_before(std::string_view line, std::string_view word) {
  const std::size_t at = line.find(word);
  if (at == std::string_view::npos || at == 0) return 0;
  std::size_t begin = at;
  while (begin > 0 && line[begin - 1] >= '0' && line[begin - 1] <= '9')
    --begin;
  std::int64_t number = 0;
  std::from_chars(line.data() + begin, line.data() + at, number);
  return number;
}

std::string without_escapes(std::string_view line) {
  std::string out;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] != '\x1b') {
      out += line[at];
      continue;
    }
    while (at < line.size() && line[at] != 'm')
      ++at;
  }
  return out;
}

}  // namespace

void ApplySummary::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    overlong_ = overlong_ || line_.size() + part.size() > kMaxLine;
    if (!overlong_) line_.append(part);
    if (end == std::string_view::npos) return;
    if (!overlong_) look_at(line_);
    line_.clear();
    overlong_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void ApplySummary::look_at(std::string_view line) {
  if (!line.empty() && line.front() == '{') {
    if (line.find("\"change_summary\"") == std::string_view::npos) return;
    const auto document = json::parse(line);
    if (!document) return;
    const json::Reader reader(*document);
    const auto type = reader.text("type");
    const auto changes = reader.member("changes");
    if (!type || *type != "change_summary" || !changes) return;
    PlanCounts counts;
    counts.additions = changes->integer("add").value_or(0);
    counts.changes = changes->integer("change").value_or(0);
    counts.destructions = changes->integer("remove").value_or(0);
    counts.imports = changes->integer("import").value_or(0);
    counts_ = counts;
    return;
  }
  if (line.find(" complete! Resources: ") == std::string_view::npos) return;
  const std::string plain = without_escapes(line);
  if (plain.rfind("Apply complete! Resources: ", 0) != 0 && plain.rfind("Destroy complete! Resources: ", 0) != 0)
    return;
  PlanCounts counts;
  counts.additions = number_before(plain, " added");
  counts.changes = number_before(plain, " changed");
  counts.destructions = number_before(plain, " destroyed");
  counts.imports = number_before(plain, " imported");
  counts_ = counts;
}

}  // namespace tollgate::runner
