#include "server/api/call.h"

#include "server/api/event_feed.h"

namespace tollgate::api {

const std::string& Call::parameter(std::string_view name) const {
  static const std::string kNone;
  const std::string* value = http::find_pair(parameters, name);
  return value != nullptr ? *value : kNone;
}

std::string Call::query_text(std::string_view name) const {
  const std::string* value = query_value(name);
  return value != nullptr ? *value : std::string();
}

void Call::audit(domain::Tables& tables, std::string_view organization_id, std::string_view event,
                 std::string_view subject_kind, std::string_view subject_id, json::Value details) const {
  audit::Event record;
  record.organization_id = organization_id;
  record.name = event;
  record.subject_kind = subject_kind;
  record.subject_id = subject_id;
  record.details = std::move(details);
  audit::append(tables, actor(), record, now);
}

void Call::access_changed() const {
  if (context.events != nullptr) context.events->recheck();
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

}  // namespace tollgate::api
