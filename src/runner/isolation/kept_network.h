// The network of a sandbox, kept for the programs that come after: those of one phase run one after the other and share
// its namespaces, what is refused in them, and the one slirp4netns.
// No process of a program is left when the next one starts, and none of them could change the network: the rights for
// that belong to the namespace in which bubblewrap is started, and bubblewrap gives them up. It is not shared between
// phases. For one thread, that which calls start().
#pragma once

#include <sys/types.h>

#include <optional>

#include "common/base/unique_fd.h"
#include "common/os/child_process.h"

namespace tollgate::isolation {

class KeptNetwork {
 public:
  // Of a process whose network is made; `slirp` is what connects it. Where the kernel does not hand the namespaces out,
  // nothing is kept, and `slirp` is given back.
  std::optional<os::ChildProcess> keep(pid_t pid, std::optional<os::ChildProcess> slirp);
  // Whether the next program can have it. What has lost its connection is given up.
  bool is_there();

  int user_namespace() const { return user_.get(); }
  int network_namespace() const { return network_.get(); }

 private:
  UniqueFd user_;
  UniqueFd network_;
  std::optional<os::ChildProcess> slirp_;  // killed and reaped with this
};

}  // namespace tollgate::isolation
