// Errors as values, for everything whose outcome depends on input: a missing profile, a refused code, a malformed file.
// Not for a broken environment (disk gone, database lost): that is an exception. Plain values, safe to move between
// threads.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace tollgate {

// What went wrong, coarsely: each value maps to one HTTP status and one sysexits code (exit_code.h).
enum class Code {
  invalid,       // the input is malformed: 422, EX_DATAERR
  usage,         // the command line is wrong: 400, EX_USAGE
  config,        // a configuration or AWS file is wrong: 422, EX_CONFIG
  not_found,     // 404, EX_CONFIG
  conflict,      // 409, EX_TEMPFAIL
  unauthorized,  // 401, EX_NOPERM
  forbidden,     // AWS or the server refused: 403, EX_NOPERM
  needs_person,  // a one-time code is needed and nobody can be asked: 403, EX_NOPERM
  locked,        // 423, EX_TEMPFAIL
  throttled,     // 429, EX_TEMPFAIL
  unavailable,   // the other side cannot be reached: 503, EX_UNAVAILABLE
  unknown,       // it was sent and no answer came; it may have happened: 502, EX_UNAVAILABLE
  cancelled,     // a person pressed Ctrl-C: 499, 130
  io,            // reading or writing a file failed: 500, EX_IOERR
  internal,      // a bug: 500, EX_SOFTWARE
};

std::string_view code_name(Code code);
// The process exit status for a failure of our own, by sysexits.h.
int exit_status(Code code);

struct Error {
  Code code = Code::internal;
  std::string message;  // what failed and why, without a final full stop
  std::string next;     // what the person can do now; may be empty
  std::string place;    // where in the input: file:line, a JSON pointer, a flag; may be empty
  std::string reason;   // stable machine-readable word, for example mfa_code_refused; may be empty

  Error() = default;
  Error(Code code_, std::string message_) : code(code_), message(std::move(message_)) {}

  Error& do_next(std::string text) & {
    next = std::move(text);
    return *this;
  }
  Error&& do_next(std::string text) && {
    next = std::move(text);
    return std::move(*this);
  }
  Error&& at(std::string text) && {
    place = std::move(text);
    return std::move(*this);
  }
  Error&& because(std::string word) && {
    reason = std::move(word);
    return std::move(*this);
  }
  // "reading profile prod" turns "x" into "reading profile prod: x".
  Error&& while_doing(std::string_view what) && {
    message = fmt::format("{}: {}", what, message);
    return std::move(*this);
  }
  // "place: message" as one line; `next` is not part of it.
  std::string text() const { return place.empty() ? message : fmt::format("{}: {}", place, message); }
};

template <class T>
using Result = tl::expected<T, Error>;

// `return fail(Code::invalid, "…")` or `return fail(Error(…).at(…))`.
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
inline tl::unexpected<Error> fail(Code code, std::string message) {
  return fail(Error(code, std::move(message)));
}

}  // namespace tollgate

#define TG_CONCAT_(a, b) a##b
#define TG_CONCAT(a, b) TG_CONCAT_(a, b)
// TG_TRY(auto value, expression): binds the value or returns the error from the enclosing function.
#define TG_TRY(declaration, expression) TG_TRY_(declaration, expression, TG_CONCAT(tg_result_, __LINE__))
#define TG_TRY_(declaration, expression, result)                   \
  auto result = (expression);                                      \
  if (!result) return ::tollgate::fail(std::move(result).error()); \
  declaration = std::move(*result)
// TG_CHECK(expression): the same for Result<void> and for values that are not needed.
#define TG_CHECK(expression)                                                           \
  do {                                                                                 \
    auto tg_check_result = (expression);                                               \
    if (!tg_check_result) return ::tollgate::fail(std::move(tg_check_result).error()); \
  } while (false)
