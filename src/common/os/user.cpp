#include "common/os/user.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace tollgate::os {
namespace {

struct PasswordEntry {
  std::string name;
  std::string home;
};

std::optional<PasswordEntry> password_entry(uid_t uid) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/etc/passwd", "re"), &std::fclose);
  if (!file) return std::nullopt;
  passwd entry{};
  passwd* found = nullptr;
  std::string buffer(4096, '\0');
  while (fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0 && found) {
    if (found->pw_uid == uid) return PasswordEntry{found->pw_name, found->pw_dir ? found->pw_dir : ""};
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> home_directory(const Environment& environment) {
  const std::string* home = environment.find("HOME");
  if (home && !home->empty() && home->front() == '/') return *home;
  const auto entry = password_entry(geteuid());
  if (entry && !entry->home.empty() && entry->home.front() == '/') return entry->home;
  return fail(Error(Code::config, fmt::format("HOME is not set and user {} is not in /etc/passwd", geteuid()))
                  .do_next("set HOME to your home directory"));
}

std::string user_name(const Environment& environment) {
  if (const auto entry = password_entry(geteuid()); entry && !entry->name.empty()) return entry->name;
  for (const char* variable : {"LOGNAME", "USER"}) {
    if (const std::string* name = environment.find(variable); name && !name->empty()) return *name;
  }
  return std::to_string(geteuid());
}

}  // namespace tollgate::os
