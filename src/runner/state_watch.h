// Ships the local state file of a running terraform: every complete new state is published in the spool the moment it
// is seen. Terraform writes the file in place, so that a reader may meet half of it: only what reads the same twice,
// with nothing written in between, and is a state document counts. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "runner/protocol/spool.h"

namespace tollgate::runner {

struct StateIdentity {
  std::int64_t serial = 0;
  std::string lineage;
};

// nullopt for what is not a whole state (version 4).
std::optional<StateIdentity> identify_state(std::string_view text);
// {"name":{"value","type","sensitive"}}, as `terraform output -json` has it; "{}" where there are none.
std::string outputs_of_state(std::string_view text);

class StateWatch {
 public:
  // `directory` below `work` holds the file `name`; it exists. `initial`: what the file says at the start.
  StateWatch(const Spool& spool, int work, std::string directory, std::string name, std::string initial);

  // To be polled for reading.
  int fd() const { return inotify_.get(); }
  // After fd() was readable, or at any time: publishes what is new. True if something was published.
  bool look();
  // The file changed but could not be read as a state yet: look again soon.
  bool pending() const { return pending_; }

  const std::optional<std::int64_t>& serial() const { return serial_; }  // the last one published
  const std::string& latest() const { return latest_; }                  // its text, or the initial one
  // Why the last publication failed; empty where it did not. look() tries again.
  const std::string& failure() const { return failure_; }

 private:
  bool drain_events();
  std::optional<std::string> read_settled() const;

  const Spool& spool_;
  UniqueFd directory_;
  std::string name_;
  UniqueFd inotify_;
  std::string latest_;
  std::optional<std::int64_t> serial_;
  bool pending_ = false;
  std::string failure_;
};

}  // namespace tollgate::runner
