#include "broker/remote/log_reader.h"

#include <algorithm>
#include <utility>

namespace tollgate::remote {
namespace {

constexpr char kBegin = '\x02';
constexpr char kEnd = '\x03';
// A "line" beyond this is handed out in pieces, so that memory stays bounded.
constexpr std::size_t kMaxLine = 4U << 20;

}  // namespace

std::vector<std::string> LogReader::take(std::string_view bytes) {
  std::vector<std::string> lines;
  if (bytes.empty() || complete_) return lines;
  const bool first = offset_ == 0;
  offset_ += bytes.size();
  if (first && bytes.front() == kBegin) {
    marked_ = true;
    bytes.remove_prefix(1);
  }
  if (marked_ && bytes.ends_with(kEnd)) {
    complete_ = true;
    bytes.remove_suffix(1);
  }
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (end == std::string_view::npos && line_.size() < kMaxLine) break;
    if (line_.ends_with('\r')) line_.pop_back();
    lines.push_back(std::move(line_));
    line_.clear();
    bytes.remove_prefix(std::min(end, bytes.size() - 1) + 1);
  }
  return lines;
}

std::string LogReader::take_rest() {
  return std::exchange(line_, {});
}

}  // namespace tollgate::remote
