#include "sandbox/iam_request.h"

#include <algorithm>
#include <charconv>

#include "common/base/encoding.h"
#include "sandbox/constraints.h"
#include "sandbox/policy/ascii.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::string_view kNameOthers = "+=,.@-";
constexpr std::string_view kNamePattern = "[\\w+=,.@-]+";
constexpr std::size_t kMostTags = 50;
constexpr std::size_t kMostTagKeyLength = 128;
constexpr std::size_t kMostTagValueLength = 256;
constexpr std::int64_t kDefaultPage = 100;
constexpr std::int64_t kLargestPage = 1000;

// UserName is userName in the messages of AWS's front end.
std::string member_name(std::string_view parameter) {
  std::string name(parameter);
  name.front() = policy::to_lower(name.front());
  return name;
}

bool is_path(std::string_view path) {
  const auto printable = [](char c) { return c >= '!' && c <= '~'; };
  return !path.empty() && path.size() <= 512 && path.front() == '/' && path.back() == '/' &&
         std::all_of(path.begin(), path.end(), printable);
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

OrRefused<std::string> iam_name(const Call& call, std::string_view parameter, std::size_t most) {
  const std::string member = member_name(parameter);
  Constraints constraints(call);
  constraints.required(parameter, member)
      .length(parameter, member, 1, most)
      .characters(parameter, member, kNameOthers, kNamePattern);
  if (auto fault = constraints.fault()) return tl::unexpected(std::move(*fault));
  return std::string(call.text(parameter));
}

OrRefused<std::string> iam_text(const Call& call, std::string_view parameter, std::size_t least, std::size_t most) {
  const std::string member = member_name(parameter);
  Constraints constraints(call);
  constraints.required(parameter, member).length(parameter, member, least, most);
  if (auto fault = constraints.fault()) return tl::unexpected(std::move(*fault));
  return std::string(call.text(parameter));
}

OrRefused<std::string> iam_path(const Call& call, std::string_view parameter) {
  const std::string* path = call.find(parameter);
  if (path == nullptr) return std::string("/");
  if (is_path(*path)) return *path;
  return tl::unexpected(
      validation_error(fmt::format("The specified value for {} is invalid. It must begin and end with / and contain "
                                   "only alphanumeric characters and/or / characters.",
                                   member_name(parameter))));
}

std::string path_prefix(const Call& call) {
  const std::string* prefix = call.find("PathPrefix");
  return prefix == nullptr ? "/" : *prefix;
}

OrRefused<Tags> iam_tags(const Call& call) {
  Tags tags;
  for (std::size_t n = 1;; ++n) {
    const std::string* key = call.find(fmt::format("Tags.member.{}.Key", n));
    if (key == nullptr) break;
    const std::string value(call.text(fmt::format("Tags.member.{}.Value", n)));
    if (key->empty() || key->size() > kMostTagKeyLength || value.size() > kMostTagValueLength) {
      return tl::unexpected(validation_error(fmt::format(
          "1 validation error detected: Value '{}' at 'tags.{}.member.{}' failed to satisfy constraint: "
          "Member must have length less than or equal to {}",
          value.size() > kMostTagValueLength ? value : *key, n, value.size() > kMostTagValueLength ? "value" : "key",
          value.size() > kMostTagValueLength ? kMostTagValueLength : kMostTagKeyLength)));
    }
    if (std::any_of(tags.begin(), tags.end(), [&](const auto& tag) { return same_name(tag.first, *key); })) {
      return tl::unexpected(
          refuse(400, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."));
    }
    tags[*key] = value;
  }
  if (tags.size() > kMostTags) {
    return tl::unexpected(validation_error(
        fmt::format("1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have "
                    "length less than or equal to {}",
                    kMostTags)));
  }
  return tags;
}

std::optional<Answer> add_tags(const Tags& added, Tags& tags) {
  Tags together = tags;
  for (const auto& [key, value] : added) {
    const auto same = std::find_if(together.begin(), together.end(), [key_ = std::string_view(key)](const auto& tag) {
      return same_name(tag.first, key_);
    });
    if (same != together.end()) together.erase(same);
    together[key] = value;
  }
  if (together.size() > kMostTags) {
    return limit_exceeded(fmt::format("The number of tags has reached the maximum limit of {}.", kMostTags));
  }
  tags = std::move(together);
  return std::nullopt;
}

std::size_t document_size(std::string_view document) {
  return document.size() - static_cast<std::size_t>(std::count_if(document.begin(), document.end(), is_blank));
}

OrRefused<std::string> iam_document(const Call& call, std::string_view parameter, policy::Kind kind, std::size_t most,
                                    std::string_view quota_sentence) {
  constexpr std::size_t kMostInAnyDocument = 131072;  // by the service model, before any quota
  auto document = iam_text(call, parameter, 1, kMostInAnyDocument);
  if (!document) return document;
  if (const auto parsed = policy::parse_policy(*document, kind); !parsed) {
    const Error& error = parsed.error();
    Answer answer = refuse(400, "MalformedPolicyDocument", error.message);
    answer.reason = error.text() + (error.next.empty() ? "" : "; " + error.next);
    return tl::unexpected(std::move(answer));
  }
  if (document_size(*document) > most) return tl::unexpected(limit_exceeded(std::string(quota_sentence)));
  return document;
}

ContextKeys tag_keys(const Tags* requested, const Tags* present) {
  ContextKeys keys;
  if (requested != nullptr) {
    for (const auto& [key, value] : *requested) {
      keys["aws:RequestTag/" + key] = {value};
      keys["aws:TagKeys"].push_back(key);
    }
  }
  if (present != nullptr) {
    for (const auto& [key, value] : *present) {
      keys["aws:ResourceTag/" + key] = {value};
      keys["iam:ResourceTag/" + key] = {value};
    }
  }
  return keys;
}

std::optional<Answer> authorize_iam(const World& world, const Call& call, std::string_view resource,
                                    const ContextKeys& extra) {
  return authorize(world, call, "iam:" + call.action, resource, extra);
}

Answer done(std::string_view resource, std::string result) {
  Answer answer = succeed(std::move(result));
  answer.resource = resource;
  return answer;
}

Answer entity_already_exists(std::string message) {
  return refuse(409, "EntityAlreadyExists", std::move(message));
}
Answer delete_conflict(std::string message) {
  return refuse(409, "DeleteConflict", std::move(message));
}
Answer limit_exceeded(std::string message) {
  return refuse(409, "LimitExceeded", std::move(message));
}

Answer page(const Call& call, std::string_view resource, std::string_view name,
            const std::vector<std::string>& members) {
  Constraints constraints(call);
  const std::int64_t most = constraints.integer("MaxItems", "maxItems", 1, kLargestPage, kDefaultPage);
  if (auto fault = constraints.fault()) return *fault;
  // A marker is the position of the next item, in a form that nobody takes for a number.
  std::size_t start = 0;
  if (const std::string* marker = call.find("Marker")) {
    const auto position = base64url_decode(*marker);
    const auto begin = position ? position->data() : nullptr;
    const auto end = position ? begin + position->size() : nullptr;
    if (!position || position->empty() || std::from_chars(begin, end, start).ptr != end || start > members.size()) {
      return validation_error(fmt::format("Invalid Marker. {}", *marker));
    }
  }
  const std::size_t stop = std::min(members.size(), start + static_cast<std::size_t>(most));
  std::string list;
  for (std::size_t i = start; i < stop; ++i)
    list += enclose("member", members[i]);
  const bool more = stop < members.size();
  std::string result = enclose(name, list) + element("IsTruncated", more ? "true" : "false");
  if (more) result += element("Marker", base64url_encode(std::to_string(stop)));
  return done(resource, std::move(result));
}

std::string new_unique_id(RandomSource& random, std::string_view prefix) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(prefix);
  for (const char byte : random.bytes(17))
    id += kAlphabet[static_cast<unsigned char>(byte) % kAlphabet.size()];
  return id;
}

bool same_name(std::string_view a, std::string_view b) {
  return policy::equal_ignoring_case(a, b);
}

}  // namespace tollgate::sandbox
