// What walks the lists of row_schema.h: the names of columns, the values of a statement's parameters, and a row made of
// a result. Not synchronised.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/secret.h"
#include "server/store/aws_mfa_rows.h"
#include "server/store/field_text.h"
#include "server/store/identity_rows.h"
#include "server/store/run_rows.h"
#include "server/store/sql_session.h"
#include "server/store/webhook_rows.h"
#include "server/store/workspace_rows.h"

namespace tollgate::store {

inline constexpr std::string_view kRowPurpose = "rows";

// Seals and opens single columns.
class Sealer {
 public:
  Sealer(const KeyRing& keys, RandomSource& random) : keys_(keys), random_(random) {}
  std::string seal(std::string_view text, const SealContext& context) const {
    return keys_.seal(kRowPurpose, text, context, random_);
  }
  // Throws DatabaseError (tampered) that names the place.
  Secret open(std::string_view sealed, const SealContext& context, std::string_view place) const;

 private:
  const KeyRing& keys_;
  RandomSource& random_;
};

template <class Row>
SealContext seal_context(std::string_view column, const Row& row) {
  SealContext context;
  context.add(Schema<Row>::kTable).add(column).add(row.id);
  Schema<Row>::bind(context, row);
  return context;
}

// The kind of value in which a member stands.
template <class T>
constexpr SqlValue::Kind kind_of() {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::int64_t> || std::is_same_v<T, TimePoint> ||
                std::is_same_v<T, std::optional<TimePoint>> || std::is_same_v<T, std::chrono::seconds>) {
    return SqlValue::Kind::number;
  } else {
    return SqlValue::Kind::text;
  }
}

struct Column {
  std::string name;
  SqlValue::Kind kind;
  bool generated = false;
};

class ColumnLister {
 public:
  std::vector<Column> columns;

  template <class T>
  void operator()(std::string_view name, T&) {
    columns.push_back({std::string(name), kind_of<std::remove_const_t<T>>()});
  }
  template <class T>
  void reference(std::string_view name, T& member) {
    (*this)(name, member);
  }
  template <class T>
  void sealed(std::string_view name, T&) {
    columns.push_back({std::string(name), SqlValue::Kind::text});
  }
  template <class T>
  void json(std::string_view name, T& member) {
    sealed(name, member);
  }
  template <class T>
  void sealed_json(std::string_view name, T& member) {
    sealed(name, member);
  }
  void generated(std::string_view name, std::int64_t&) {
    columns.push_back({std::string(name), SqlValue::Kind::number, true});
  }
};

template <class Row>
const std::vector<Column>& columns_of() {
  static const std::vector<Column> columns = [] {
    Row row;
    ColumnLister lister;
    Schema<Row>::fields(lister, row);
    return lister.columns;
  }();
  return columns;
}

inline SqlValue value_of(const std::string& text) {
  return SqlValue::of(std::string_view(text));
}
inline SqlValue value_of(bool flag) {
  return SqlValue::of(std::int64_t{flag ? 1 : 0});
}
inline SqlValue value_of(std::int64_t number) {
  return SqlValue::of(number);
}
inline SqlValue value_of(TimePoint time) {
  return SqlValue::of(milliseconds(time));
}
inline SqlValue value_of(std::chrono::seconds seconds) {
  return SqlValue::of(std::int64_t{seconds.count()});
}
inline SqlValue value_of(const std::optional<TimePoint>& time) {
  return time ? value_of(*time) : SqlValue::null_number();
}
template <class E>
requires std::is_enum_v<E> SqlValue value_of(E value) {
  return SqlValue::of(enum_text(value));
}
template <class E>
requires std::is_enum_v<E> SqlValue value_of(const std::optional<E>& value) {
  return value ? value_of(*value) : SqlValue::null_text();
}

inline void read_value(const SqlValue& value, std::string& member) {
  member = value.text;
}
inline void read_value(const SqlValue& value, bool& member) {
  member = value.number != 0;
}
inline void read_value(const SqlValue& value, std::int64_t& member) {
  member = value.number;
}
inline void read_value(const SqlValue& value, TimePoint& member) {
  member = from_milliseconds(value.number);
}
inline void read_value(const SqlValue& value, std::chrono::seconds& member) {
  member = std::chrono::seconds(value.number);
}
inline void read_value(const SqlValue& value, std::optional<TimePoint>& member) {
  member = value.null ? std::nullopt : std::optional(from_milliseconds(value.number));
}
template <class E>
requires std::is_enum_v<E>
void read_value(const SqlValue& value, E& member) {
  read_enum(value.text, member);
}
template <class E>
requires std::is_enum_v<E>
void read_value(const SqlValue& value, std::optional<E>& member) {
  if (value.null) {
    member = std::nullopt;
  } else {
    E read{};
    read_enum(value.text, read);
    member = read;
  }
}

// The parameters for all columns but the generated ones, in their order.
template <class Row>
class Binder {
 public:
  Binder(const Row& row, const Sealer& sealer) : row_(row), sealer_(sealer) {}
  SqlValues values;
  std::string refused;  // a column whose text cannot be stored; empty: none

  template <class T>
  void operator()(std::string_view name, const T& member) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (!storable_text(member) && refused.empty()) refused = name;
    }
    values.push_back(value_of(member));
  }
  void reference(std::string_view name, const std::string& id) {
    (*this)(name, id);
    values.back().null = id.empty();
  }
  void sealed(std::string_view name, const std::string& member) { push_sealed(name, member); }
  void sealed(std::string_view name, const Secret& member) { push_sealed(name, member.reveal()); }
  template <class T>
  void json(std::string_view, const T& member) {
    values.push_back(value_of(list_text(member)));
  }
  template <class T>
  void sealed_json(std::string_view name, const T& member) {
    push_sealed(name, list_text(member));
  }
  void generated(std::string_view, const std::int64_t&) {}

 private:
  void push_sealed(std::string_view name, std::string_view text) {
    values.push_back(value_of(sealer_.seal(text, seal_context(name, row_))));
  }
  const Row& row_;
  const Sealer& sealer_;
};

// Fills a row from all its columns.
template <class Row>
class RowReader {
 public:
  RowReader(const SqlValues& values, Row& row, const Sealer& sealer) : values_(values), row_(row), sealer_(sealer) {}

  template <class T>
  void operator()(std::string_view, T& member) {
    read_value(next(), member);
  }
  void reference(std::string_view, std::string& id) {
    const SqlValue& value = next();
    id = value.null ? std::string() : value.text;
  }
  void sealed(std::string_view name, std::string& member) { member = opened(name).reveal(); }
  void sealed(std::string_view name, Secret& member) { member = opened(name); }
  template <class T>
  void json(std::string_view, T& member) {
    read_list(next().text, member);
  }
  template <class T>
  void sealed_json(std::string_view name, T& member) {
    read_list(opened(name).reveal(), member);
  }
  void generated(std::string_view name, std::int64_t& member) { (*this)(name, member); }

 private:
  const SqlValue& next() { return values_.at(at_++); }
  Secret opened(std::string_view name) {
    const SqlValue& value = next();
    return sealer_.open(value.text, seal_context(name, row_),
                        fmt::format("{}.{} of {}", Schema<Row>::kTable, name, row_.id));
  }
  const SqlValues& values_;
  Row& row_;
  const Sealer& sealer_;
  std::size_t at_ = 0;
};

}  // namespace tollgate::store
