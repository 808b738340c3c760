// Tells who listens inside this process that a run or a workspace changed: the event stream of the web UI, tests. A
// hint to read again, not a record: nothing is kept, and what the database says is the truth. Published after the
// commit. Threads: all methods at once; functions run on the publishing thread and must be quick.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/runs/subscribers.h"

namespace tollgate::runs {

struct Event {
  std::string organization_id;
  std::string workspace_id;
  std::string run_id;  // empty: the workspace itself changed (its lock, its state)
  std::string what;    // "created", "planning", "state", ...: the run event's action
  std::string status;  // of the run, as the API names it
};

class EventBus {
 public:
  using Subscription = Subscribers<Event>::Handle;

  void publish(const Event& event) {
    subscribers_.notify(event.organization_id, event);
    subscribers_.notify("", event);
  }
  // Of one organization; with an empty id of all. Until the returned handle goes.
  std::unique_ptr<Subscription> subscribe(std::string_view organization_id, std::function<void(Event)> function) {
    return subscribers_.add(std::string(organization_id), std::move(function));
  }

 private:
  Subscribers<Event> subscribers_;
};

}  // namespace tollgate::runs
