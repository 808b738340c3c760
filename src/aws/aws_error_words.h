// The sentences for people behind map_sts_error: what a refusal means and what to do next, in tollgate's words. Not
// used elsewhere. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "aws/aws_error.h"

namespace tollgate::aws {

struct ErrorWords {
  std::string message;
  std::string next;
};

ErrorWords words_for(MappedKind kind, const ErrorAnswer& answer, const CallContext& context);
// For a call that was sent and whose outcome nobody knows; `answer` has status 0 where none came.
ErrorWords unanswered_words(const ErrorAnswer& answer, const CallContext& context);

// Without regard to the case of A-Z.
bool contains_ignoring_case(std::string_view text, std::string_view fragment);

}  // namespace tollgate::aws
