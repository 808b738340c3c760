#include "runner/process_host.h"

namespace tollgate::runner {

Result<std::unique_ptr<ProcessHost>> host_for(const Bundle& bundle, const std::string& work,
                                              const std::string& memory) {
  return bundle.unsandboxed ? unsandboxed_host(bundle, work, memory) : sandbox_host(bundle, work, memory);
}

}  // namespace tollgate::runner
