// Answers the gate of a run with a code: asks for it on this machine, sends it to the server once, and says what became
// of it. The device's gate on this machine (broker/mfa) sees to it that no code is sent twice, not even one that went
// to AWS for another command. One thread at a time.
#pragma once

#include <string>

#include "broker/mfa/device_gate.h"
#include "broker/remote/api_client.h"
#include "broker/remote/run_document.h"
#include "common/base/error.h"
#include "common/base/time.h"

namespace tollgate::remote {

struct Authenticated {
  RunView run;              // as it stands now
  bool by_another = false;  // the gate was passed meanwhile, without a code of ours
};

// `run` has an open gate that this viewer may answer (GateView::answers). Errors: Code::forbidden (refused for good, or
// locked; reason locked), Code::conflict (no such gate any more), Code::throttled (too soon), Code::unavailable (not
// sent), Code::unknown (sent, and no answer came: the code is spent), and those of the code's source.
Result<Authenticated> authenticate(ApiClient& api, const RunView& run, mfa::DeviceGate& device_gate,
                                   mfa::CodeSource& codes);

}  // namespace tollgate::remote
