#include "server/runs/webhook_dispatch.h"

#include <algorithm>

#include "server/domain/ids.h"
#include "server/runs/webhook_message.h"

namespace tollgate::runs {

namespace {

using domain::DeliveryState;
using domain::Tables;
using domain::Webhook;
using domain::WebhookDelivery;

// A cursor that lags further behind is stored although there was nothing to tell.
constexpr std::int64_t kMostBehind = 2000;

void note_answer(WebhookDelivery& delivery, const WebhookAnswer& answer, TimePoint now) {
  ++delivery.attempts;
  delivery.last = {now, answer.status, printable_excerpt(answer.body), printable_excerpt(answer.error)};
  if (answer.successful()) {
    delivery.state = DeliveryState::delivered;
    return;
  }
  const auto wait = wait_after_failure(delivery.attempts);
  delivery.state = wait ? DeliveryState::waiting : DeliveryState::failed;
  delivery.next_attempt_at = now + wait.value_or(Duration(0));
}

}  // namespace

WebhookDispatch::WebhookDispatch(WebhookDispatchParts parts, WebhookDispatchOptions options)
    : parts_(std::move(parts)),
      options_(options),
      subscription_(parts_.events.subscribe("", [this](const Event&) { wake(); })) {}

WebhookDispatch::~WebhookDispatch() {
  subscription_.reset();
  stop();
}

void WebhookDispatch::start() {
  threads_.emplace_back([this] { coordinate(); });
  for (std::size_t i = 0; i < options_.receivers_at_once; ++i)
    threads_.emplace_back([this] { serve(); });
}

void WebhookDispatch::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  work_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

void WebhookDispatch::wake() {
  {
    const std::lock_guard lock(mutex_);
    happened_ = true;
  }
  woken_.notify_all();
}

Result<WebhookAnswer> WebhookDispatch::test(const Webhook& webhook) {
  {
    const std::lock_guard lock(mutex_);
    if (!testing_.insert(webhook.id).second) {
      return fail(Error(Code::throttled, "a test of this webhook is on its way already").because("test_running"));
    }
  }
  const std::string body = verification_payload(webhook, parts_.clock.now());
  const std::string id = domain::new_id(domain::id_prefix::kWebhookDelivery, parts_.random);
  WebhookAnswer answer;
  try {
    answer = parts_.sender.send(webhook.url, webhook_headers(webhook, id, body), body);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    testing_.erase(webhook.id);
    throw;
  }
  const std::lock_guard lock(mutex_);
  testing_.erase(webhook.id);
  return answer;
}

std::size_t WebhookDispatch::step() {
  std::size_t sent = 0;
  take_in();
  for (auto jobs = due(); !jobs.empty(); jobs = due()) {
    for (const Job& job : jobs) {
      deliver(job);
      finished(job);
      ++sent;
    }
  }
  return sent;
}

void WebhookDispatch::take_in() {
  for (const Webhook& webhook : parts_.store.read([](Tables& tables) { return tables.webhooks().enabled(); })) {
    while (take_in(webhook)) {
    }
  }
}

bool WebhookDispatch::take_in(const Webhook& webhook) {
  const std::int64_t from = std::max(webhook.told_until, looked_until_[webhook.id]) + 1;
  // Most of what happens is not to be told, and costs no write.
  const auto [last, found, full] = parts_.store.read([&](Tables& tables) {
    const auto records = tables.audit().list(webhook.organization_id, from, options_.records_at_once);
    const bool any = std::any_of(records.begin(), records.end(), [&](const auto& record) {
      return webhook_message(tables, webhook, record, parts_.run_url).has_value();
    });
    return std::tuple(records.empty() ? from - 1 : records.back().sequence, any,
                      records.size() == static_cast<std::size_t>(options_.records_at_once));
  });
  looked_until_[webhook.id] = last;
  if (!found && last - webhook.told_until < kMostBehind) return full;
  const TimePoint now = parts_.clock.now();
  const auto written = parts_.store.write([&, first = from, until = last](Tables& tables) -> Result<void> {
    auto hook = tables.webhooks().find(webhook.id);
    if (!hook || !hook->enabled) return {};
    const std::int64_t start = std::max(first, hook->told_until + 1);
    for (const auto& record : tables.audit().list(hook->organization_id, start, options_.records_at_once)) {
      if (record.sequence > until) break;
      auto message = webhook_message(tables, *hook, record, parts_.run_url);
      if (!message) continue;
      WebhookDelivery delivery;
      delivery.id = domain::new_id(domain::id_prefix::kWebhookDelivery, parts_.random);
      delivery.webhook_id = hook->id;
      delivery.run_id = record.subject_id;
      delivery.trigger = std::move(message->trigger);
      delivery.payload = std::move(message->payload);
      delivery.created_at = delivery.next_attempt_at = now;
      TG_CHECK(tables.webhook_deliveries().insert(delivery));
    }
    hook->told_until = std::max(hook->told_until, until);
    tables.webhook_deliveries().keep_newest(hook->id, options_.kept);
    return tables.webhooks().update(*hook);
  });
  if (!written) throw std::runtime_error(written.error().text());
  return full;
}

std::vector<WebhookDispatch::Job> WebhookDispatch::due() {
  const TimePoint now = parts_.clock.now();
  std::set<std::string, std::less<>> busy;
  {
    const std::lock_guard lock(mutex_);
    busy = busy_;
  }
  auto jobs = parts_.store.read([&](Tables& tables) {
    std::vector<Job> found;
    for (Webhook& webhook : tables.webhooks().enabled()) {
      if (busy.contains(webhook.id)) continue;
      if (auto delivery = tables.webhook_deliveries().next_due(webhook.id, now)) {
        found.push_back({std::move(webhook), std::move(*delivery)});
      }
    }
    return found;
  });
  const std::lock_guard lock(mutex_);
  for (const Job& job : jobs)
    busy_.insert(job.webhook.id);
  return jobs;
}

void WebhookDispatch::deliver(const Job& job) {
  WebhookAnswer answer = parts_.sender.send(
      job.webhook.url, webhook_headers(job.webhook, job.delivery.id, job.delivery.payload), job.delivery.payload);
  const TimePoint now = parts_.clock.now();
  const auto written = parts_.store.write([&](Tables& tables) -> Result<void> {
    auto delivery = tables.webhook_deliveries().find(job.delivery.id);
    if (!delivery || delivery->state != DeliveryState::waiting) return {};  // the webhook was removed or turned off
    note_answer(*delivery, answer, now);
    return tables.webhook_deliveries().update(*delivery);
  });
  if (!written) throw std::runtime_error(written.error().text());
}

void WebhookDispatch::finished(const Job& job) {
  const std::lock_guard lock(mutex_);
  busy_.erase(job.webhook.id);
}

void WebhookDispatch::coordinate() {
  while (true) {
    Duration pause = options_.look_anyway;
    try {
      take_in();
      auto jobs = due();
      const auto next = parts_.store.read([](Tables& tables) { return tables.webhook_deliveries().next_attempt(); });
      // What is due now and was not taken waits for its receiver, whose end wakes this.
      if (next && *next > parts_.clock.now()) pause = std::min(pause, *next - parts_.clock.now());
      const std::lock_guard lock(mutex_);
      std::move(jobs.begin(), jobs.end(), std::back_inserter(jobs_));
      work_.notify_all();
    } catch (const std::exception& error) {
      report(error);
    }
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, std::max(pause, Duration(1)), [this] { return happened_ || stopping_; });
    if (stopping_) return;
    happened_ = false;
  }
}

void WebhookDispatch::serve() {
  while (true) {
    std::unique_lock lock(mutex_);
    work_.wait(lock, [this] { return !jobs_.empty() || stopping_; });
    if (stopping_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    try {
      deliver(job);
    } catch (const std::exception& error) {
      report(error);
      // Nothing was noted, so it is due at once: not again and again while the store is broken.
      std::unique_lock wait(mutex_);
      work_.wait_for(wait, options_.look_anyway, [this] { return stopping_; });
    }
    finished(job);
    wake();
  }
}

void WebhookDispatch::report(const std::exception& error) const {
  if (parts_.on_error) parts_.on_error(fmt::format("webhooks: {}", error.what()));
}

}  // namespace tollgate::runs
