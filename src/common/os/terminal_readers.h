// Whether a program of our foreground process group is waiting for input from the terminal at this moment, for example
// terraform asking for "yes": a question of ours would then take the answer away. Best effort by /proc (Linux): where
// /proc does not tell, the answer is yes, the careful one.
#pragma once

namespace tollgate::os {

// Leaves this process itself out. Costs some system calls per process of the group.
bool terminal_is_being_read();

}  // namespace tollgate::os
