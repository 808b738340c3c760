#include "server/api/event_feed.h"

#include <algorithm>

#include "common/json/value.h"
#include "server/api/authentication.h"
#include "server/runs/mfa_view.h"

namespace tollgate::api {

namespace {

constexpr std::chrono::seconds kLookAgainAfter{2};
constexpr std::size_t kPhasesKept = 4096;
constexpr std::chrono::milliseconds kLeastRetry{1000};
constexpr std::uint64_t kRetrySpread = 2000;  // ms: browsers do not all come back at once

std::string resync() {
  return http::format_event("resync", "", "{}");
}

FeedEvent run_event(domain::Tables& tables, const domain::Run& run, const domain::Organization& organization,
                    TimePoint now) {
  // Of the gate in general; what the viewer can do about it stands in the run itself.
  const std::string mfa = runs::mfa_state(tables, run, now);
  return {"run/" + run.id, run.organization_id, "run",
          json::to_text(json::Value::object({{"organization", organization.name},
                                             {"workspace-id", run.workspace_id},
                                             {"run-id", run.id},
                                             {"status", domain::to_text(run.status)},
                                             {"plan-status", domain::to_text(run.plan.status)},
                                             {"apply-status", domain::to_text(run.apply.status)},
                                             {"mfa-state", mfa.empty() ? json::Value() : json::Value(mfa)}})),
          false};
}

// What a viewer may see: nullopt where its proof has ended. Site administrators are owners everywhere.
struct Sight {
  bool everything = false;
  std::map<std::string, Role, std::less<>> organizations;

  bool sees(std::string_view organization_id, bool owners_only) const {
    if (everything) return true;
    const auto at = organizations.find(organization_id);
    return at != organizations.end() && (!owners_only || at->second == Role::owner);
  }
};

std::optional<Sight> sight_of(domain::Tables& tables, const Principal& principal, TimePoint now) {
  const auto still = still_authenticated(tables, principal, now);
  if (!still) return std::nullopt;
  Sight sight;
  if (!still->user) {
    // Notices are for people.
    sight.organizations[still->actor.organization_id] = Role::member;
    return sight;
  }
  sight.everything = still->user->site_admin;
  if (sight.everything) return sight;
  domain::Page page{1, 100};
  for (;; ++page.number) {
    const auto part = tables.organizations().list("", still->user->id, page);
    for (const auto& organization : part.rows)
      sight.organizations[organization.id] = role_in(tables, *still, organization.id);
    if (page.number * page.size >= part.total) return sight;
  }
}

}  // namespace

struct EventFeed::Viewer {
  Principal principal;
  std::string person;  // whose streams are counted together
  Sight sight;
  TimePoint checked_at{};
  std::set<std::shared_ptr<http::ResponseStream>> streams;
};

struct EventFeed::Streams {
  Streams(std::string epoch, std::size_t most) : history(std::move(epoch), most) {}

  mutable std::mutex mutex;  // of all of it
  EventHistory history;
  std::map<std::string, Viewer, std::less<>> viewers;  // by the token's or the session's id
  std::size_t count = 0;

  // What is let go may be the last that holds it, and its end takes the lock; so `let_go` must outlive that.
  using LetGo = std::vector<std::set<std::shared_ptr<http::ResponseStream>>>;

  void remove(const std::string& proof, const http::ResponseStream* stream) {
    const std::lock_guard lock(mutex);
    const auto at = viewers.find(proof);
    if (at == viewers.end()) return;
    count -= std::erase_if(at->second.streams, [&](const auto& each) { return each.get() == stream; });
    if (at->second.streams.empty()) viewers.erase(at);
  }
};

struct EventFeed::Happened {
  std::map<std::string, std::string, std::less<>> runs;
  std::map<std::string, runs::Event, std::less<>> workspaces;
  std::set<std::string, std::less<>> logs;
  std::map<std::string, FeedEvent, std::less<>> told;
  bool recheck = false;
};

EventFeed::EventFeed(EventFeedParts parts, EventFeedOptions options)
    : parts_(std::move(parts)),
      options_(options),
      streams_(std::make_shared<Streams>(random_alphanumeric(parts_.random, 8), options.history)),
      next_beat_(parts_.clock.now() + options.heartbeat),
      events_subscription_(parts_.events.subscribe("", [this](const runs::Event& event) { note(event); })),
      logs_subscription_(parts_.logs.subscribe_all([this](const std::string& phase_id) { note_log(phase_id); })) {}

EventFeed::~EventFeed() {
  events_subscription_.reset();
  logs_subscription_.reset();
  stop();
}

void EventFeed::note(const runs::Event& event) {
  const std::lock_guard lock(mutex_);
  if (event.run_id.empty()) {
    workspaces_[event.workspace_id] = event;
  } else {
    runs_[event.run_id] = event.organization_id;
  }
  happened_ = true;
  woken_.notify_one();
}

void EventFeed::note_log(const std::string& phase_id) {
  const std::lock_guard lock(mutex_);
  if (!logs_.insert(phase_id).second) return;  // its turn will come
  happened_ = true;
  woken_.notify_one();
}

void EventFeed::tell(FeedEvent event) {
  const std::lock_guard lock(mutex_);
  std::string about = event.about;
  told_.insert_or_assign(std::move(about), std::move(event));
  happened_ = true;
  woken_.notify_one();
}

void EventFeed::recheck() {
  const std::lock_guard lock(mutex_);
  recheck_ = true;
  happened_ = true;
  woken_.notify_one();
}

std::size_t EventFeed::open_streams() const {
  const std::lock_guard lock(streams_->mutex);
  return streams_->count;
}

Result<std::shared_ptr<http::ResponseStream>> EventFeed::open(const Principal& principal,
                                                              std::string_view last_event_id) {
  if (principal.run) {
    return fail(Error(Code::forbidden, "a run's token reaches only the state of its workspace").because("permission"));
  }
  const TimePoint now = parts_.clock.now();
  auto sight = parts_.store.read([&](domain::Tables& tables) { return sight_of(tables, principal, now); });
  if (!sight) return fail(Error(Code::unauthorized, "the session has just ended").because("unauthenticated"));
  const std::string& proof = principal.actor.token_id;
  const std::string person = principal.user ? principal.user->id : principal.actor.organization_id;

  http::StreamLimits limits;
  limits.most_pending = options_.most_pending;
  limits.last_words = resync();
  auto stream = std::make_shared<http::ResponseStream>(std::move(limits));
  const std::string jitter = parts_.random.bytes(2);
  const std::uint64_t spread =
      (static_cast<unsigned char>(jitter[0]) * 256U + static_cast<unsigned char>(jitter[1])) % kRetrySpread;

  const std::lock_guard lock(streams_->mutex);
  std::size_t own = 0;
  for (const auto& [id, viewer] : streams_->viewers)
    own += viewer.person == person ? viewer.streams.size() : 0;
  if (own >= options_.streams_per_person || streams_->count >= options_.streams) {
    return fail(Error(Code::throttled, fmt::format("there are {} event streams open already",
                                                   own >= options_.streams_per_person ? own : streams_->count))
                    .because("too_many_streams")
                    .do_next("close other pages of this server"));
  }
  stream->write(fmt::format("retry: {}\n", kLeastRetry.count() + static_cast<std::int64_t>(spread)));
  const auto missed =
      last_event_id.empty() ? std::vector<EventHistory::Kept>() : streams_->history.after(last_event_id);
  // From here on a reader knows where it is, also if nothing ever happens.
  if (!missed) stream->write(http::format_event("resync", streams_->history.last_id(), "{}"));
  if (missed) {
    for (const auto& kept : *missed) {
      if (sight->sees(kept.organization_id, kept.owners_only)) stream->write(kept.text);
    }
    stream->write(http::format_event("", streams_->history.last_id(), ""));
  }
  Viewer& viewer = streams_->viewers[proof];
  viewer.principal = principal;
  viewer.person = person;
  viewer.sight = std::move(*sight);
  viewer.checked_at = now;
  viewer.streams.insert(stream);
  ++streams_->count;
  stream->on_end([weak = std::weak_ptr<Streams>(streams_), proof, raw = stream.get()] {
    if (const auto streams = weak.lock()) streams->remove(proof, raw);
  });
  return stream;
}

// Logs that were told just now wait for their interval.
EventFeed::Happened EventFeed::take_due(TimePoint now) {
  const std::lock_guard lock(mutex_);
  Happened due;
  due.runs.swap(runs_);
  due.workspaces.swap(workspaces_);
  due.told.swap(told_);
  due.recheck = std::exchange(recheck_, false);
  for (auto at = logs_.begin(); at != logs_.end();) {
    const auto told = log_told_.find(*at);
    if (told != log_told_.end() && now < told->second + options_.log_interval) {
      ++at;
    } else {
      due.logs.insert(*at);
      at = logs_.erase(at);
    }
  }
  happened_ = false;
  return due;
}

std::vector<FeedEvent> EventFeed::look_up(const Happened& happened) {
  std::vector<FeedEvent> events;
  parts_.store.read([&](domain::Tables& tables) {
    for (const auto& [id, organization_id] : happened.runs) {
      const auto run = tables.runs().find(id);
      const auto organization = run ? tables.organizations().find(run->organization_id) : std::nullopt;
      if (organization) events.push_back(run_event(tables, *run, *organization, parts_.clock.now()));
    }
    for (const auto& [id, event] : happened.workspaces) {
      const auto organization = tables.organizations().find(event.organization_id);
      if (!organization) continue;
      events.push_back({"workspace/" + id, event.organization_id, "workspace",
                        json::to_text(json::Value::object(
                            {{"organization", organization->name}, {"workspace-id", id}, {"what", event.what}})),
                        false});
    }
    for (const std::string& id : happened.logs) {
      if (phases_.find(id) != phases_.end()) continue;
      const auto run = tables.runs().find_by_phase(id);
      if (phases_.size() >= kPhasesKept) phases_.clear();
      if (run) phases_[id] = {run->organization_id, run->id, run->plan.id == id ? "plan" : "apply"};
    }
    return true;
  });
  for (const auto& [about, event] : happened.told)
    events.push_back(event);
  for (const std::string& id : happened.logs) {
    const auto phase = phases_.find(id);
    if (phase == phases_.end()) continue;
    const auto size = static_cast<std::int64_t>(parts_.logs.read(id, ~std::uint64_t{0}, 0).size);
    events.push_back({"log/" + id, phase->second.organization_id, "log",
                      json::to_text(json::Value::object(
                          {{"run-id", phase->second.run_id}, {"phase", phase->second.kind}, {"offset", size}}))});
  }
  return events;
}

// The database is read without the lock that the ends of streams need.
void EventFeed::check_viewers(TimePoint now, Duration not_older) {
  std::vector<std::pair<std::string, Principal>> due;
  {
    const std::lock_guard lock(streams_->mutex);
    for (const auto& [proof, viewer] : streams_->viewers) {
      if (now - viewer.checked_at >= not_older) due.emplace_back(proof, viewer.principal);
    }
  }
  if (due.empty()) return;
  std::vector<std::optional<Sight>> sights;
  parts_.store.read([&](domain::Tables& tables) {
    for (const auto& [proof, principal] : due)
      sights.push_back(sight_of(tables, principal, now));
    return true;
  });
  Streams::LetGo let_go;
  const std::lock_guard lock(streams_->mutex);
  for (std::size_t i = 0; i < due.size(); ++i) {
    const auto at = streams_->viewers.find(due[i].first);
    if (at == streams_->viewers.end()) continue;
    if (sights[i]) {
      at->second.sight = std::move(*sights[i]);
      at->second.checked_at = now;
      continue;
    }
    for (const auto& stream : at->second.streams)
      stream->close();
    streams_->count -= at->second.streams.size();
    let_go.push_back(std::move(at->second.streams));
    streams_->viewers.erase(at);
  }
}

void EventFeed::send(std::vector<FeedEvent> events) {
  const std::lock_guard lock(streams_->mutex);
  for (FeedEvent& event : events) {
    const std::string organization_id = event.organization_id;
    const bool owners_only = event.owners_only;
    const std::string text = streams_->history.add(std::move(event));
    for (auto& [proof, viewer] : streams_->viewers) {
      if (!viewer.sight.sees(organization_id, owners_only)) continue;
      for (const auto& stream : viewer.streams)
        stream->write(text);
    }
  }
}

void EventFeed::beat(TimePoint now) {
  check_viewers(now, Duration(0));
  const std::string comment = http::format_comment("");
  Streams::LetGo let_go(1);
  const std::lock_guard lock(streams_->mutex);
  for (auto at = streams_->viewers.begin(); at != streams_->viewers.end();) {
    streams_->count -= std::erase_if(at->second.streams, [&](const auto& stream) {
      // Nobody else holds it: its answer was never sent. Or it is over, and its connection about to end.
      if (stream.use_count() > 1 && stream->write(comment)) return false;
      let_go[0].insert(stream);
      return true;
    });
    at = at->second.streams.empty() ? streams_->viewers.erase(at) : std::next(at);
  }
}

TimePoint EventFeed::step() {
  const TimePoint now = parts_.clock.now();
  const Happened happened = take_due(now);
  std::vector<FeedEvent> events = look_up(happened);
  for (auto at = log_told_.begin(); at != log_told_.end();)
    at = now >= at->second + options_.log_interval ? log_told_.erase(at) : std::next(at);
  for (const std::string& id : happened.logs)
    log_told_[id] = now;
  if (happened.recheck) {
    check_viewers(now, Duration(0));
  } else if (!events.empty()) {
    check_viewers(now, kLookAgainAfter);
  }
  send(std::move(events));
  if (now >= next_beat_) {
    beat(now);
    next_beat_ = now + options_.heartbeat;
  }
  TimePoint next = next_beat_;
  const std::lock_guard lock(mutex_);
  for (const std::string& id : logs_) {
    const auto told = log_told_.find(id);
    if (told != log_told_.end()) next = std::min(next, TimePoint(told->second + options_.log_interval));
  }
  return happened_ ? now : next;
}

void EventFeed::start() {
  thread_ = std::thread([this] { loop(); });
}

void EventFeed::loop() {
  for (;;) {
    TimePoint next = parts_.clock.now() + std::chrono::seconds(1);
    try {
      next = step();
    } catch (const std::exception& error) {
      // Readers miss something now, and nothing says what; they are told with the next event that comes.
      if (parts_.on_error) parts_.on_error(error.what());
    }
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, next - parts_.clock.now(), [&] { return happened_ || stopping_; });
    if (stopping_) return;
  }
}

void EventFeed::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    woken_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  Streams::LetGo let_go;
  const std::lock_guard lock(streams_->mutex);
  for (auto& [proof, viewer] : streams_->viewers) {
    for (const auto& stream : viewer.streams)
      stream->close();
    let_go.push_back(std::move(viewer.streams));
  }
  streams_->viewers.clear();
  streams_->count = 0;
}

}  // namespace tollgate::api
