#include "aws/query.h"

#include <charconv>
#include <map>

#include "common/base/encoding.h"
#include "common/base/secret.h"

namespace tollgate::aws {
namespace {

std::string member_name(std::string_view list, std::size_t index) {
  return fmt::format("{}.member.{}", list, index);
}

// "name.member.12.Key" taken apart: 12 and "Key" ("" for a plain item); nullopt for anything else.
struct MemberName {
  std::size_t index = 0;
  std::string_view field;
};
std::optional<MemberName> read_member_name(std::string_view text, std::string_view list) {
  constexpr std::string_view kMember = ".member.";
  if (!text.starts_with(list) || !text.substr(list.size()).starts_with(kMember)) return std::nullopt;
  text.remove_prefix(list.size() + kMember.size());
  MemberName name;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), name.index);
  if (parsed.ec != std::errc() || text.front() == '0') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  if (text.empty()) return name;
  if (text.front() != '.') return std::nullopt;
  name.field = text.substr(1);
  return name.field.empty() ? std::nullopt : std::optional(name);
}

}  // namespace

QueryParameters::QueryParameters(std::string_view action, std::string_view version) {
  add("Action", action);
  add("Version", version);
}

QueryParameters& QueryParameters::add(std::string_view name, std::string_view value) {
  parameters_.emplace_back(name, value);
  return *this;
}

QueryParameters& QueryParameters::add(std::string_view name, std::int64_t value) {
  return add(name, std::string_view(fmt::format("{}", value)));
}

QueryParameters& QueryParameters::add(std::string_view name, bool value) {
  return add(name, value ? "true" : "false");
}

QueryParameters& QueryParameters::add(std::string_view name, TimePoint value) {
  return add(name, std::string_view(format_iso8601(value)));
}

QueryParameters& QueryParameters::add_list(std::string_view name, const std::vector<std::string>& items) {
  if (items.empty()) return add(name, "");
  for (std::size_t i = 0; i < items.size(); ++i)
    add(member_name(name, i + 1), std::string_view(items[i]));
  return *this;
}

QueryParameters& QueryParameters::add_list(std::string_view name, const std::vector<QueryParameters>& items) {
  if (items.empty()) return add(name, "");
  for (std::size_t i = 0; i < items.size(); ++i)
    add_structure(member_name(name, i + 1), items[i]);
  return *this;
}

QueryParameters& QueryParameters::add_structure(std::string_view name, const QueryParameters& fields) {
  for (const auto& [field, value] : fields.parameters_) {
    add(fmt::format("{}.{}", name, field), std::string_view(value));
  }
  return *this;
}

const std::string* QueryParameters::find(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::vector<std::string> QueryParameters::list(std::string_view name) const {
  std::map<std::size_t, std::string_view> found;
  for (const auto& [key, value] : parameters_) {
    const auto member = read_member_name(key, name);
    if (member && member->field.empty()) found.emplace(member->index, value);
  }
  std::vector<std::string> items;
  for (const auto& [index, value] : found) {
    if (index != items.size() + 1) break;
    items.emplace_back(value);
  }
  return items;
}

std::vector<QueryParameters> QueryParameters::structures(std::string_view name) const {
  std::map<std::size_t, QueryParameters> found;
  for (const auto& [key, value] : parameters_) {
    const auto member = read_member_name(key, name);
    if (member && !member->field.empty()) found[member->index].add(member->field, std::string_view(value));
  }
  std::vector<QueryParameters> items;
  for (auto& [index, fields] : found) {
    if (index != items.size() + 1) break;
    items.push_back(std::move(fields));
  }
  return items;
}

std::string QueryParameters::encode() const {
  std::string body;
  for (const auto& [name, value] : parameters_) {
    if (!body.empty()) body.push_back('&');
    body.append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  return body;
}

void QueryParameters::wipe() noexcept {
  for (auto& parameter : parameters_)
    tollgate::wipe(parameter.second);
}

Result<QueryParameters> parse_query(std::string_view body) {
  QueryParameters parameters;
  for (std::size_t at = 0; at < body.size();) {
    const auto end = std::min(body.find('&', at), body.size());
    const auto pair = body.substr(at, end - at);
    at = end + 1;
    if (pair.empty()) continue;
    if (parameters.all().size() == kMaxQueryParameters)
      return fail(Code::invalid, "the request has too many parameters");
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decode(pair.substr(0, equals), true);
    const auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return fail(Code::invalid, "the request has a malformed percent escape");
    parameters.add(*name, std::string_view(*value));
  }
  return parameters;
}

}  // namespace tollgate::aws
