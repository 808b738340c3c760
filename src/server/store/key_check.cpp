#include "server/store/key_check.h"

#include <charconv>

#include "common/base/secret.h"

namespace tollgate::store {

namespace {

constexpr std::string_view kPrefix = "master_key_check.";

std::string setting_name(std::uint32_t version) {
  return fmt::format("{}{}", kPrefix, version);
}

}  // namespace

Result<void> check_keys(SqlSession& session, const KeyRing& keys, KeyCheck mode) {
  std::map<std::uint32_t, std::string> known;
  constexpr SqlValue::Kind kText = SqlValue::Kind::text;
  for (const SqlValues& row :
       session.query("SELECT name, value FROM settings WHERE name LIKE 'master_key_check.%'", {}, {kText, kText})) {
    std::uint32_t version = 0;
    const std::string_view digits = std::string_view(row[0].text).substr(kPrefix.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), version);
    known[version] = row[1].text;
  }
  const std::map<std::uint32_t, std::string> ours = keys.check_values();
  for (const auto& [version, check] : known) {
    const auto own = ours.find(version);
    if (own == ours.end()) {
      return fail(Error(Code::config, fmt::format("the database was used with master key {}, which is not in the "
                                                  "master key file",
                                                  version))
                      .do_next("restore the master key file that belongs to this database")
                      .because("key_version_missing"));
    }
    if (own->second != check) {
      return fail(
          Error(Code::config, fmt::format("master key {} is not the one that this database was used with", version))
              .do_next("restore the master key file that belongs to this database")
              .because("master_key_wrong"));
    }
  }
  if (mode == KeyCheck::only_check) return {};
  for (const auto& [version, check] : ours) {
    if (known.count(version) != 0) continue;
    session.execute("INSERT INTO settings (name, value) VALUES (:p1, :p2)",
                    {SqlValue::of(setting_name(version)), SqlValue::of(check)});
  }
  return {};
}

void forget_key(SqlSession& session, std::uint32_t version) {
  session.execute("DELETE FROM settings WHERE name = :p1", {SqlValue::of(setting_name(version))});
}

}  // namespace tollgate::store
