#include "runner/isolation/bubblewrap_options.h"

#include <unistd.h>

#include <initializer_list>
#include <string_view>

#include "runner/isolation/descriptors.h"
#include "runner/isolation/launch.h"
#include "runner/isolation/seccomp_filter.h"

namespace tollgate::isolation {
namespace {

class Options {
 public:
  ~Options() { wipe(text_); }
  void add(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) {
      // Growing would leave a copy of secrets behind.
      if (text_.size() + word.size() + 1 > text_.capacity()) {
        std::string larger;
        larger.reserve(2 * (text_.capacity() + word.size() + 1));
        larger = text_;
        std::swap(larger, text_);
        wipe(larger);
      }
      text_ += word;
      text_ += '\0';
    }
  }
  Result<void> add_file(const char* name, std::string_view content, std::string_view inside,
                        std::vector<UniqueFd>& files) {
    TG_TRY(UniqueFd file, memory_file(name, content));
    // A plain file in the root, which is read-only in the end: for each bind bubblewrap reads all mounts again.
    add({"--perms", "0444", "--file", std::to_string(file.get()), inside});
    files.push_back(std::move(file));
    return {};
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

const std::string& inside_of(const Bind& bind) {
  return bind.inside.empty() ? bind.host : bind.inside;
}

Result<void> add_system(const SandboxSpec& spec, Options& options, std::vector<UniqueFd>& files) {
  options.add({"--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin",
               "--symlink", "usr/lib", "/lib"});
  if (access("/usr/lib64", F_OK) == 0) options.add({"--symlink", "usr/lib64", "/lib64"});
  for (const char* path : {"/etc/ssl/certs", "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime"})
    options.add({"--ro-bind-try", path, path});
  const auto uid = static_cast<unsigned>(spec.user.value_or(geteuid()));
  const auto gid = static_cast<unsigned>(spec.group.value_or(getegid()));
  // Names of our own making, so that nothing of the host's users and hosts is told.
  TG_CHECK(options.add_file("passwd", fmt::format("run:x:{}:{}:run:{}:/usr/sbin/nologin\n", uid, gid, kHomeDirectory),
                            "/etc/passwd", files));
  TG_CHECK(options.add_file("group", fmt::format("run:x:{}:\n", gid), "/etc/group", files));
  TG_CHECK(
      options.add_file("nsswitch", "passwd: files\ngroup: files\nhosts: files dns\n", "/etc/nsswitch.conf", files));
  if (spec.network == Network::shared) {
    options.add({"--ro-bind-try", "/etc/hosts", "/etc/hosts", "--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"});
    return {};
  }
  TG_CHECK(options.add_file("hosts", "127.0.0.1 localhost\n::1 localhost\n", "/etc/hosts", files));
  // slirp4netns answers there.
  if (spec.network == Network::internet) {
    TG_CHECK(options.add_file("resolver", "nameserver 10.0.2.3\n", "/etc/resolv.conf", files));
  }
  return {};
}

}  // namespace

Result<BubblewrapOptions> bubblewrap_options(const SandboxSpec& spec, int status_fd) {
  BubblewrapOptions result;
  Options options;
  options.add({"--unshare-user", "--disable-userns", "--unshare-ipc", "--unshare-pid", "--unshare-uts",
               "--unshare-cgroup-try", "--clearenv", "--new-session", "--die-with-parent", "--hostname", "run",
               "--cap-drop", "ALL", "--json-status-fd", std::to_string(status_fd)});
  TG_TRY(UniqueFd filter, seccomp_program());
  options.add({"--seccomp", std::to_string(filter.get())});
  result.files.push_back(std::move(filter));

  TG_CHECK(add_system(spec, options, result.files));
  const std::string memory = std::to_string(spec.limits.temporary_bytes ? spec.limits.temporary_bytes : 256ULL << 20);
  // Read-only: with the runner's root as the run's user, sysctls such as core_pattern would be its own to write, and
  // bubblewrap covers /proc/sys only where the directory itself is writable.
  options.add({"--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--size", "16777216", "--tmpfs", "/dev/shm",
               "--remount-ro", "/dev"});
  options.add({"--perms", "1777", "--size", memory, "--tmpfs", "/tmp", "--size", memory, "--tmpfs", kHomeDirectory});
  const bool staged = !staged_sources(spec).empty();
  std::size_t number = 0;
  const auto source = [&](const std::string& host) { return staged ? staged_place(number++) : host; };
  options.add({"--bind", source(spec.work_directory), kWorkDirectory});
  for (const Bind& bind : spec.writable)
    options.add({"--bind", source(bind.host), inside_of(bind)});
  for (const Bind& bind : spec.readable)
    options.add({"--ro-bind", source(bind.host), inside_of(bind)});
  options.add({"--remount-ro", "/"});
  const std::string start = spec.start_directory.empty() ? std::string(kWorkDirectory)
                                                         : fmt::format("{}/{}", kWorkDirectory, spec.start_directory);
  options.add({"--chdir", start});
  for (const Variable& variable : spec.environment)
    options.add({"--setenv", variable.name, variable.value.reveal()});
  TG_TRY(result.arguments, memory_file("options", options.text()));
  return result;
}

std::vector<std::string> staged_sources(const SandboxSpec& spec) {
  std::vector<std::string> sources;
  if (spec.unsandboxed || !spec.user || geteuid() != 0) return sources;
  sources.push_back(spec.work_directory);
  for (const std::vector<Bind>* binds : {&spec.writable, &spec.readable}) {
    for (const Bind& bind : *binds)
      sources.push_back(bind.host);
  }
  return sources;
}

std::string staged_place(std::size_t number) {
  return fmt::format("{}/{}", kStagingDirectory, number);
}

std::string host_path_of(const SandboxSpec& spec, const std::string& inside) {
  std::string found;
  std::size_t longest = 0;
  const auto consider = [&](const std::string& at, const std::string& host) {
    const bool below = inside == at ||
                       (inside.size() > at.size() && inside.compare(0, at.size(), at) == 0 && inside[at.size()] == '/');
    if (!below || at.size() < longest) return;
    longest = at.size();
    found = host + inside.substr(at.size());
  };
  for (const char* system : {"/usr", "/bin", "/sbin", "/lib", "/lib64"})
    consider(system, system);
  consider(kWorkDirectory, spec.work_directory);
  for (const Bind& bind : spec.writable)
    consider(inside_of(bind), bind.host);
  for (const Bind& bind : spec.readable)
    consider(inside_of(bind), bind.host);
  return found;
}

}  // namespace tollgate::isolation
