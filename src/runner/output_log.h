// The log of a phase in its spool: redacts, appends, and keeps to the cap. What is appended is there for every reader
// at once and never changes. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/unique_fd.h"
#include "runner/protocol/spool.h"
#include "runner/redactor.h"

namespace tollgate::runner {

class OutputLog {
 public:
  // Continues nothing: Code::conflict where the spool has an output already.
  static Result<OutputLog> create(const Spool& spool, const std::vector<std::string>& patterns, std::uint64_t cap,
                                  bool json);

  // A child's two streams: a secret may be cut in one of them while the other goes on.
  enum class Stream { output, error };
  // Bytes of a child. Beyond the cap they are dropped, with one line that says so.
  void append(Stream stream, std::string_view bytes);
  // The end of a child: what was held back as a possible secret is written.
  void end_of_streams();
  // Further secrets, in the log from now on.
  void redact_too(const std::vector<Secret>& secrets);
  // All that is looked for.
  const std::vector<std::string>& patterns() const { return patterns_; }
  // A line of the runner itself, redacted too and written even beyond the cap.
  void note(std::string_view sentence);

  std::uint64_t size() const { return size_; }
  bool truncated() const { return truncated_; }
  // Why nothing more can be written; empty while it can.
  const std::string& failure() const { return failure_; }

 private:
  OutputLog(UniqueFd fd, const std::vector<std::string>& patterns, std::uint64_t cap, bool json)
      : fd_(std::move(fd)),
        redactors_{Redactor(patterns), Redactor(patterns)},
        notes_(patterns),
        patterns_(patterns),
        cap_(cap),
        json_(json) {}
  void write_capped(std::string_view bytes);
  void write_all(std::string_view bytes);
  std::string as_line(std::string_view sentence) const;

  UniqueFd fd_;
  std::array<Redactor, 2> redactors_;
  Redactor notes_;
  std::vector<std::string> patterns_;
  std::uint64_t cap_;
  bool json_;
  std::uint64_t size_ = 0;
  bool at_line_start_ = true;
  bool truncated_ = false;
  std::string failure_;
};

}  // namespace tollgate::runner
