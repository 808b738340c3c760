// Takes system calls away from the calling process, as a container's seccomp profile does. For forked parts of a test:
// there is no way back.
#pragma once

#include <vector>

namespace tollgate::test {

// The calls (SYS_... numbers) fail with `error_number`. False where the kernel has no filters.
bool forbid_calls(const std::vector<long>& calls, int error_number);

}  // namespace tollgate::test
