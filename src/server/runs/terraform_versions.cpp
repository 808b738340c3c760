#include "server/runs/terraform_versions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace tollgate::runs {

namespace {

struct Version {
  std::array<int, 3> parts{};
  std::size_t given = 0;  // how many parts were written
  std::string pre_release;
};

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

std::optional<Version> parse_version(std::string_view text) {
  Version version;
  if (text.starts_with('v')) text.remove_prefix(1);
  if (const auto hyphen = text.find('-'); hyphen != std::string_view::npos) {
    version.pre_release = text.substr(hyphen + 1);
    if (version.pre_release.empty()) return std::nullopt;
    text = text.substr(0, hyphen);
  }
  while (version.given < version.parts.size()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version.parts[version.given]);
    if (error != std::errc{} || version.parts[version.given] < 0) return std::nullopt;
    ++version.given;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) return version;
    if (text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  return std::nullopt;
}

// A release is above its pre-releases (semver 11).
bool less(const Version& a, const Version& b) {
  if (a.parts != b.parts) return a.parts < b.parts;
  if (a.pre_release.empty() || b.pre_release.empty()) return !a.pre_release.empty() && b.pre_release.empty();
  return a.pre_release < b.pre_release;
}

struct Condition {
  std::string op;
  Version version;
};

std::optional<Condition> parse_condition(std::string_view text) {
  text = trimmed(text);
  Condition condition;
  for (const std::string_view op : {"~>", ">=", "<=", "!=", "=", ">", "<"}) {
    if (text.starts_with(op)) {
      condition.op = op;
      text.remove_prefix(op.size());
      break;
    }
  }
  if (condition.op.empty()) condition.op = "=";
  const auto version = parse_version(trimmed(text));
  if (!version) return std::nullopt;
  condition.version = *version;
  return condition;
}

// ~> 1.2.3 is >= 1.2.3, < 1.3.0; ~> 1.2 is >= 1.2, < 2.0.
bool pessimistic(const Version& candidate, const Version& least) {
  if (less(candidate, least)) return false;
  const std::size_t fixed = least.given > 1 ? least.given - 1 : 1;
  return std::equal(candidate.parts.begin(), candidate.parts.begin() + static_cast<std::ptrdiff_t>(fixed),
                    least.parts.begin());
}

bool fits(const Version& candidate, const Condition& condition) {
  const bool below = less(candidate, condition.version);
  const bool above = less(condition.version, candidate);
  if (condition.op == "=") return !below && !above;
  if (condition.op == "!=") return below || above;
  if (condition.op == ">") return above;
  if (condition.op == ">=") return !below;
  if (condition.op == "<") return below;
  if (condition.op == "<=") return !above;
  return pessimistic(candidate, condition.version);
}

Result<std::vector<Condition>> parse_wish(std::string_view wish) {
  std::vector<Condition> conditions;
  for (std::string_view rest = wish; !rest.empty();) {
    const auto comma = rest.find(',');
    const auto condition = parse_condition(rest.substr(0, comma));
    if (!condition) {
      return fail(Error(Code::invalid, fmt::format("'{}' is no version of terraform and no constraint", wish))
                      .because("terraform_version")
                      .do_next("write a version such as 1.11.4, a constraint such as ~> 1.11.0, or latest"));
    }
    conditions.push_back(*condition);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return conditions;
}

std::string list_of(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Result<std::string> choose_terraform_version(std::string_view wish, const std::vector<std::string>& installed) {
  wish = trimmed(wish);
  std::vector<Condition> conditions;
  if (!wish.empty() && wish != "latest") {
    TG_TRY(conditions, parse_wish(wish));
  }
  const bool exact = conditions.size() == 1 && conditions.front().op == "=";
  std::string chosen;
  std::optional<Version> best;
  for (const std::string& name : installed) {
    const auto candidate = parse_version(name);
    if (!candidate || (!candidate->pre_release.empty() && !exact)) continue;
    const bool good = std::all_of(conditions.begin(), conditions.end(),
                                  [&](const Condition& condition) { return fits(*candidate, condition); });
    if (good && (!best || less(*best, *candidate))) {
      best = candidate;
      chosen = name;
    }
  }
  if (chosen.empty()) {
    return fail(Error(Code::invalid, fmt::format("no terraform binary of this server fits '{}' (installed: {})",
                                                 wish.empty() ? "latest" : wish, list_of(installed)))
                    .because("terraform_version")
                    .do_next("set another terraform version on the workspace, or have the operator install this one"));
  }
  return chosen;
}

}  // namespace tollgate::runs
