#include "common/os/process_hardening.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace tollgate::os {

Inherited harden_process() {
  Inherited before;
  before.umask = ::umask(077);
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) == 0) {
    before.core_limit = limit.rlim_cur;
    limit.rlim_cur = 0;
    if (before.core_limit != 0) setrlimit(RLIMIT_CORE, &limit);
  }
  // A core_pattern that is a pipe ignores RLIMIT_CORE; it does heed this.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return before;
}

void restore_inherited(const Inherited& inherited) {
  ::umask(inherited.umask);
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = inherited.core_limit;
    setrlimit(RLIMIT_CORE, &limit);
  }
}

}  // namespace tollgate::os
