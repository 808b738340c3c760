// How the settings become a runner, and whether it can work here. Called at start-up and by `config check`; no state.
#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "runner/protocol/sandbox_check.h"
#include "server/app/application.h"
#include "server/app/spool_phase_runner.h"

namespace tollgate::app {

// `configuration.runner_program` may be empty: the one beside this program.
Result<SpoolRunnerOptions> runner_options(const Configuration& configuration, const ServerPaths& paths);

// What would be in force around each run; nullopt where runs are to have no sandbox by the settings. Code::unavailable,
// reason sandbox_unavailable, with what to do about it.
Result<std::optional<runner::SandboxFacts>> check_runner(const SpoolRunnerOptions& options);

}  // namespace tollgate::app
