#include "server/app/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "common/os/atomic_file.h"
#include "server/app/application.h"
#include "server/app/host.h"
#include "server/audit/audit.h"
#include "server/store/sqlite_store.h"

namespace tollgate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOpenLog = ".open";
constexpr std::string_view kClosedLog = ".log";

struct Copied {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
};

Error copying(const fs::path& path, const std::error_code& error) {
  return Error(Code::io, fmt::format("copying {}: {}", path.string(), error.message()));
}

Result<void> flush(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd || ::fsync(fd.get()) != 0) return fail(copying(path, std::error_code(errno, std::generic_category())));
  return {};
}

Result<void> copy_file(const fs::path& from, const fs::path& to, Copied& copied) {
  std::error_code error;
  fs::copy_file(from, to, error);
  // It was erased, or a log has got its final name: the next look finds it under that.
  if (error == std::errc::no_such_file_or_directory) return {};
  if (error) return fail(copying(from, error));
  TG_CHECK(flush(to));
  ++copied.files;
  copied.bytes += fs::file_size(to, error);
  return {};
}

// What is there and not yet in the copy.
Result<void> copy_new(const fs::path& from, const fs::path& to, Copied& copied) {
  std::error_code error;
  TG_CHECK(os::PrivateDirectory::create(to.string()));
  for (auto entry = fs::recursive_directory_iterator(from, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const fs::path copy = to / entry->path().lexically_relative(from);
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      TG_CHECK(os::PrivateDirectory::create(copy.string()));
    } else if (entry->path().filename().string().rfind(os::kTemporaryPrefix, 0) != 0 && !fs::exists(copy, ignored)) {
      TG_CHECK(copy_file(entry->path(), copy, copied));
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) return fail(copying(from, error));
  return {};
}

// Twice: a log that ends while the folder is read gets another name, perhaps one that was passed already.
Result<void> copy_logs(const fs::path& from, const fs::path& to, Copied& copied) {
  TG_CHECK(copy_new(from, to, copied));
  TG_CHECK(copy_new(from, to, copied));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(to, ignored)) {
    fs::path whole = entry.path();
    if (whole.extension() != kOpenLog) continue;
    if (fs::exists(whole.replace_extension(kClosedLog), ignored)) fs::remove(entry.path(), ignored);
  }
  return {};
}

Result<void> copy_settings(const ServerPaths& paths, const std::string& target, Copied& copied) {
  TG_CHECK(os::PrivateDirectory::create(target + "/tls"));
  const std::pair<const std::string&, const char*> files[] = {{paths.configuration, "server.toml"},
                                                              {paths.tls_authority, "tls/ca.pem"},
                                                              {paths.tls_certificate, "tls/server.pem"},
                                                              {paths.tls_private_key, "tls/server-key.pem"}};
  for (const auto& [from, name] : files)
    TG_CHECK(copy_file(from, target + "/" + name, copied));
  return {};
}

Result<void> make_target(const std::string& target) {
  struct stat status {};
  if (::lstat(target.c_str(), &status) == 0) {
    return fail(Error(Code::conflict, fmt::format("{} is there already", target))
                    .do_next("name a new directory: a backup never changes an older one"));
  }
  TG_CHECK(os::PrivateDirectory::create(target));
  TG_CHECK(os::PrivateDirectory::create(target + "/data"));
  return {};
}

}  // namespace

Result<void> run_backup(const std::string& directory, const std::string& target) {
  TG_TRY(const Configuration configuration, load_configuration(directory, os::current_environment()));
  const ServerPaths paths = server_paths(directory, configuration);
  TG_TRY(const Opened opened, open_records_of(directory));
  TG_CHECK(make_target(target));
  const TimePoint now = opened.clock->now();
  TG_CHECK(opened.records->store().write([&](domain::Tables& tables) -> Result<void> {
    audit::append(tables, operator_of_this_host(), {"", "server.backed_up", "server", "", {}}, now);
    return {};
  }));
  Copied copied;
  // The database first: whatever it speaks of was written before it did, and is copied after it.
  const std::string database = target + "/data/tollgate.db";
  store::copy_sqlite_database(paths.database, database);
  TG_CHECK(flush(database));
  TG_CHECK(copy_new(paths.data + "/blobs", target + "/data/blobs", copied));
  TG_CHECK(copy_logs(paths.data + "/logs", target + "/data/logs", copied));
  TG_CHECK(copy_settings(paths, target, copied));
  TG_CHECK(flush(target + "/data"));
  TG_CHECK(flush(target));
  std::error_code unknown;
  copied.bytes += fs::file_size(database, unknown);
  fmt::print("{}: the database and {} files, {} KiB; without {}, which is to be kept elsewhere\n", target, copied.files,
             copied.bytes >> 10, paths.master_key);
  return {};
}

}  // namespace tollgate::app
