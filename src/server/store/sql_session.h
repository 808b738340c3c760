// One connection to a database: prepared statements kept by their text, parameters by position, whole results. Values
// are text or 64-bit numbers and nothing else, which is what SQLite and PostgreSQL read alike. Knows no table.
// Not synchronised: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/database_error.h"

namespace soci {
class session;
class soci_error;
}  // namespace soci

namespace tollgate::store {

// A value of a statement's parameter or of a result's column.
struct SqlValue {
  enum class Kind { text, number };
  Kind kind = Kind::text;
  bool null = false;
  std::string text;
  long long number = 0;

  static SqlValue of(std::string_view value) { return {Kind::text, false, std::string(value), 0}; }
  static SqlValue of(std::int64_t value) { return {Kind::number, false, {}, value}; }
  static SqlValue null_text() { return {Kind::text, true, {}, 0}; }
  static SqlValue null_number() { return {Kind::number, true, {}, 0}; }
};
using SqlValues = std::vector<SqlValue>;
using SqlKinds = std::vector<SqlValue::Kind>;

// What differs between the engines, apart from how a connection is opened.
class SqlDialect {
 public:
  virtual ~SqlDialect() = default;
  virtual std::string_view name() const = 0;  // "SQLite"
  virtual std::string_view begin_read() const = 0;
  virtual std::string_view begin_write() const = 0;
  // Run right after begin_write; empty: nothing.
  virtual std::string_view serialise_writers() const = 0;
  // PostgreSQL ends a transaction at the first statement that fails; a savepoint keeps it.
  virtual bool failed_statement_ends_transaction() const = 0;
  // What an error of this connection means. Called before anything else is asked of the connection.
  virtual DatabaseError describe(soci::session& session, const soci::soci_error& error) const = 0;
};

class SqlSession {
 public:
  SqlSession(std::unique_ptr<soci::session> session, const SqlDialect& dialect);
  ~SqlSession();
  SqlSession(const SqlSession&) = delete;
  SqlSession& operator=(const SqlSession&) = delete;

  // All rows; parameters are :p1, :p2, ... in this order. A text that no column can hold (NUL, not UTF-8) matches
  // nothing. Throws DatabaseError.
  std::vector<SqlValues> query(const std::string& sql, const SqlValues& parameters, const SqlKinds& columns);
  // The number of rows it changed. Throws std::invalid_argument for a text that no column can hold.
  std::int64_t execute(const std::string& sql, const SqlValues& parameters);
  // Exactly one statement without parameters and without a cached form: BEGIN, PRAGMA, CREATE.
  void run_once(std::string_view sql);
  // The first column of the first row of such a statement, as text; empty if there is none.
  std::string run_once_for_text(std::string_view sql);

  const SqlDialect& dialect() const { return dialect_; }
  // False once a statement failed in a way that leaves the connection in doubt.
  bool usable() const { return usable_; }
  void give_up() { usable_ = false; }

 private:
  struct Prepared;
  struct Cache;
  Prepared& prepared(const std::string& sql, const SqlValues& parameters, const SqlKinds& columns);
  DatabaseError failed(const std::string& sql, const soci::soci_error& error);

  std::unique_ptr<soci::session> session_;
  const SqlDialect& dialect_;
  std::unique_ptr<Cache> cache_;
  bool usable_ = true;
};

// BEGIN now and ROLLBACK at the end, unless commit() came first. soci::transaction is not used: its plain BEGIN lets
// two SQLite writers meet while both upgrade.
class SqlTransaction {
 public:
  enum class Access { read, write };
  SqlTransaction(SqlSession& session, Access access);
  ~SqlTransaction();
  SqlTransaction(const SqlTransaction&) = delete;
  SqlTransaction& operator=(const SqlTransaction&) = delete;
  void commit();

 private:
  SqlSession& session_;
  bool open_ = true;
};

}  // namespace tollgate::store
