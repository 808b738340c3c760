#include "sandbox/policy/pattern.h"

#include <algorithm>

#include "sandbox/policy/ascii.h"

namespace tollgate::policy {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// The value of what stands between ${ and }.
std::optional<std::string> resolve(std::string_view inside, const Context& context) {
  if (inside == "*" || inside == "?" || inside == "$") return std::string(inside);
  const std::size_t comma = inside.find(',');
  const auto* values = context.find(trim(inside.substr(0, comma)));
  if (values != nullptr && values->size() == 1) return values->front();
  if (comma == std::string_view::npos) return std::nullopt;
  const std::string_view fallback = trim(inside.substr(comma + 1));
  if (fallback.size() < 2 || fallback.front() != '\'' || fallback.back() != '\'') return std::nullopt;
  return std::string(fallback.substr(1, fallback.size() - 2));
}

// Calls `written` for each character of the document and `value` for each text that a variable gave. False: a variable
// without value.
template <class Written, class Value>
bool expand(std::string_view text, Variables variables, Written written, Value value) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (variables != nullptr && text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      // A default is quoted and may hold a brace.
      bool quoted = false;
      std::size_t end = i + 2;
      while (end < text.size() && (quoted || text[end] != '}')) {
        if (text[end] == '\'') quoted = !quoted;
        ++end;
      }
      if (end < text.size()) {
        const auto resolved = resolve(text.substr(i + 2, end - i - 2), *variables);
        if (!resolved) return false;
        value(*resolved);
        i = end;
        continue;
      }
      // No closing brace in the rest, so no other variable can begin there either.
      variables = nullptr;
    }
    written(text[i]);
  }
  return true;
}

}  // namespace

std::optional<std::string> substitute(std::string_view text, Variables variables) {
  std::string out;
  const bool resolved = expand(
      text, variables, [&](char c) { out += c; }, [&](const std::string& value) { out += value; });
  if (!resolved) return std::nullopt;
  return out;
}

std::optional<Pattern> Pattern::compile(std::string_view text, Variables variables) {
  Pattern pattern;
  Tokens& tokens = pattern.tokens_;
  tokens.reserve(text.size());
  const auto written = [&](char c) {
    switch (c) {
      case '*':
        // ** is *; without this a row of stars would cost a pass each.
        if (tokens.empty() || tokens.back().kind != Kind::any_many) tokens.push_back({Kind::any_many, c});
        break;
      case '?':
        tokens.push_back({Kind::any_one, c});
        break;
      case ':':
        tokens.push_back({Kind::colon, c});
        break;
      default:
        tokens.push_back({Kind::character, c});
    }
  };
  const auto value = [&](const std::string& resolved) {
    for (const char c : resolved)
      tokens.push_back({Kind::character, c});
  };
  if (!expand(text, variables, written, value)) return std::nullopt;
  return pattern;
}

// After a mismatch only the latest star needs to take one character more: an earlier star that took more would only
// make the rest of the text shorter.
template <bool kIgnoreCase>
bool Pattern::match(const Token* pattern, const Token* pattern_end, std::string_view text) {
  const auto next_character = [&](std::size_t at) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U)
      ++at;
    return at;
  };
  const Token* star = nullptr;
  std::size_t star_at = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    if (pattern != pattern_end && pattern->kind == Kind::any_many) {
      star = ++pattern;
      star_at = at;
      if (star == pattern_end) return true;
      continue;
    }
    if (pattern != pattern_end && pattern->kind == Kind::any_one) {
      ++pattern;
      at = next_character(at);
      continue;
    }
    if (pattern != pattern_end &&
        (kIgnoreCase ? to_lower(pattern->byte) == to_lower(text[at]) : pattern->byte == text[at])) {
      ++pattern;
      ++at;
      continue;
    }
    if (star == nullptr) return false;
    pattern = star;
    at = ++star_at;
  }
  while (pattern != pattern_end && pattern->kind == Kind::any_many)
    ++pattern;
  return pattern == pattern_end;
}

bool Pattern::matches(std::string_view text) const {
  return match<false>(tokens_.data(), tokens_.data() + tokens_.size(), text);
}

bool Pattern::matches_ignoring_case(std::string_view text) const {
  return match<true>(tokens_.data(), tokens_.data() + tokens_.size(), text);
}

bool Pattern::matches_arn(std::string_view arn) const {
  constexpr int kParts = 6;
  if (tokens_.size() == 1 && tokens_.front().kind == Kind::any_many) return true;
  if (std::count(arn.begin(), arn.end(), ':') < kParts - 1) return false;
  const Token* part = tokens_.data();
  const Token* const end = part + tokens_.size();
  for (int i = 0; i < kParts; ++i) {
    const bool last = i == kParts - 1;
    const std::size_t colon = last ? std::string_view::npos : arn.find(':');
    const Token* part_end =
        last ? end : std::find_if(part, end, [](const Token& token) { return token.kind == Kind::colon; });
    if (!match<false>(part, part_end, arn.substr(0, colon))) return false;
    if (part_end == end) return true;  // the parts left out match anything
    part = part_end + 1;
    arn.remove_prefix(colon + 1);
  }
  return true;
}

}  // namespace tollgate::policy
