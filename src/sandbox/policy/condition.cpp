#include "sandbox/policy/condition.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "common/base/encoding.h"
#include "common/base/time.h"
#include "sandbox/policy/ascii.h"
#include "sandbox/policy/pattern.h"

namespace tollgate::policy {
namespace {

enum class Family { string, string_ignoring_case, like, arn, number, date, boolean, binary, address, null };
enum class Relation { equal, less, less_or_equal, greater, greater_or_equal };

struct Operator {
  std::string_view name;
  Family family;
  Relation relation = Relation::equal;
  bool negated = false;
};

constexpr std::array kOperators{
    Operator{"StringEquals", Family::string},
    Operator{"StringNotEquals", Family::string, Relation::equal, true},
    Operator{"StringEqualsIgnoreCase", Family::string_ignoring_case},
    Operator{"StringNotEqualsIgnoreCase", Family::string_ignoring_case, Relation::equal, true},
    Operator{"StringLike", Family::like},
    Operator{"StringNotLike", Family::like, Relation::equal, true},
    Operator{"NumericEquals", Family::number},
    Operator{"NumericNotEquals", Family::number, Relation::equal, true},
    Operator{"NumericLessThan", Family::number, Relation::less},
    Operator{"NumericLessThanEquals", Family::number, Relation::less_or_equal},
    Operator{"NumericGreaterThan", Family::number, Relation::greater},
    Operator{"NumericGreaterThanEquals", Family::number, Relation::greater_or_equal},
    Operator{"DateEquals", Family::date},
    Operator{"DateNotEquals", Family::date, Relation::equal, true},
    Operator{"DateLessThan", Family::date, Relation::less},
    Operator{"DateLessThanEquals", Family::date, Relation::less_or_equal},
    Operator{"DateGreaterThan", Family::date, Relation::greater},
    Operator{"DateGreaterThanEquals", Family::date, Relation::greater_or_equal},
    Operator{"Bool", Family::boolean},
    Operator{"BinaryEquals", Family::binary},
    Operator{"IpAddress", Family::address},
    Operator{"NotIpAddress", Family::address, Relation::equal, true},
    Operator{"ArnEquals", Family::arn},
    Operator{"ArnNotEquals", Family::arn, Relation::equal, true},
    Operator{"ArnLike", Family::arn},
    Operator{"ArnNotLike", Family::arn, Relation::equal, true},
    Operator{"Null", Family::null},
};

const Operator* find_operator(std::string_view name) {
  const auto* found =
      std::find_if(kOperators.begin(), kOperators.end(), [&](const Operator& one) { return one.name == name; });
  return found == kOperators.end() ? nullptr : found;
}

template <class T>
bool related(Relation relation, T have, T want) {
  switch (relation) {
    case Relation::equal:
      return have == want;
    case Relation::less:
      return have < want;
    case Relation::less_or_equal:
      return have <= want;
    case Relation::greater:
      return have > want;
    case Relation::greater_or_equal:
      return have >= want;
  }
  return false;
}

std::optional<double> read_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Milliseconds since 1970.
std::optional<std::int64_t> read_date(std::string_view text) {
  if (all_digits(text)) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc()) return std::nullopt;
    constexpr std::int64_t kYear9999 = 253402300799;
    return std::min(seconds, kYear9999) * 1000;
  }
  // Shorter forms of W3C's ISO 8601 profile, filled up with the beginning of the period.
  constexpr std::string_view kFilling = "0000-01-01T00:00:00Z";
  std::string whole(text);
  if (text.size() == 7 || text.size() == 10) {
    whole += kFilling.substr(text.size());
  } else if (text.size() == 17 && text.back() == 'Z') {
    whole.replace(16, 1, ":00Z");
  }
  const auto time = parse_iso8601(whole);
  if (!time) return std::nullopt;
  return time->time_since_epoch().count();
}

struct Network {
  std::array<unsigned char, 16> bytes{};
  unsigned bits = 0;  // of the address family: 32 or 128
  unsigned prefix = 0;
};

// 10.0.0.0/8, 2001:db8::/32, or an address alone.
std::optional<Network> read_network(std::string_view text) {
  Network network;
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  if (address.find('\0') != std::string::npos) return std::nullopt;
  if (inet_pton(AF_INET, address.c_str(), network.bytes.data()) == 1) {
    network.bits = 32;
  } else if (inet_pton(AF_INET6, address.c_str(), network.bytes.data()) == 1) {
    network.bits = 128;
  } else {
    return std::nullopt;
  }
  network.prefix = network.bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    if (!all_digits(digits) || digits.size() > 3) return std::nullopt;
    std::from_chars(digits.data(), digits.data() + digits.size(), network.prefix);
    if (network.prefix > network.bits) return std::nullopt;
  }
  return network;
}

bool contains(const Network& network, const Network& address) {
  if (network.bits != address.bits || address.prefix != address.bits) return false;
  const unsigned whole = network.prefix / 8;
  if (std::memcmp(network.bytes.data(), address.bytes.data(), whole) != 0) return false;
  const unsigned rest = network.prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xFFU << (8 - rest) & 0xFFU;
  return (network.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

std::optional<bool> read_boolean(std::string_view text) {
  if (equal_ignoring_case(text, "true")) return true;
  if (equal_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

// Whether one value of the request matches one of the policy, negation left aside.
bool value_matches(const Operator& op, std::string_view want, Variables variables, std::string_view have) {
  switch (op.family) {
    case Family::string: {
      const auto text = substitute(want, variables);
      return text && *text == have;
    }
    case Family::string_ignoring_case: {
      const auto text = substitute(want, variables);
      return text && equal_ignoring_case(*text, have);
    }
    case Family::like: {
      const auto pattern = Pattern::compile(want, variables);
      return pattern && pattern->matches(have);
    }
    case Family::arn: {
      const auto pattern = Pattern::compile(want, variables);
      return pattern && pattern->matches_arn(have);
    }
    case Family::number: {
      const auto a = read_number(have);
      const auto b = read_number(want);
      return a && b && related(op.relation, *a, *b);
    }
    case Family::date: {
      const auto a = read_date(have);
      const auto b = read_date(want);
      return a && b && related(op.relation, *a, *b);
    }
    case Family::boolean: {
      const auto a = read_boolean(have);
      const auto b = read_boolean(want);
      return a && b && *a == *b;
    }
    case Family::binary: {
      const auto a = base64_decode(have);
      const auto b = base64_decode(want);
      return a && b && *a == *b;
    }
    case Family::address: {
      const auto network = read_network(want);
      const auto address = read_network(have);
      return network && address && contains(*network, *address);
    }
    case Family::null:
      return false;
  }
  return false;
}

}  // namespace

bool is_condition_operator(std::string_view name) {
  return find_operator(name) != nullptr;
}
bool is_condition_date(std::string_view text) {
  return read_date(text).has_value();
}

bool holds(const Condition& condition, bool variables, const Context& context) {
  const Operator* op = find_operator(condition.operator_name);
  if (op == nullptr) return false;
  const auto* have = context.find(condition.key);
  if (op->family == Family::null) {
    const bool is_null = have == nullptr || have->empty();
    return std::any_of(condition.values.begin(), condition.values.end(),
                       [&](const std::string& want) { return read_boolean(want) == is_null; });
  }
  if (have == nullptr || have->empty()) {
    if (condition.if_exists) return true;
    switch (condition.set_operator) {
      case SetOperator::for_all_values:
        return true;
      case SetOperator::for_any_value:
        return false;
      case SetOperator::none:
        return op->negated;
    }
  }
  const auto matches_one = [&](const std::string& value) {
    return std::any_of(condition.values.begin(), condition.values.end(), [&](const std::string& want) {
      return value_matches(*op, want, variables ? &context : nullptr, value);
    });
  };
  const auto satisfied = [&](const std::string& value) { return matches_one(value) != op->negated; };
  switch (condition.set_operator) {
    case SetOperator::for_all_values:
      return std::all_of(have->begin(), have->end(), satisfied);
    case SetOperator::for_any_value:
      return std::any_of(have->begin(), have->end(), satisfied);
    // AWS leaves open what a key with several values means here. "Not equal" must then hold for each of them, so that
    // a second value cannot hide a first.
    case SetOperator::none:
      return op->negated ? std::all_of(have->begin(), have->end(), satisfied)
                         : std::any_of(have->begin(), have->end(), satisfied);
  }
  return false;
}

std::string describe(const Condition& condition, const Context& context) {
  const auto list = [](const std::vector<std::string>& values) {
    std::string text;
    for (const std::string& value : values)
      text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", value);
    return values.size() == 1 ? text : fmt::format("[{}]", text);
  };
  const auto* have = context.find(condition.key);
  return fmt::format("{} {} {}, and the request has {}", condition.operator_text(), condition.key,
                     list(condition.values), have == nullptr ? "no such key" : list(*have));
}

}  // namespace tollgate::policy
