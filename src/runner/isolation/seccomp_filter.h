// The system calls that a run's programs are refused (EPERM), as a BPF program for bubblewrap. A deny list over what
// the namespaces contain anyway: it narrows the kernel's surface, and is not the containment. Pure but for the
// descriptor.
#pragma once

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace tollgate::isolation {

// A memfd at its beginning. Code::unavailable, reason sandbox_unavailable.
Result<UniqueFd> seccomp_program();

}  // namespace tollgate::isolation
