#include "broker/deliver/role_limits.h"

#include <fmt/format.h>

#include <charconv>

namespace tollgate::deliver {
namespace {

using std::chrono::seconds;

vault::CacheKey key_of(std::string_view realm, std::string_view role_arn) {
  return vault::CacheKey::Builder(kRoleLimitKind).add("realm", realm).add("role_arn", role_arn).build();
}

std::optional<seconds> leading_seconds(std::string_view& text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count <= 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return seconds(count);
}

std::optional<RoleLimit> read(const std::optional<vault::Entry>& entry) {
  if (!entry || entry->kind != kRoleLimitKind) return std::nullopt;
  std::string_view text = entry->payload.reveal();
  const auto refused = leading_seconds(text);
  if (!refused || !text.starts_with(' ')) return std::nullopt;
  text.remove_prefix(1);
  const auto instead = leading_seconds(text);
  if (!instead || !text.empty() || *instead >= *refused) return std::nullopt;
  return RoleLimit{*refused, *instead};
}

}  // namespace

std::optional<RoleLimit> known_role_limit(const vault::SessionCache& cache, std::string_view realm,
                                          std::string_view role_arn, TimePoint now) {
  return read(cache.get(key_of(realm, role_arn), now));
}

std::optional<RoleLimit> known_role_limit(const vault::SessionCache& cache, std::string_view role_arn, TimePoint now) {
  const auto entries = cache.list();
  if (!entries) return std::nullopt;
  for (const vault::EntrySummary& entry : *entries) {
    const auto label = entry.labels.find("role_arn");
    if (entry.kind != kRoleLimitKind || label == entry.labels.end() || label->second != role_arn) continue;
    if (auto limit = read(cache.get(entry.key, now))) return limit;
  }
  return std::nullopt;
}

Result<void> keep_role_limit(const vault::SessionCache& cache, std::string_view realm, std::string_view role_arn,
                             std::string_view profile, const RoleLimit& limit, TimePoint now) {
  vault::Entry entry;
  entry.kind = kRoleLimitKind;
  entry.payload = Secret(fmt::format("{} {}", limit.refused.count(), limit.instead.count()));
  entry.created = now;
  entry.expires = now + kRoleLimitLife;
  entry.labels = {{"profile", std::string(profile)}, {"role_arn", std::string(role_arn)}};
  return cache.put(key_of(realm, role_arn), entry);
}

}  // namespace tollgate::deliver
