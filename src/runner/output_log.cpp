#include "runner/output_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/json/value.h"
#include "runner/redaction_patterns.h"

namespace tollgate::runner {

Result<OutputLog> OutputLog::create(const Spool& spool, const std::vector<std::string>& patterns, std::uint64_t cap,
                                    bool json) {
  UniqueFd fd(openat(spool.directory().fd(), spool_file::kOutput.data(),
                     O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) {
    return fail(errno == EEXIST ? Code::conflict : Code::io,
                fmt::format("creating the output in {}: {}", spool.path(), std::strerror(errno)));
  }
  return OutputLog(std::move(fd), patterns, cap, json);
}

void OutputLog::append(Stream stream, std::string_view bytes) {
  std::string shown;
  shown.reserve(bytes.size() + 64);
  redactors_[stream == Stream::error ? 1 : 0].feed(bytes, shown);
  write_capped(shown);
}

void OutputLog::end_of_streams() {
  std::string shown;
  for (Redactor& redactor : redactors_)
    redactor.finish(shown);
  write_capped(shown);
}

void OutputLog::redact_too(const std::vector<Secret>& secrets) {
  const auto more = redaction_patterns(secrets);
  patterns_.insert(patterns_.end(), more.begin(), more.end());
  for (Redactor& redactor : redactors_)
    redactor.learn(patterns_);
  notes_.learn(patterns_);
}

void OutputLog::note(std::string_view sentence) {
  end_of_streams();
  std::string shown;
  notes_.feed(sentence, shown);
  notes_.finish(shown);
  if (!at_line_start_) write_all("\n");
  write_all(as_line(shown));
}

// In a structured log a line of the kind that clients print as it is.
std::string OutputLog::as_line(std::string_view sentence) const {
  if (!json_) return std::string(sentence) + "\n";
  return json::to_text(json::Value::object(
             {{"@level", "info"}, {"@message", sentence}, {"@module", "tollgate.runner"}, {"type", "log"}})) +
         "\n";
}

void OutputLog::write_capped(std::string_view bytes) {
  if (bytes.empty() || truncated_) return;
  const std::uint64_t room = cap_ > size_ ? cap_ - size_ : 0;
  if (bytes.size() <= room) {
    write_all(bytes);
    return;
  }
  write_all(bytes.substr(0, room));
  truncated_ = true;
  if (!at_line_start_) write_all("\n");
  write_all(
      as_line(fmt::format("The log has reached its limit of {} bytes. The run goes on; what it writes from here "
                          "on is not kept.",
                          cap_)));
}

void OutputLog::write_all(std::string_view bytes) {
  if (bytes.empty() || !failure_.empty()) return;
  const char last = bytes.back();
  while (!bytes.empty()) {
    const ssize_t written = write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      failure_ = std::strerror(errno);
      return;
    }
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  at_line_start_ = last == '\n';
}

}  // namespace tollgate::runner
