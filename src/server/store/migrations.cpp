#include "server/store/migrations.h"

#include "common/crypto/hash.h"

namespace tollgate::store {

namespace {

// SQLite runs only the first statement of a text, without a word about the rest.
std::vector<std::string_view> statements(std::string_view sql) {
  std::vector<std::string_view> all;
  while (!sql.empty()) {
    const std::size_t end = sql.find(";\n");
    if (end == std::string_view::npos) break;
    all.push_back(sql.substr(0, end));
    sql.remove_prefix(end + 2);
  }
  return all;
}

struct Applied {
  std::int64_t number;
  std::string checksum;
};

std::vector<Applied> applied(SqlSession& session) {
  std::vector<Applied> all;
  for (const SqlValues& row : session.query("SELECT number, checksum FROM schema_migrations ORDER BY number", {},
                                            {SqlValue::Kind::number, SqlValue::Kind::text})) {
    all.push_back({row[0].number, row[1].text});
  }
  return all;
}

// How many of `steps` have run.
Result<std::size_t> check(SqlSession& session, const std::vector<Migration>& steps) {
  const std::vector<Applied> done = applied(session);
  for (std::size_t i = 0; i < done.size(); ++i) {
    if (i >= steps.size()) {
      return fail(Error(Code::config, fmt::format("the database has schema {}, and this program knows {} at most",
                                                  done.back().number, steps.size()))
                      .do_next("start the newer tollgate-server that it was used with")
                      .because("schema_newer"));
    }
    if (done[i].number != steps[i].number || done[i].checksum != crypto::sha256_hex(steps[i].sql)) {
      return fail(Error(Code::config,
                        fmt::format("step {} of the database's schema is not the one this program has", done[i].number))
                      .do_next("use a released tollgate-server, or restore the backup from before the change")
                      .because("schema_changed"));
    }
  }
  return done.size();
}

}  // namespace

Result<void> migrate(SqlSession& session, const std::vector<Migration>& steps, TimePoint now) {
  {
    SqlTransaction transaction(session, SqlTransaction::Access::write);
    session.run_once(
        "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, "
        "checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)");
    transaction.commit();
  }
  while (true) {
    SqlTransaction transaction(session, SqlTransaction::Access::write);
    // Inside the transaction: another process may have run the step meanwhile.
    TG_TRY(const std::size_t done, check(session, steps));
    if (done == steps.size()) return {};
    const Migration& step = steps[done];
    for (const std::string_view statement : statements(step.sql))
      session.run_once(statement);
    session.execute("INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES (:p1, :p2, :p3, :p4)",
                    {SqlValue::of(step.number), SqlValue::of(step.name), SqlValue::of(crypto::sha256_hex(step.sql)),
                     SqlValue::of(std::int64_t{now.time_since_epoch().count()})});
    transaction.commit();
  }
}

Result<void> check_migrated(SqlSession& session, const std::vector<Migration>& steps) {
  SqlTransaction transaction(session, SqlTransaction::Access::read);
  TG_TRY(const std::size_t done, check(session, steps));
  if (done == steps.size()) return {};
  return fail(
      Error(Code::config, fmt::format("the database has schema {}, and this program needs {}", done, steps.size()))
          .do_next("start tollgate-server serve once; it brings the database up to date")
          .because("schema_older"));
}

}  // namespace tollgate::store
