// The command that answers a run's gate, and what it shares with the one that watches runs: what a person is shown
// before the question, and asking it.
#pragma once

#include "broker/cli/run_shared.h"
#include "broker/remote/authentication.h"

namespace tollgate::cli {

Command authenticate_command();

// The gate, the plan, whose configuration will run with whose credentials.
void print_gate_card(const remote::RunView& run, TimePoint now);
// `run` has a gate that this viewer may answer. Errors: those of remote::authenticate.
Result<remote::Authenticated> answer_gate(App& app, OpenedServer& server, const remote::RunView& run,
                                          const CodeOptions& codes);
void print_authenticated(const remote::RunView& before, const remote::Authenticated& done);

}  // namespace tollgate::cli
