#include "server/store/sql_tables.h"

namespace tollgate::store {

void SqlAudit::append(const domain::AuditRecord& record) {
  const Result<void> inserted = insert_row(context_, record);
  if (!inserted) throw std::logic_error(fmt::format("audit record {}: {}", record.sequence, inserted.error().message));
}

std::optional<domain::AuditRecord> SqlAudit::last() {
  return select_one<domain::AuditRecord>(context_, " ORDER BY sequence DESC LIMIT 1", {});
}

std::vector<domain::AuditRecord> SqlAudit::list(std::string_view organization_id, std::int64_t from,
                                                std::int64_t limit) {
  Where where;
  where.add("audit_records.sequence >= ?", {SqlValue::of(from)});
  if (!organization_id.empty()) where.add("audit_records.organization_id = ?", {SqlValue::of(organization_id)});
  const std::string count = where.next(SqlValue::of(limit));
  return select_rows<domain::AuditRecord>(
      context_, fmt::format("{} ORDER BY audit_records.sequence LIMIT {}", where.text(), count), where.values());
}

std::optional<std::string> SqlSettings::get(std::string_view key) {
  const auto found = context_.session.query("SELECT value FROM settings WHERE name = :p1", {SqlValue::of(key)},
                                            {SqlValue::Kind::text});
  if (found.empty()) return std::nullopt;
  return found.front().front().text;
}

void SqlSettings::set(std::string_view key, std::string_view value) {
  context_.session.execute(
      "INSERT INTO settings (name, value) VALUES (:p1, :p2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      {SqlValue::of(key), SqlValue::of(value)});
}

}  // namespace tollgate::store
