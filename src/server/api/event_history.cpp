#include "server/api/event_history.h"

#include <fmt/format.h>

#include <charconv>

#include "common/http/response_stream.h"

namespace tollgate::api {

std::string EventHistory::id_of(std::uint64_t number) const {
  return fmt::format("{}.{}", epoch_, number);
}

std::string EventHistory::add(FeedEvent event) {
  ++last_;
  std::string text = http::format_event(event.name, id_of(last_), event.data);
  const auto older = newest_.find(event.about);
  if (older != newest_.end()) kept_.erase(older->second);
  newest_[event.about] = last_;
  kept_.emplace(last_, Entry{std::move(event.about), {std::move(event.organization_id), text, event.owners_only}});
  while (kept_.size() > most_) {
    const auto oldest = kept_.begin();
    forgotten_ = oldest->first;
    newest_.erase(oldest->second.about);
    kept_.erase(oldest);
  }
  return text;
}

std::optional<std::vector<EventHistory::Kept>> EventHistory::after(std::string_view id) const {
  const std::size_t dot = id.rfind('.');
  if (dot == id.npos || id.substr(0, dot) != epoch_) return std::nullopt;
  const std::string_view digits = id.substr(dot + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (number < forgotten_ || number > last_) return std::nullopt;
  std::vector<Kept> missed;
  for (auto at = kept_.upper_bound(number); at != kept_.end(); ++at)
    missed.push_back(at->second.kept);
  return missed;
}

}  // namespace tollgate::api
