// One phase from its files to its result: prepares the work area, starts terraform through the loop, and says how it
// ended. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/time.h"
#include "runner/memory_files.h"
#include "runner/phase_loop.h"
#include "runner/process_host.h"
#include "runner/protocol/bundle.h"
#include "runner/protocol/phase_result.h"
#include "runner/protocol/spool.h"
#include "runner/schema_cache.h"
#include "runner/terraform_command.h"
#include "runner/work_area.h"

namespace tollgate::runner {

struct PhaseParts {
  const Spool& spool;
  const Bundle& bundle;
  ControlServer& control;
  OutputLog& log;
  int signals;  // a signalfd
  const Clock& clock;
  HostFactory host_for;
  KeptSession* session = nullptr;           // of AWS; nullptr: the phase has none
  CredentialsEndpoint* endpoint = nullptr;  // for what is renewed
};

class PhaseRun {
 public:
  explicit PhaseRun(const PhaseParts& parts);
  ~PhaseRun();
  // Never fails: what goes wrong is the result. Everything but result.json is in the spool when it returns.
  PhaseResult execute();

 private:
  // An error is the end of the phase; its reason is one of reason::.
  Result<void> steps();
  Result<void> prepare();
  Result<void> put_inputs();
  Result<void> put_secrets();
  Result<void> choose_host();
  void tell_isolation();
  void give_aws();
  Result<void> initialize();
  Result<void> check_backend() const;
  Result<void> plan();
  Result<void> keep_plan();
  Result<void> apply();
  void keep_redacted_plan(const json::Value& plan);
  json::Value schemas_for(const json::Value& plan);
  json::Value ask_for_schemas(const std::vector<LockedProvider>& providers, bool& trustworthy);
  Result<std::string> run_in_clean_room(const std::vector<LockedProvider>& providers, bool& trustworthy);

  Result<ProgramEnd> run(const std::vector<std::string>& arguments, OutputSink& output, OutputSink& errors);
  Result<void> give_away(const WorkArea& area) const;
  Error stopped() const;
  Error ended_badly(std::string_view what, const ProgramEnd& end) const;
  void conclude(const Result<void>& outcome);
  void keep_last_facts();

  PhaseParts parts_;
  PhaseLoop loop_;
  std::optional<WorkArea> area_;
  std::optional<MemoryFiles> memory_;
  std::unique_ptr<ProcessHost> host_;
  std::optional<StateWatch> states_;
  os::Environment environment_;
  PhasePaths paths_;
  PhaseResult result_;
  bool isolation_told_ = false;
};

}  // namespace tollgate::runner
