#include "common/os/process_hardening.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/forked.h"

namespace tollgate::os {
namespace {

TEST(ProcessHardening, SwitchesDumpsOffAndGivesBackWhatAChildNeeds) {
  test::Forked child([] {
    ::umask(022);
    rlimit limit{};
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    const Inherited inherited = harden_process();
    rlimit hardened{};
    getrlimit(RLIMIT_CORE, &hardened);
    if (hardened.rlim_cur != 0 || hardened.rlim_max != limit.rlim_max) return 1;
    if (prctl(PR_GET_DUMPABLE) != 0) return 2;
    if (::umask(077) != 077) return 3;
    restore_inherited(inherited);
    getrlimit(RLIMIT_CORE, &hardened);
    if (hardened.rlim_cur != limit.rlim_cur) return 4;
    return ::umask(0) == 022 ? 0 : 5;
  });
  EXPECT_EQ(child.exit_code(), 0);
}

TEST(ProcessHardening, AnotherProcessOfTheSameUserCannotReadItsMemoryOrEnvironment) {
  test::Forked user([] {
    if (geteuid() == 0 && setuid(62001) != 0) return 1;  // root may read everything
    // What the change of user has set off already is undone, so that the difference is the hardening's.
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    test::Forked hardened([] {
      harden_process();
      pause();
      return 0;
    });
    const std::string proc = "/proc/" + std::to_string(hardened.pid());
    if (!test::eventually([&] { return open((proc + "/environ").c_str(), O_RDONLY) < 0; })) return 2;
    return open((proc + "/mem").c_str(), O_RDONLY) < 0 && open((proc + "/maps").c_str(), O_RDONLY) < 0 ? 0 : 3;
  });
  EXPECT_EQ(user.exit_code(), 0);
}

}  // namespace
}  // namespace tollgate::os
