#include "runner/isolation/seccomp_filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>

#include "runner/isolation/descriptors.h"

namespace tollgate::isolation {
namespace {

constexpr const char* kDenied[] = {
    // keys of the host's keyrings
    "keyctl", "add_key", "request_key",
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise", "move_pages",
    "migrate_pages",
    // mounts and namespaces
    "mount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount",
    "mount_setattr", "setns", "unshare", "chroot",
    // kernel surface with a history of holes, which no provider needs
    "bpf", "io_uring_setup", "io_uring_enter", "io_uring_register", "perf_event_open", "userfaultfd", "modify_ldt",
    "fanotify_init", "open_by_handle_at", "name_to_handle_at", "lookup_dcookie", "vhangup",
    // the machine
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "swapon", "swapoff", "reboot",
    "acct", "quotactl", "syslog", "iopl", "ioperm", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
    "sethostname", "setdomainname"};

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

Error filter_error(std::string_view what, int number) {
  return Error(Code::unavailable, fmt::format("the system call filter: {}: {}", what, std::strerror(number)))
      .because("sandbox_unavailable")
      .do_next("check that libseccomp belongs to this system");
}

Result<void> add(const Context& context, std::uint32_t action, const char* name, const scmp_arg_cmp* argument) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number < 0) return {};  // not of this architecture, or newer than this libseccomp
  const int result = seccomp_rule_add_array(context.get(), action, number, argument ? 1 : 0, argument);
  if (result != 0) return fail(filter_error(name, -result));
  return {};
}

}  // namespace

Result<UniqueFd> seccomp_program() {
  const Context context(seccomp_init(SCMP_ACT_ALLOW));
  if (!context) return fail(filter_error("creating it", ENOMEM));
  const std::uint32_t denied = SCMP_ACT_ERRNO(EPERM);
  for (const char* name : kDenied)
    TG_CHECK(add(context, denied, name, nullptr));
  // Its flags are in memory, where no filter sees them: ENOSYS makes every libc fall back to clone.
  TG_CHECK(add(context, SCMP_ACT_ERRNO(ENOSYS), "clone3", nullptr));
  for (const unsigned long flag :
       {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) {
    const scmp_arg_cmp argument{0, SCMP_CMP_MASKED_EQ, flag, flag};
    TG_CHECK(add(context, denied, "clone", &argument));
  }
  // Input pushed into a terminal, also by way of the console's selection. The kernel reads 32 bits of the request.
  for (const unsigned long request : {static_cast<unsigned long>(TIOCSTI), 0x541CUL /* TIOCLINUX */}) {
    const scmp_arg_cmp argument{1, SCMP_CMP_MASKED_EQ, 0xffffffffUL, request};
    TG_CHECK(add(context, denied, "ioctl", &argument));
  }
  // AF_UNIX, AF_INET and AF_INET6 stay; a number with higher bits set is above the last and refused with the rest.
  for (unsigned long family = 0; family < AF_INET6; ++family) {
    if (family == AF_UNIX || family == AF_INET) continue;
    const scmp_arg_cmp argument{0, SCMP_CMP_EQ, family, 0};
    TG_CHECK(add(context, denied, "socket", &argument));
  }
  const scmp_arg_cmp above{0, SCMP_CMP_GT, AF_INET6, 0};
  TG_CHECK(add(context, denied, "socket", &above));

  UniqueFd fd = out_of_the_way(UniqueFd(memfd_create("filter", MFD_CLOEXEC)));
  if (!fd) return fail(filter_error("memory for it", errno));
  if (const int result = seccomp_export_bpf(context.get(), fd.get()); result != 0) {
    return fail(filter_error("writing it", -result));
  }
  lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

}  // namespace tollgate::isolation
