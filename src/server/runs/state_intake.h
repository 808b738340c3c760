// Takes a state that a run wrote into the workspace's history (I4): content first, then in one transaction the version,
// its outputs and the workspace's pointer. Threads: one for each run.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "common/base/random.h"
#include "common/base/time.h"
#include "server/domain/store.h"

namespace tollgate::runs {

// What a state file says of itself. Errors: Code::invalid where it is no state (format version 4).
struct StateSummary {
  std::int64_t serial = 0;
  std::string lineage;
  std::string terraform_version;
  std::vector<domain::StateVersionOutput> outputs;  // without ids
};
Result<StateSummary> summarize_state(std::string_view state);

class StateIntake {
 public:
  StateIntake(domain::Store& store, domain::BlobStore& blobs, const domain::Run& run, RandomSource& random);

  // A content that this run has already handed in is skipped, so that taking in may start over. The version is
  // "intermediate" until finish(). Errors: Code::invalid of summarize_state. Throws where store or disk refuse.
  Result<void> take(std::string_view state, TimePoint now);
  // The serial of the last one; nullopt if the run wrote none.
  std::optional<std::int64_t> last_serial() const { return last_serial_; }

 private:
  domain::Store& store_;
  domain::BlobStore& blobs_;
  RandomSource& random_;
  std::string organization_id_;
  std::string workspace_id_;
  std::string run_id_;
  std::set<std::string> known_;  // SHA-256 of this run's versions
  std::optional<std::int64_t> last_serial_;
};

// The run's last version is no snapshot any more. In the transaction that ends the run.
void settle_state(domain::Tables& tables, const domain::Run& run);

std::string state_blob_key(std::string_view state_version_id);

}  // namespace tollgate::runs
