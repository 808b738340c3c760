#include "server/store/sql_session.h"

#include <soci/soci.h>

#include <stdexcept>
#include <unordered_map>

#include "server/store/field_text.h"

namespace tollgate::store {

namespace {

// U+FFFD: what no id and no name is.
constexpr const char* kNoText = "\xEF\xBF\xBD";

struct Slot {
  SqlValue::Kind kind = SqlValue::Kind::text;
  std::string text;
  long long number = 0;
  soci::indicator indicator = soci::i_ok;
};

bool same_kinds(const std::vector<Slot>& slots, const SqlValues& values) {
  if (slots.size() != values.size()) return false;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].kind != values[i].kind) return false;
  }
  return true;
}

bool same_kinds(const std::vector<Slot>& slots, const SqlKinds& kinds) {
  if (slots.size() != kinds.size()) return false;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].kind != kinds[i]) return false;
  }
  return true;
}

}  // namespace

// SOCI binds variables by their address, so the slots live as long as the statement and never move.
struct SqlSession::Prepared {
  std::vector<Slot> in;
  std::vector<Slot> out;
  soci::statement statement;

  Prepared(soci::session& session, const std::string& sql, const SqlValues& parameters, const SqlKinds& columns)
      : in(parameters.size()), out(columns.size()), statement(session) {
    for (std::size_t i = 0; i < in.size(); ++i) {
      in[i].kind = parameters[i].kind;
      if (in[i].kind == SqlValue::Kind::text) {
        statement.exchange(soci::use(in[i].text, in[i].indicator));
      } else {
        statement.exchange(soci::use(in[i].number, in[i].indicator));
      }
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i].kind = columns[i];
      if (out[i].kind == SqlValue::Kind::text) {
        statement.exchange(soci::into(out[i].text, out[i].indicator));
      } else {
        statement.exchange(soci::into(out[i].number, out[i].indicator));
      }
    }
    statement.alloc();
    statement.prepare(sql);
    statement.define_and_bind();
  }

  // PostgreSQL would cut a text at a NUL byte and then find a row that was not meant.
  void set(const SqlValues& parameters, bool lookup) {
    for (std::size_t i = 0; i < in.size(); ++i) {
      in[i].text = parameters[i].text;
      if (!storable_text(in[i].text)) {
        if (!lookup) throw std::invalid_argument("a text with a NUL byte or not in UTF-8 cannot be stored");
        in[i].text = kNoText;
      }
      in[i].number = parameters[i].number;
      in[i].indicator = parameters[i].null ? soci::i_null : soci::i_ok;
    }
  }
};

struct SqlSession::Cache {
  std::unordered_map<std::string, std::unique_ptr<Prepared>> statements;
};

namespace {
// Filters make many texts; each is small, but not without number.
constexpr std::size_t kMaxStatements = 300;
}  // namespace

SqlSession::SqlSession(std::unique_ptr<soci::session> session, const SqlDialect& dialect)
    : session_(std::move(session)), dialect_(dialect), cache_(std::make_unique<Cache>()) {}

SqlSession::~SqlSession() {
  cache_->statements.clear();  // statements end before their connection
}

SqlSession::Prepared& SqlSession::prepared(const std::string& sql, const SqlValues& parameters,
                                           const SqlKinds& columns) {
  auto found = cache_->statements.find(sql);
  if (found != cache_->statements.end()) {
    if (same_kinds(found->second->in, parameters) && same_kinds(found->second->out, columns)) return *found->second;
    cache_->statements.erase(found);
  }
  if (cache_->statements.size() >= kMaxStatements) cache_->statements.clear();
  auto made = std::make_unique<Prepared>(*session_, sql, parameters, columns);
  return *cache_->statements.emplace(sql, std::move(made)).first->second;
}

DatabaseError SqlSession::failed(const std::string& sql, const soci::soci_error& error) {
  DatabaseError described = dialect_.describe(*session_, error);
  cache_->statements.erase(sql);
  return described;
}

std::vector<SqlValues> SqlSession::query(const std::string& sql, const SqlValues& parameters, const SqlKinds& columns) {
  try {
    Prepared& one = prepared(sql, parameters, columns);
    one.set(parameters, true);
    std::vector<SqlValues> rows;
    // To the very end: a SQLite statement left in the middle keeps its snapshot beyond the transaction.
    for (bool more = one.statement.execute(true); more; more = one.statement.fetch()) {
      SqlValues row;
      row.reserve(one.out.size());
      for (const Slot& slot : one.out) {
        row.push_back(SqlValue{slot.kind, slot.indicator == soci::i_null, slot.text, slot.number});
      }
      rows.push_back(std::move(row));
    }
    return rows;
  } catch (const soci::soci_error& error) {
    throw failed(sql, error);
  }
}

std::int64_t SqlSession::execute(const std::string& sql, const SqlValues& parameters) {
  try {
    Prepared& one = prepared(sql, parameters, {});
    one.set(parameters, false);
    one.statement.execute(true);
    return one.statement.get_affected_rows();
  } catch (const soci::soci_error& error) {
    throw failed(sql, error);
  }
}

void SqlSession::run_once(std::string_view sql) {
  try {
    soci::statement statement(*session_);
    statement.alloc();
    statement.prepare(std::string(sql));
    statement.define_and_bind();
    statement.execute(true);
  } catch (const soci::soci_error& error) {
    throw dialect_.describe(*session_, error);
  }
}

std::string SqlSession::run_once_for_text(std::string_view sql) {
  try {
    std::string text;
    soci::indicator indicator = soci::i_null;
    soci::statement statement(*session_);
    statement.exchange(soci::into(text, indicator));
    statement.alloc();
    statement.prepare(std::string(sql));
    statement.define_and_bind();
    const bool any = statement.execute(true);
    return any && indicator != soci::i_null ? text : std::string();
  } catch (const soci::soci_error& error) {
    throw dialect_.describe(*session_, error);
  }
}

SqlTransaction::SqlTransaction(SqlSession& session, Access access) : session_(session) {
  const SqlDialect& dialect = session.dialect();
  session.run_once(access == Access::read ? dialect.begin_read() : dialect.begin_write());
  if (access == Access::read || dialect.serialise_writers().empty()) return;
  try {
    session.run_once_for_text(dialect.serialise_writers());
  } catch (...) {
    session.give_up();
    throw;
  }
}

SqlTransaction::~SqlTransaction() {
  if (!open_) return;
  try {
    session_.run_once("ROLLBACK");
  } catch (...) {
    // SQLite may have rolled back by itself (disk full); either way this connection's state is not known.
    session_.give_up();
  }
}

void SqlTransaction::commit() {
  // Where COMMIT fails the transaction is still open, and the destructor rolls it back.
  session_.run_once("COMMIT");
  open_ = false;
}

}  // namespace tollgate::store
