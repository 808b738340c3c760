// Finds terraform's own summary of an apply in its output: "Apply complete! Resources: 1 added, 0 changed, 0
// destroyed." or, of structured output, the message of type change_summary. One stream, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runner/plan_document.h"

namespace tollgate::runner {

class ApplySummary {
 public:
  void feed(std::string_view bytes);
  // nullopt where none was printed, as after an error.
  const std::optional<PlanCounts>& counts() const { return counts_; }

 private:
  void look_at(std::string_view line);
  std::string line_;
  bool overlong_ = false;
  std::optional<PlanCounts> counts_;
};

}  // namespace tollgate::runner
