#include "server/store/sql_store.h"

#include <stdexcept>

#include "server/store/key_check.h"
#include "server/store/sql_tables.h"

namespace tollgate::store {

namespace {

// The store in whose write transaction this thread is.
thread_local const SqlStore* writing = nullptr;

class Writing {
 public:
  explicit Writing(const SqlStore* store) : before_(writing) { writing = store; }
  ~Writing() { writing = before_; }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

 private:
  const SqlStore* before_;
};

}  // namespace

// A reader for one transaction.
class SqlStore::Lease {
 public:
  explicit Lease(SqlStore& store) : store_(store) {
    std::unique_lock lock(store.readers_mutex_);
    store.reader_free_.wait(
        lock, [&] { return !store.idle_readers_.empty() || store.readers_open_ < store.options_.readers; });
    if (!store.idle_readers_.empty()) {
      session_ = std::move(store.idle_readers_.back());
      store.idle_readers_.pop_back();
      return;
    }
    ++store.readers_open_;
    lock.unlock();
    try {
      session_ = store.engine_->open_reader();
    } catch (...) {
      give_back(nullptr);
      throw;
    }
  }
  ~Lease() { give_back(std::move(session_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  SqlSession& session() { return *session_; }

 private:
  void give_back(std::unique_ptr<SqlSession> session) {
    const std::lock_guard lock(store_.readers_mutex_);
    if (session && session->usable()) {
      store_.idle_readers_.push_back(std::move(session));
    } else {
      --store_.readers_open_;
    }
    store_.reader_free_.notify_one();
  }
  SqlStore& store_;
  std::unique_ptr<SqlSession> session_;
};

SqlStore::SqlStore(std::unique_ptr<SqlEngine> engine, const KeyRing& keys, RandomSource& random, const Options& options)
    : engine_(std::move(engine)), sealer_(keys, random), options_(options) {
  options_.readers = std::max<std::size_t>(options_.readers, 1);
}

SqlStore::~SqlStore() {
  // Readers first: the writer is the last to close, and so the only one that checkpoints.
  idle_readers_.clear();
  try {
    if (!writer_) return;
    const std::unique_ptr<WriteTurn> turn = engine_->take_turn();
    engine_->before_close(*writer_);
    writer_.reset();
  } catch (...) {
    // Everything committed is in the log already; the next to open the file reads it from there.
  }
}

Result<std::unique_ptr<domain::Store>> SqlStore::open(std::unique_ptr<SqlEngine> engine, const KeyRing& keys,
                                                      RandomSource& random, const Clock& clock,
                                                      const Options& options) {
  auto store = std::make_unique<SqlStore>(std::move(engine), keys, random, options);
  TG_CHECK(store->prepare(keys, clock));
  return store;
}

Result<void> SqlStore::prepare(const KeyRing& keys, const Clock& clock) {
  if (options_.read_only) {
    Lease lease(*this);
    TG_CHECK(check_migrated(lease.session(), migrations()));
    SqlTransaction transaction(lease.session(), SqlTransaction::Access::read);
    return check_keys(lease.session(), keys, KeyCheck::only_check);
  }
  const std::unique_ptr<WriteTurn> turn = engine_->take_turn();
  TG_CHECK(migrate(writer(), migrations(), clock.now()));
  SqlTransaction transaction(writer(), SqlTransaction::Access::write);
  TG_CHECK(check_keys(writer(), keys, KeyCheck::add_new));
  transaction.commit();
  return {};
}

SqlSession& SqlStore::writer() {
  if (!writer_ || !writer_->usable()) {
    writer_.reset();
    writer_ = engine_->open_writer();
  }
  return *writer_;
}

void SqlStore::read_transaction(const std::function<void(domain::Tables&)>& body) {
  Lease lease(*this);
  SqlTransaction transaction(lease.session(), SqlTransaction::Access::read);
  SqlTables tables(lease.session(), sealer_);
  body(tables);
}

void SqlStore::write_transaction(const std::function<bool(domain::Tables&)>& body) {
  if (options_.read_only) throw std::logic_error("this store was opened for reading only");
  if (writing == this) throw std::logic_error("a write transaction inside another of the same store");
  const std::lock_guard lock(write_mutex_);
  const Writing mark(this);
  const std::unique_ptr<WriteTurn> turn = engine_->take_turn();
  SqlSession& session = writer();
  SqlTransaction transaction(session, SqlTransaction::Access::write);
  SqlTables tables(session, sealer_);
  if (body(tables)) transaction.commit();
}

}  // namespace tollgate::store
