// Text of a policy that may hold wildcards (* any run of characters, ? any one) and policy variables, made ready for
// one request. A character that comes out of a variable is never a wildcard, so that a tag value "*" opens nothing. Not
// a regular expression. Plain values; not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/policy/context.h"

namespace tollgate::policy {

// The context is needed for variables only: ${aws:username}, ${aws:PrincipalTag/team, 'none'}, and ${*} ${?} ${$} for
// the characters themselves (IAM User Guide, "Variables and tags"). nullptr: a document of the time before variables,
// where ${...} is plain text.
using Variables = const Context*;

// Text with its variables replaced and wildcards as plain characters, for the operators that compare whole texts.
// nullopt: a variable is not in the context (or has several values) and has no default; then nothing matches.
std::optional<std::string> substitute(std::string_view text, Variables variables);

class Pattern {
 public:
  // nullopt as for substitute().
  static std::optional<Pattern> compile(std::string_view text, Variables variables);

  // Compares the whole text. At most pattern length times text length steps; ? stands for one UTF-8 character.
  bool matches(std::string_view text) const;
  bool matches_ignoring_case(std::string_view text) const;
  // Compares ARNs part by part, so that a wildcard reaches over no colon but in the last of the six parts; parts that
  // the pattern leaves out match anything ("arn:aws:s3" is all of S3). A lone * matches every text; a text that is no
  // ARN is matched by nothing else.
  bool matches_arn(std::string_view arn) const;

 private:
  enum class Kind : std::uint8_t { character, any_one, any_many, colon };
  struct Token {
    Kind kind;
    char byte;
  };
  using Tokens = std::vector<Token>;

  template <bool kIgnoreCase>
  static bool match(const Token* pattern, const Token* pattern_end, std::string_view text);

  Tokens tokens_;
};

}  // namespace tollgate::policy
