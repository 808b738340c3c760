// What helps an organization whose only MFA device is lost, so that nobody can pass a gate: its level falls to `never`,
// by somebody with a shell on the server's host and in the name of an owner. It opens no gate: runs that exist keep the
// level that they were created under (I1), and only later ones start without a code. Audited, and all owners are told.
// Functions run inside the caller's write transaction.
#pragma once

#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/time.h"
#include "server/domain/store.h"

namespace tollgate::runs {

struct BreakGlassRequest {
  std::string organization;
  std::string owner;                    // user name
  std::string reason;                   // in words, for the other owners
  std::vector<std::string> workspaces;  // whose own, stricter level is taken away too
};

struct GlassBroken {
  domain::MfaLevel before = domain::MfaLevel::never;
  std::vector<std::string> still_gated;  // workspaces with a stricter level of their own
  std::vector<std::string> waiting;      // runs that keep waiting for a code
};

// Errors: Code::not_found for a name; Code::forbidden where that person is no owner; Code::invalid without a reason;
// Code::conflict where there is no gate to get around.
Result<GlassBroken> break_glass(domain::Tables& tables, const BreakGlassRequest& request, const domain::Actor& actor,
                                RandomSource& random, TimePoint now);

}  // namespace tollgate::runs
