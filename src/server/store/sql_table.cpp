#include "server/store/sql_table.h"

namespace tollgate::store {

Where& Where::add(std::string_view condition, const SqlValues& values) {
  text_ += text_.empty() ? " WHERE " : " AND ";
  std::size_t used = 0;
  for (const char c : condition) {
    if (c == '?') {
      text_ += next(values.at(used++));
    } else {
      text_ += c;
    }
  }
  return *this;
}

Where& Where::any_of(std::string_view column, const SqlValues& values) {
  if (values.empty()) return *this;
  std::string condition = fmt::format("{} IN (?", column);
  for (std::size_t i = 1; i < values.size(); ++i)
    condition += ", ?";
  return add(condition + ")", values);
}

std::string Where::text() const {
  return text_;
}

std::string Where::next(const SqlValue& value) {
  values_.push_back(value);
  return fmt::format(":p{}", values_.size());
}

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

namespace {

std::string like_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : lower_ascii(text)) {
    if (c == '%' || c == '_' || c == '!') escaped += '!';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::string like_part(std::string_view part) {
  return "%" + like_escaped(part) + "%";
}

std::string like_wildcard(std::string_view pattern) {
  std::string before;
  std::string after;
  if (!pattern.empty() && pattern.front() == '*') {
    before = "%";
    pattern.remove_prefix(1);
  }
  if (!pattern.empty() && pattern.back() == '*') {
    after = "%";
    pattern.remove_suffix(1);
  }
  return before + like_escaped(pattern) + after;
}

Result<void> execute_unique(SqlSession& session, const std::string& sql, const SqlValues& values,
                            std::string_view table) {
  const bool savepoint = session.dialect().failed_statement_ends_transaction();
  if (savepoint) session.run_once("SAVEPOINT before_unique");
  try {
    session.execute(sql, values);
  } catch (const DatabaseError& error) {
    if (error.kind() != DatabaseError::Kind::unique) throw;
    if (savepoint) session.run_once("ROLLBACK TO SAVEPOINT before_unique");
    return fail(Error(Code::conflict, fmt::format("there is one of that name already in {}", table)).because("exists"));
  }
  if (savepoint) session.run_once("RELEASE SAVEPOINT before_unique");
  return {};
}

std::int64_t count_of(SqlSession& session, const std::string& sql, const SqlValues& values) {
  return session.query(sql, values, {SqlValue::Kind::number}).at(0).at(0).number;
}

Error text_refused(std::string_view table, std::string_view column) {
  return Error(Code::invalid, fmt::format("{} of {} holds a NUL byte or is not UTF-8", column, table))
      .because("not_text");
}

}  // namespace tollgate::store
