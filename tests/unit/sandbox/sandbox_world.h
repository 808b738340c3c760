// A small world for the sandbox's tests, and calls made in it as if their signatures had been checked. Keys and seeds
// are the same in every run. Not synchronised.
#pragma once

#include <string>
#include <utility>

#include "common/base/random.h"
#include "sandbox/call.h"
#include "sandbox/totp.h"
#include "sandbox/world.h"
#include "sandbox/world_file.h"
#include "tests/support/manual_clock.h"

namespace tollgate::sandbox::test {

// The same bytes in every run, none of them twice in a row.
class CountingRandom final : public RandomSource {
 public:
  std::string bytes(std::size_t count) override {
    std::string result;
    for (std::size_t i = 0; i < count; ++i) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      result.push_back(static_cast<char>(state_ >> 56));
    }
    return result;
  }

 private:
  std::uint64_t state_ = 1;
};

inline constexpr const char* kAnaSerial = "arn:aws:iam::111111111111:mfa/ana";
inline constexpr const char* kBobSerial = "arn:aws:iam::111111111111:mfa/bob";
inline constexpr const char* kDeploy = "arn:aws:iam::222222222222:role/team/deploy";
inline constexpr const char* kReadOnly = "arn:aws:iam::222222222222:role/team/read-only";
inline constexpr const char* kAudit = "arn:aws:iam::111111111111:role/audit";
inline constexpr const char* kExternalId = "tollgate-example";

// The world that `tollgate-sandbox init` writes.
struct SandboxWorld {
  tollgate::test::ManualClock clock;
  CountingRandom random;
  WorldFile file;
  World& world;

  SandboxWorld();

  Call call(const Principal& principal, std::string action, Parameters parameters = {});
  // Runs one operation of STS or IAM.
  Answer sts(const Principal& principal, std::string action, Parameters parameters = {});

  Principal user(const std::string& name) const;
  Principal root(const std::string& account) const;
  // The caller that the newest session stands for.
  Principal last_session() const;
  // What the phone of a device shows now.
  std::string code(const std::string& serial) const;
  // Credentials of GetSessionToken, with or without a code. With one, the clock moves on a step, so that the next code
  // is a fresh one.
  Principal session(const std::string& user_name, bool mfa);
  // A role session of ana by way of an MFA session.
  Principal role_session(const std::string& role_arn, Parameters more = {});
};

// <Name>text</Name> of an answer; empty if it is not there.
std::string element_text(const std::string& xml, const std::string& name);

}  // namespace tollgate::sandbox::test
