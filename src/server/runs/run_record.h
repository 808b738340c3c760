// The one way a changed run gets into the store: its row, its run event, its audit record (I9), and at its end what it
// held. Functions run inside the caller's write transaction.
#pragma once

#include <string>

#include "common/base/random.h"
#include "common/base/time.h"
#include "common/json/value.h"
#include "server/domain/organization.h"
#include "server/domain/store.h"
#include "server/runs/events.h"

namespace tollgate::runs {

struct RunChange {
  std::string action;       // of the run event; the audit says "run." and this
  std::string description;  // for people; may be empty
  json::Value details = json::Value::object();
};

// `run` was changed by one of domain's transitions. A final run gives up its workspace's lock, its frozen inputs,
// its tokens and AWS sessions, and its gates close.
void record(domain::Tables& tables, const domain::Run& run, RunChange change, const domain::Actor& actor,
            RandomSource& random, TimePoint now);
// Makes it the current run of its workspace and gives it the lock. Code::conflict where somebody holds that (I6).
Result<void> take_workspace(domain::Tables& tables, const domain::Run& run, TimePoint now);

Event event_of(const domain::Run& run, std::string what);

}  // namespace tollgate::runs
