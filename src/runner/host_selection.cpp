#include "runner/process_host.h"
#include "runner/protocol/phase_result.h"

namespace tollgate::runner {

Result<std::unique_ptr<ProcessHost>> host_for(const Bundle& bundle, const std::string& work,
                                              const std::string& memory) {
  if (bundle.allow_unsandboxed) return unsandboxed_host(bundle, work, memory);
  return fail(Error(Code::unavailable, "this runner has no sandbox, and running without one was not allowed")
                  .because(std::string(reason::kSandboxUnavailable)));
}

}  // namespace tollgate::runner
