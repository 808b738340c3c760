// Tells webhooks what happens to runs and their gates. What is to be told is read off the audit, which is written in
// the transaction of each change: nothing is told twice or forgotten, also over a crash, and what changes runs knows
// nothing of webhooks. Messages wait in the store; those of one run go in their order; a failed one is tried again
// later (webhook_message.h), with the same delivery id. A message may arrive twice only where the server ended between
// the receiver's answer and the note of it.
//
// One message at a time goes to a receiver, and a few receivers are served at once: a slow one delays its own messages.
// Threads: test() and wake() from any. start() begins threads of its own; without it, a test calls step().
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/random.h"
#include "common/base/time.h"
#include "server/domain/store.h"
#include "server/runs/events.h"
#include "server/runs/webhook_sender.h"

namespace tollgate::runs {

struct WebhookDispatchOptions {
  std::size_t receivers_at_once = 4;
  std::int64_t kept = 500;               // deliveries of a webhook, beside those that wait
  std::int64_t records_at_once = 200;    // of the audit, in one transaction
  std::chrono::seconds look_anyway{30};  // if nothing wakes it
};

// What it stands on; all of it outlives it.
struct WebhookDispatchParts {
  domain::Store& store;
  EventBus& events;
  WebhookSender& sender;
  const Clock& clock;
  RandomSource& random;
  std::function<std::string(domain::Tables&, const domain::Run&)> run_url;  // the page of a run
  std::function<void(const std::string&)> on_error;
};

class WebhookDispatch {
 public:
  explicit WebhookDispatch(WebhookDispatchParts parts, WebhookDispatchOptions options = {});
  ~WebhookDispatch();  // stops

  void start();
  // Waits for what is being sent. Idempotent.
  void stop();
  void wake();

  // Sends a verification now. Errors: Code::throttled while another test of it is on its way.
  Result<WebhookAnswer> test(const domain::Webhook& webhook);
  const WebhookSender& sender() const { return parts_.sender; }

  // Takes in what happened and sends all that is due, on the caller's thread. How many were sent.
  std::size_t step();

 private:
  struct Job {
    domain::Webhook webhook;
    domain::WebhookDelivery delivery;
  };

  void take_in();
  bool take_in(const domain::Webhook& webhook);  // whether there is more
  std::vector<Job> due();
  void deliver(const Job& job);
  void finished(const Job& job);
  void coordinate();
  void serve();
  void report(const std::exception& error) const;

  WebhookDispatchParts parts_;
  WebhookDispatchOptions options_;
  std::map<std::string, std::int64_t, std::less<>> looked_until_;  // by webhook; of take_in() only

  std::mutex mutex_;  // of what follows
  std::condition_variable woken_;
  std::condition_variable work_;
  std::set<std::string, std::less<>> busy_;     // webhooks
  std::set<std::string, std::less<>> testing_;  // webhooks
  std::deque<Job> jobs_;
  bool happened_ = false;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
  std::unique_ptr<EventBus::Subscription> subscription_;
};

}  // namespace tollgate::runs
