// Everything that is SQLite's own.
#include "server/store/sqlite_store.h"

#include <fcntl.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/os/atomic_file.h"
#include "common/os/file_lock.h"
#include "server/store/database_error.h"
#include "server/store/sql_store.h"

namespace tollgate::store {

namespace {

// From sqlite3.h, which SOCI puts into a namespace of its own together with macros that do not lead there.
constexpr int kConstraintForeignKey = 787;
constexpr int kConstraintPrimaryKey = 1555;
constexpr int kConstraintUnique = 2067;
constexpr int kConstraintRowid = 2579;

class SqliteDialect final : public SqlDialect {
 public:
  std::string_view name() const override { return "SQLite"; }
  std::string_view begin_read() const override { return "BEGIN"; }
  // Not deferred: two transactions that read first and then both want to write would fail.
  std::string_view begin_write() const override { return "BEGIN IMMEDIATE"; }
  std::string_view serialise_writers() const override { return ""; }
  bool failed_statement_ends_transaction() const override { return false; }

  DatabaseError describe(soci::session& session, const soci::soci_error& error) const override {
    const auto* backend = static_cast<soci::sqlite3_session_backend*>(session.get_backend());
    const int code = sqlite_api::sqlite3_extended_errcode(backend->conn_);
    // Without SOCI's context, which would hold the statement's values.
    return {kind_of(code), fmt::format("SQLite ({}): {}", code, error.get_error_message())};
  }

 private:
  static DatabaseError::Kind kind_of(int code) {
    switch (code) {
      case kConstraintPrimaryKey:
      case kConstraintUnique:
      case kConstraintRowid:
        return DatabaseError::Kind::unique;
      case kConstraintForeignKey:
        return DatabaseError::Kind::foreign_key;
      default:
        return DatabaseError::Kind::other;
    }
  }
};

const SqliteDialect& dialect() {
  static const SqliteDialect one;
  return one;
}

class FileTurn final : public WriteTurn {
 public:
  explicit FileTurn(os::FileLock lock) : lock_(std::move(lock)) {}

 private:
  os::FileLock lock_;
};

std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text)
    result += c == '\'' ? "''" : std::string(1, c);
  return result + "'";
}

class SqliteEngine final : public SqlEngine {
 public:
  SqliteEngine(os::PrivateDirectory directory, std::string path, std::string name, Duration patience)
      : directory_(std::move(directory)), path_(std::move(path)), name_(std::move(name)), patience_(patience) {}

  std::unique_ptr<SqlSession> open_writer() override {
    auto session = connect("");
    if (session->run_once_for_text("PRAGMA journal_mode=WAL") != "wal") {
      throw DatabaseError(DatabaseError::Kind::other, fmt::format("{}: SQLite cannot keep a write-ahead log", path_));
    }
    // FULL: what was acknowledged survives a power cut.
    session->run_once("PRAGMA synchronous=FULL");
    session->run_once("PRAGMA foreign_keys=ON");
    session->run_once("PRAGMA secure_delete=ON");
    // Of the writer alone; after a burst the log shrinks again.
    session->run_once("PRAGMA wal_autocheckpoint=1000");
    session->run_once("PRAGMA journal_size_limit=67108864");
    return session;
  }

  std::unique_ptr<SqlSession> open_reader() override {
    auto session = connect(" readonly=true");
    session->run_once("PRAGMA query_only=ON");
    session->run_once("PRAGMA wal_autocheckpoint=0");
    return session;
  }

  // Not a reader of the pool, for query_only would forbid the new file too.
  void copy_to(const std::string& target) { connect(" readonly=true")->run_once("VACUUM INTO " + quoted(target)); }

  std::unique_ptr<WriteTurn> take_turn() override {
    auto lock = os::FileLock::acquire(directory_, name_ + ".lock", patience_, clock_);
    if (!lock) {
      throw DatabaseError(DatabaseError::Kind::other,
                          fmt::format("{}: another process is writing: {}", path_, lock.error().message));
    }
    return std::make_unique<FileTurn>(std::move(*lock));
  }

  void before_close(SqlSession& writer) override { writer.run_once("PRAGMA wal_checkpoint(TRUNCATE)"); }

 private:
  std::unique_ptr<SqlSession> connect(std::string_view more) {
    try {
      auto session = std::make_unique<soci::session>(soci::sqlite3, fmt::format("dbname=\"{}\"{}", path_, more));
      auto own = std::make_unique<SqlSession>(std::move(session), dialect());
      own->run_once("PRAGMA busy_timeout=5000");
      own->run_once("PRAGMA temp_store=MEMORY");
      own->run_once("PRAGMA trusted_schema=OFF");
      return own;
    } catch (const soci::soci_error& error) {
      throw DatabaseError(DatabaseError::Kind::other, fmt::format("{}: {}", path_, error.get_error_message()));
    }
  }

  os::PrivateDirectory directory_;
  std::string path_;
  std::string name_;
  Duration patience_;
  SystemClock clock_;  // real time: a test's clock must not run out while another process writes
};

// SQLite would make the file readable for others, and its log after it. A file that is there is only looked at: to
// close any descriptor of it takes away every lock that this process has on it (POSIX), SQLite's own among them, and
// the next process that closes the database then believes to be the last and removes the log under those that still
// write to it.
Result<void> make_private(const os::PrivateDirectory& directory, const std::string& name, const std::string& path,
                          bool read_only) {
  const auto refuse = [&](int number) {
    return fail(Error(number == ENOENT ? Code::not_found : Code::io,
                      fmt::format("opening the database: {}", std::strerror(number)))
                    .at(path));
  };
  if (!read_only) {
    const UniqueFd made(
        ::openat(directory.fd(), name.c_str(), O_CLOEXEC | O_NOFOLLOW | O_RDWR | O_CREAT | O_EXCL, 0600));
    if (made) return {};
    if (errno != EEXIST) return refuse(errno);
  }
  struct stat status {};
  if (::fstatat(directory.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return refuse(errno);
  if (S_ISLNK(status.st_mode)) return refuse(ELOOP);
  return {};
}

}  // namespace

Result<std::unique_ptr<domain::Store>> open_sqlite_store(const std::string& path, const KeyRing& keys,
                                                         RandomSource& random, const Clock& clock,
                                                         const SqliteOptions& options) {
  // SOCI's connection text knows quotes but no way to write one.
  if (path.find('"') != std::string::npos) {
    return fail(Error(Code::config, "the path of the database must not hold a quote").at(path));
  }
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  TG_TRY(os::PrivateDirectory directory, os::PrivateDirectory::open(parent));
  TG_CHECK(make_private(directory, name, path, options.read_only));
  auto engine = std::make_unique<SqliteEngine>(std::move(directory), path, name, options.patience);
  return SqlStore::open(std::move(engine), keys, random, clock, {options.readers, options.read_only});
}

void copy_sqlite_database(const std::string& path, const std::string& target) {
  const std::size_t slash = path.rfind('/');
  auto directory =
      os::PrivateDirectory::open(slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1)));
  if (!directory) throw DatabaseError(DatabaseError::Kind::other, directory.error().text());
  SqliteEngine(std::move(*directory), path, "", Duration(0)).copy_to(target);
}

}  // namespace tollgate::store
