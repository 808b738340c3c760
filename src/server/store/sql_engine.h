// How one kind of database is reached: opening its connections, and whose turn it is to write. Everything else about
// it is in its SqlDialect. May be called from any thread.
#pragma once

#include <memory>

#include "server/store/sql_session.h"

namespace tollgate::store {

// Held during a write transaction and everything that writes outside one.
class WriteTurn {
 public:
  virtual ~WriteTurn() = default;
};

class SqlEngine {
 public:
  virtual ~SqlEngine() = default;
  virtual std::unique_ptr<SqlSession> open_writer() = 0;
  virtual std::unique_ptr<SqlSession> open_reader() = 0;
  // Waits for writers in other processes where the database itself does not serialise them well; may be null. Throws
  // DatabaseError where that takes too long.
  virtual std::unique_ptr<WriteTurn> take_turn() = 0;
  // What is left to do before the last connection closes.
  virtual void before_close(SqlSession& writer) = 0;
};

}  // namespace tollgate::store
