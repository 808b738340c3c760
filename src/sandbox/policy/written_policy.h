// A policy document as it is written: elements read and of the right shape, rules of the language not yet applied. In
// two steps because IAM names errors of shape anywhere in a document before any other. For document.cpp only. Pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/json/value.h"
#include "sandbox/policy/document.h"

namespace tollgate::policy {

struct WrittenStatement {
  Statement statement;
  std::string pointer;  // JSON pointer to it
  std::string effect;   // as written: the case is checked later
  bool has_effect = false;
  bool has_action = false;
  bool has_resource = false;
};

struct WrittenPolicy {
  std::string version;  // empty: none
  std::string id;
  std::vector<WrittenStatement> statements;
};

// Errors: "Syntax errors in policy.", and "Invalid principal in policy" for a kind of principal that AWS has not.
Result<WrittenPolicy> read_written_policy(const json::Value& root);

// A MalformedPolicyDocument error; see parse_policy.
tl::unexpected<Error> malformed(std::string sentence, std::string pointer, std::string next = "");
tl::unexpected<Error> syntax_error(std::string pointer, std::string next);

// RFC 6901: the pointer to a member of what `base` points to.
std::string member_pointer(std::string_view base, std::string_view name);

}  // namespace tollgate::policy
