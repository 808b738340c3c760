// The RunService over a Store. Threads: all methods at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/random.h"
#include "common/base/time.h"
#include "server/domain/store.h"
#include "server/runs/events.h"
#include "server/runs/log_hub.h"
#include "server/runs/run_service.h"
#include "server/runs/terraform_versions.h"

namespace tollgate::runs {

// What it stands on; all of it outlives it. `wake` tells the scheduler that there is something to decide.
struct RunServiceParts {
  domain::Store& store;
  LogHub& logs;
  EventBus& events;
  const TerraformVersions& versions;
  const Clock& clock;
  RandomSource& random;
  std::function<void()> wake;
};

class StoreRunService final : public RunService {
 public:
  explicit StoreRunService(RunServiceParts parts) : parts_(std::move(parts)) {}

  Result<domain::Run> create(const NewRun& wish, const domain::Actor& actor) override;
  Result<domain::Run> confirm(std::string_view run_id, std::string comment, const domain::Actor& actor) override;
  Result<domain::Run> discard(std::string_view run_id, std::string comment, const domain::Actor& actor) override;
  Result<domain::Run> cancel(std::string_view run_id, std::string comment, const domain::Actor& actor) override;
  Result<domain::Run> force_cancel(std::string_view run_id, std::string comment, const domain::Actor& actor) override;
  void look_again() override;

 private:
  using Step = std::function<Result<void>(domain::Tables&, domain::Run&, TimePoint)>;
  Result<domain::Run> change(std::string_view run_id, std::string action, const domain::Actor& actor, const Step& step);
  void announce(const domain::Run& run, const std::string& action, const domain::Actor& actor);

  RunServiceParts parts_;
};

// planned(_and_saved) -> confirmed; a saved plan becomes its workspace's writer. Inside the caller's transaction.
Result<void> confirm_run(domain::Tables& tables, domain::Run& run, std::string comment, const domain::Actor& actor,
                         TimePoint now);

// Ends the logs of a run that is over, with a line that says why. What has no log gets one, so that who reads it is
// told.
void close_logs(LogHub& logs, const domain::Run& run, std::string_view line);

}  // namespace tollgate::runs
