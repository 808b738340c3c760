// The part of a table that is the same for every kind of row: insert, update, erase, find, and lists by page. SQL is
// made from the lists of row_schema.h. Valid inside one transaction, on its thread.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/field_walkers.h"

namespace tollgate::store {

struct TableContext {
  SqlSession& session;
  const Sealer& sealer;
};

// A condition that grows: `where.add("status = ?", value)`; each ? becomes the next :pN.
class Where {
 public:
  Where& add(std::string_view condition, const SqlValues& values = {});
  // column IN (...), or nothing where there are no values.
  Where& any_of(std::string_view column, const SqlValues& values);
  // " WHERE a AND b", or "".
  std::string text() const;
  const SqlValues& values() const { return values_; }
  // The next parameters, for what follows the condition.
  std::string next(const SqlValue& value);

 private:
  std::string text_;
  SqlValues values_;
};

// '%part%' for LIKE ... ESCAPE '!', in lower case: compare with lower(column).
std::string like_part(std::string_view part);
// A pattern with '*' at either end.
std::string like_wildcard(std::string_view pattern);
std::string lower_ascii(std::string_view text);
// Runs a statement that may meet a value that must be unique: Code::conflict, and the transaction goes on.
Result<void> execute_unique(SqlSession& session, const std::string& sql, const SqlValues& values,
                            std::string_view table);
std::int64_t count_of(SqlSession& session, const std::string& sql, const SqlValues& values);
Error text_refused(std::string_view table, std::string_view column);

template <class Row>
const std::string& column_list() {
  static const std::string list = [] {
    std::string text;
    for (const Column& column : columns_of<Row>()) {
      if (!text.empty()) text += ", ";
      text += fmt::format("{}.{}", Schema<Row>::kTable, column.name);
    }
    return text;
  }();
  return list;
}

template <class Row>
const SqlKinds& column_kinds() {
  static const SqlKinds kinds = [] {
    SqlKinds all;
    for (const Column& column : columns_of<Row>())
      all.push_back(column.kind);
    return all;
  }();
  return kinds;
}

template <class Row>
const std::string& insert_text() {
  static const std::string sql = [] {
    std::string names;
    std::string values;
    int number = 0;
    const auto add = [&](std::string_view name, const std::string& value) {
      if (!names.empty()) names += ", ", values += ", ";
      names += name;
      values += value;
    };
    for (const Column& column : columns_of<Row>()) {
      if (!column.generated) add(column.name, fmt::format(":p{}", ++number));
    }
    constexpr std::string_view kOrdinal = Schema<Row>::kOrdinal;
    if (!kOrdinal.empty()) {
      // Writers are one at a time, so nobody else takes the same number.
      add(kOrdinal, fmt::format("(SELECT COALESCE(MAX({0}), 0) + 1 FROM {1})", kOrdinal, Schema<Row>::kTable));
    }
    // No statement fails for a taken name, because PostgreSQL would end the transaction with it.
    return fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING", Schema<Row>::kTable, names, values);
  }();
  return sql;
}

template <class Row>
const std::string& update_text() {
  static const std::string sql = [] {
    std::string sets;
    int number = 0;
    for (const Column& column : columns_of<Row>()) {
      if (column.generated) continue;
      if (!sets.empty()) sets += ", ";
      sets += fmt::format("{} = :p{}", column.name, ++number);
    }
    return fmt::format("UPDATE {} SET {} WHERE id = :p{}", Schema<Row>::kTable, sets, number + 1);
  }();
  return sql;
}

template <class Row>
std::vector<Row> select_rows(const TableContext& context, std::string_view tail, const SqlValues& parameters) {
  const std::string sql = fmt::format("SELECT {} FROM {}{}", column_list<Row>(), Schema<Row>::kTable, tail);
  std::vector<Row> rows;
  for (const SqlValues& values : context.session.query(sql, parameters, column_kinds<Row>())) {
    Row row;
    RowReader<Row> reader(values, row, context.sealer);
    Schema<Row>::fields(reader, row);
    rows.push_back(std::move(row));
  }
  return rows;
}

template <class Row>
std::optional<Row> select_one(const TableContext& context, std::string_view tail, const SqlValues& parameters) {
  std::vector<Row> rows = select_rows<Row>(context, tail, parameters);
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

template <class Row>
domain::Paged<Row> select_page(const TableContext& context, std::string_view joins, Where where, std::string_view order,
                               domain::Page page) {
  domain::Paged<Row> paged;
  const std::string from = std::string(joins) + where.text();
  paged.total =
      count_of(context.session, fmt::format("SELECT COUNT(*) FROM {}{}", Schema<Row>::kTable, from), where.values());
  const std::int64_t size = std::max<std::int64_t>(page.size, 0);
  const std::int64_t before = std::max<std::int64_t>(page.number, 1) - 1;
  // Beyond the end, also where the product would not fit into 64 bits.
  if (size == 0 || before > paged.total / size) return paged;
  const std::string limit = where.next(SqlValue::of(size));
  const std::string offset = where.next(SqlValue::of(before * size));
  paged.rows = select_rows<Row>(context, fmt::format("{} ORDER BY {} LIMIT {} OFFSET {}", from, order, limit, offset),
                                where.values());
  return paged;
}

template <class Row>
Result<void> insert_row(const TableContext& context, const Row& row) {
  Binder<Row> binder(row, context.sealer);
  Schema<Row>::fields(binder, row);
  if (!binder.refused.empty()) return fail(text_refused(Schema<Row>::kTable, binder.refused));
  if (context.session.execute(insert_text<Row>(), binder.values) == 1) return {};
  return fail(Error(Code::conflict, fmt::format("there is one of that name already in {}", Schema<Row>::kTable))
                  .because("exists"));
}

template <class Row, class Interface>
class SqlTable : public Interface {
 public:
  explicit SqlTable(const TableContext& context) : context_(context) {}

  Result<void> insert(const Row& row) override { return insert_row(context_, row); }

  Result<void> update(const Row& row) override {
    Binder<Row> binder(row, context_.sealer);
    Schema<Row>::fields(binder, row);
    if (!binder.refused.empty()) return fail(text_refused(Schema<Row>::kTable, binder.refused));
    binder.values.push_back(SqlValue::of(row.id));
    if (!find_id(row.id)) {
      throw std::logic_error(fmt::format("update of {}, which is not in {}", row.id, Schema<Row>::kTable));
    }
    return execute_unique(context_.session, update_text<Row>(), binder.values, Schema<Row>::kTable);
  }

  void erase(std::string_view id) override {
    context_.session.execute(fmt::format("DELETE FROM {} WHERE id = :p1", Schema<Row>::kTable), {SqlValue::of(id)});
  }

  std::optional<Row> find(std::string_view id) override { return one(" WHERE id = :p1", {SqlValue::of(id)}); }

 protected:
  std::vector<Row> rows(std::string_view tail, const SqlValues& parameters) {
    return select_rows<Row>(context_, tail, parameters);
  }
  std::optional<Row> one(std::string_view tail, const SqlValues& parameters) {
    return select_one<Row>(context_, tail, parameters);
  }
  domain::Paged<Row> page(std::string_view joins, Where where, std::string_view order, domain::Page wanted) {
    return select_page<Row>(context_, joins, std::move(where), order, wanted);
  }
  bool find_id(std::string_view id) {
    return count_of(context_.session, fmt::format("SELECT COUNT(*) FROM {} WHERE id = :p1", Schema<Row>::kTable),
                    {SqlValue::of(id)}) != 0;
  }

  const TableContext& context_;
};

}  // namespace tollgate::store
