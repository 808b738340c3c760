// The imitated AWS behind one port: takes a request, finds out which service is meant (by the signature's scope), who
// sends it, what the service says, and which fault is due; notes the call in the log. Everything with an effect outside
// is a parameter, so that tests need no socket, no disk and no clock. May be called from several threads: services run
// one call at a time, waiting faults do not hold the others up.
#pragma once

#include <atomic>
#include <functional>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/sync.h"
#include "common/base/time.h"
#include "common/http/server.h"
#include "sandbox/call_log.h"
#include "sandbox/fault.h"
#include "sandbox/object_store.h"
#include "sandbox/world.h"

namespace tollgate::sandbox {

struct EndpointHooks {
  std::function<void(World&)> save;                                        // after each call; may be empty
  std::function<void(const LogEntry&)> log;                                // may be empty
  std::function<std::vector<Fault>(std::string_view action)> take_faults;  // set at run time; may be empty
};

class Endpoint {
 public:
  // `objects`, `clock` and `random` must outlive this.
  Endpoint(World world, std::vector<Fault> faults, ObjectStore& objects, const Clock& clock, RandomSource& random,
           EndpointHooks hooks);

  http::Response handle(const http::Request& request);
  // Ends faults that wait.
  void stop() { stopping_ = true; }

 private:
  struct Exchange;
  std::vector<Fault> faults_for(std::string_view action);
  void wait(Duration duration) const;
  void run_query(const http::Request& request, Exchange& exchange);
  void run_s3(const http::Request& request, Exchange& exchange);
  void finish(const http::Request& request, Exchange& exchange);

  struct State {
    World world;
    std::vector<Fault> faults;
    ObjectStore* objects;
  };
  Sync<State> state_;
  const Clock& clock_;
  RandomSource& random_;
  EndpointHooks hooks_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace tollgate::sandbox
