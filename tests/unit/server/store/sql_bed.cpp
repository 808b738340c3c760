#include "tests/unit/server/store/sql_bed.h"

#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>

#include "server/store/sqlite_store.h"
#include "tests/support/referees.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::store {

std::vector<std::string> run_in_sqlite(const std::string& path, const std::string& sql) {
  sqlite3* connection = nullptr;
  std::vector<std::string> first_column;
  char* message = nullptr;
  int code = sqlite3_open(path.c_str(), &connection);
  if (code == SQLITE_OK) {
    sqlite3_busy_timeout(connection, 5000);
    code = sqlite3_exec(
        connection, sql.c_str(),
        [](void* out, int, char** values, char**) {
          static_cast<std::vector<std::string>*>(out)->emplace_back(values[0] != nullptr ? values[0] : "");
          return 0;
        },
        &first_column, &message);
  }
  const std::string text = message != nullptr ? message : "";
  sqlite3_free(message);
  sqlite3_close(connection);
  if (code != SQLITE_OK) throw std::runtime_error(sql + ": " + text);
  return first_column;
}

namespace {

class SqliteBed final : public Bed {
 public:
  Result<std::unique_ptr<domain::Store>> open(const KeyRing& keys, RandomSource& random, const Clock& clock) override {
    return open_sqlite_store(path_, keys, random, clock);
  }
  std::vector<std::string> run(const std::string& sql) override { return run_in_sqlite(path_, sql); }
  std::string bytes_at_rest() override {
    std::string bytes;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      bytes += test::read_whole_file(entry.path());
    }
    return bytes;
  }

 private:
  test::TemporaryDirectory directory_;
  std::string path_ = directory_.file("tollgate.db");
};

}  // namespace

std::unique_ptr<Bed> make_sqlite_bed() {
  return std::make_unique<SqliteBed>();
}

}  // namespace tollgate::store
