// Follows a run to its end: its logs as they grow, its state as it changes. A server that is away for a moment is asked
// again, and the log goes on where it was. One thread; waits by the clock that it is given.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "broker/remote/api_client.h"
#include "broker/remote/run_document.h"
#include "common/base/error.h"
#include "common/base/time.h"

namespace tollgate::remote {

struct WatchOptions {
  bool until_planned = false;  // a plan that waits for a confirmation is the end, too
  Duration poll{500};          // between two looks at a log that does not grow
  Duration refresh{2000};      // between two looks at the run
  Duration patience{300000};   // how long a server may be away
};

struct WatchSinks {
  std::function<Result<void>(std::string_view line)> log;  // one line of terraform's, as it came
  std::function<void(const RunView& run)> changed;         // the run has come into another status; also at first
  std::function<void(const std::string& sentence)> notice;
  // Something about its gate has changed; also at first, where there is one. True: a code was given, and the run is
  // looked at again at once. Not called for a run without a gate.
  std::function<Result<bool>(const RunView& run)> gate_changed = {};
  // Nothing has grown since the last call; the run is as it was.
  std::function<void(const RunView& run)> waiting = {};
};

// The run as it ended. Errors: those of ApiClient, of the log sink, and Code::unavailable where the server stayed away.
Result<RunView> watch_run(ApiClient& api, const std::string& run_id, const Clock& clock, const WatchOptions& options,
                          const WatchSinks& sinks);

// How a run ended, as an exit status: 0 applied, planned or saved, 1 failed, 2 cancelled, 3 discarded.
int exit_status_of(const RunView& run);

}  // namespace tollgate::remote
