// What browsers hear of what happens: one text/event-stream for each, fed by the event bus and by the logs, each with
// what its viewer may see. A hint to read again, never the record: events about one run that come close together are
// told once, with its state as it is then.
//
//   run        {organization, workspace-id, run-id, status, plan-status, apply-status, mfa-state}
//   workspace  {organization, workspace-id, what}        its lock, its state
//   log        {run-id, phase, offset}                   there are bytes up to that offset
//   notice     {organization}                            owners: there is one more
//   resync     {}                                        something was missed: read everything again
//
// Who may see what is looked at again before a viewer gets something (at most every two seconds) and with each
// heartbeat: a session or a token that has ended ends its streams. A reader that does not keep up is ended with
// `resync` (common/http/response_stream.h). After a reconnection the id of the last event leads to what was missed.
//
// Threads: open() and recheck() from any. start() begins a thread that calls step(); without it, a test does.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "common/base/random.h"
#include "common/base/time.h"
#include "common/http/response_stream.h"
#include "server/api/event_history.h"
#include "server/api/permission.h"
#include "server/runs/events.h"
#include "server/runs/log_hub.h"

namespace tollgate::api {

struct EventFeedOptions {
  std::size_t streams_per_person = 20;  // tabs and forgotten tabs of one person; also of one organization's token
  std::size_t streams = 4000;           // of all
  std::size_t history = 2048;           // things whose newest event is kept for replay
  std::size_t most_pending = 64 << 10;  // bytes that a reader may be behind
  std::chrono::seconds heartbeat{15};
  std::chrono::milliseconds log_interval{200};  // a log that grows all the time is told so often
};

// What it stands on; all of it outlives it.
struct EventFeedParts {
  domain::Store& store;
  runs::LogHub& logs;
  runs::EventBus& events;
  const Clock& clock;
  RandomSource& random;
  std::function<void(const std::string&)> on_error;
};

class EventFeed {
 public:
  explicit EventFeed(EventFeedParts parts, EventFeedOptions options = {});
  ~EventFeed();  // stops

  void start();
  // Ends all streams. Idempotent.
  void stop();

  // A stream for whoever asks; `last_event_id` is empty, or what the browser's last event had. Errors: Code::throttled
  // where there are too many; Code::forbidden for a run's token, which has no organization to look at.
  Result<std::shared_ptr<http::ResponseStream>> open(const Principal& principal, std::string_view last_event_id);
  // Something that neither the bus nor a log tells.
  void tell(FeedEvent event);
  // Somebody's proof or membership has ended: streams that must end do so at the next step.
  void recheck();

  // Sends what has happened, and heartbeats where it is time. The moment of the next step if nothing happens before.
  TimePoint step();
  std::size_t open_streams() const;

 private:
  struct Happened;
  struct Streams;
  struct Viewer;

  void note(const runs::Event& event);
  void note_log(const std::string& phase_id);
  Happened take_due(TimePoint now);
  std::vector<FeedEvent> look_up(const Happened& happened);
  void check_viewers(TimePoint now, Duration not_older);
  void send(std::vector<FeedEvent> events);
  void beat(TimePoint now);
  void loop();

  EventFeedParts parts_;
  EventFeedOptions options_;
  std::shared_ptr<Streams> streams_;  // shared with the ends of streams, which may outlive this
  struct Phase {
    std::string organization_id;
    std::string run_id;
    std::string kind;
  };
  std::map<std::string, Phase, std::less<>> phases_;  // of step() only: what a log's name means
  std::map<std::string, TimePoint, std::less<>> log_told_;
  TimePoint next_beat_{};

  std::mutex mutex_;  // of what follows
  std::condition_variable woken_;
  std::map<std::string, std::string, std::less<>> runs_;        // id -> organization
  std::map<std::string, runs::Event, std::less<>> workspaces_;  // by id
  std::set<std::string, std::less<>> logs_;                     // by phase
  std::map<std::string, FeedEvent, std::less<>> told_;          // by what it is about
  bool recheck_ = false;
  bool happened_ = false;
  bool stopping_ = false;
  std::thread thread_;
  std::unique_ptr<runs::EventBus::Subscription> events_subscription_;
  std::unique_ptr<runs::LogHub::Subscription> logs_subscription_;
};

}  // namespace tollgate::api
