// A copy of a server from which it can be set up again elsewhere, made while it goes on. Not the master key: a backup
// that is stolen tells nothing without it, so it is kept apart. Not what is being executed at that moment: a run that a
// backup caught in the middle of a phase ends as runner_lost where it is restored. Threads: one.
#pragma once

#include <string>

#include "common/base/error.h"

namespace tollgate::app {

// Lays out `target`, which must not be there yet, as a server's directory. Errors: Code::conflict (it is there),
// Code::io; what opening the records says. Throws where the database or the disk refuses.
Result<void> run_backup(const std::string& directory, const std::string& target);

}  // namespace tollgate::app
