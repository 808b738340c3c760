// What tests of phases share: a terraform whose behaviour each test writes as shell scripts into the configuration, and
// archives of configurations and plans.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "runner/protocol/phase_client.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::runner {

// A ZIP archive with one entry, not compressed.
std::string stored_archive(const std::string& name, const std::string& content);

// A fake terraform: COMMAND runs COMMAND.sh of its directory where there is one. Otherwise init says that our backend
// is set, plan writes a plan and answers "changes", show prints an empty plan, apply succeeds.
class PhaseTest : public testing::Test {
 protected:
  using Files = std::map<std::string, std::string>;
  PhaseTest();

  // A spool with this configuration.
  Spool spool_with(const Files& configuration, const std::string& name = "plan-1");
  static std::string archive_of(const Files& files);
  Bundle bundle(Phase phase = Phase::plan) const;
  // A bundle for an apply of a plan that is put into the spool.
  Bundle apply_bundle(const Spool& spool) const;
  Result<PhaseClient> start(Spool spool, const Bundle& given) const;
  // Follows it to its end (at most a minute).
  static PhaseResult result_of(PhaseClient& client);
  static std::string output_of(const PhaseClient& client);
  // Waits until the output holds `text`.
  static bool shows(PhaseClient& client, const std::string& text);
  // A state document.
  static std::string state(int serial, const std::string& filler = "");

  test::TemporaryDirectory place_;
  std::string terraform_;
};

}  // namespace tollgate::runner
