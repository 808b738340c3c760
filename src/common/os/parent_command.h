// Which command asks: the ancestors of this process by /proc, for a person to read. Not evidence: any process chooses
// its own name. May be called from any thread; call before or after hardening (it reads other processes only).
#pragma once

#include <sys/types.h>

#include <string>

namespace tollgate::os {

// The nearest ancestor that is no shell run with -c, no Terraform provider and not tollgate itself, as "terraform
// plan": the program's name and its first word that is no option and no assignment (later ones may hold secrets),
// control characters removed, cut to `max_bytes`. Empty where /proc does not tell.
std::string parent_command(std::size_t max_bytes = 60);
// The same for one process, without skipping.
std::string command_of(pid_t pid, std::size_t max_bytes = 60);

}  // namespace tollgate::os
