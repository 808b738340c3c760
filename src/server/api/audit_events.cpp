// The audit for those who answer for an organization, and for the site: read, searched, verified. Nobody writes it
// here.
#include "server/api/audit_events.h"

#include <atomic>
#include <charconv>

#include "common/base/encoding.h"

namespace tollgate::api {

namespace {

using domain::AuditRecord;
using domain::Tables;

json::Value who(std::string_view kind, std::string_view id) {
  return json::Value::object({{"kind", kind}, {"id", id}});
}

json::Value to_resource(const AuditRecord& record) {
  json::Value actor = who(record.actor_kind, record.actor_id);
  actor.set("name", record.actor_name);
  Resource resource("audit-events", fmt::format("ae-{}", record.sequence));
  resource.attribute("sequence", record.sequence)
      .time("at", record.at)
      .attribute("event", record.event)
      .attribute("actor", std::move(actor))
      .attribute("address", record.address)
      .attribute("subject", who(record.subject_kind, record.subject_id))
      .attribute("details", json::parse(record.details).value_or(json::Value::object()))
      .attribute("hash", record.hash);
  return std::move(resource).build();
}

Result<std::optional<TimePoint>> read_time(const Call& call, std::string_view name) {
  const std::string text = call.query_text(name);
  if (text.empty()) return std::optional<TimePoint>();
  const auto time = parse_iso8601(text);
  if (!time)
    return fail(
        Error(Code::usage, fmt::format("{} is no time such as 2026-01-31T00:00:00Z", name)).at(std::string(name)));
  return time;
}

struct Filter {
  std::string organization_id;  // empty: all
  std::string event;            // a name, or its beginning with the dot: "workspace."
  std::string actor;
  std::string subject;
  std::optional<TimePoint> since, until;

  bool fits(const AuditRecord& record) const {
    const bool event_fits =
        event.empty() || record.event == event || (event.back() == '.' && record.event.starts_with(event));
    return event_fits && (actor.empty() || record.actor_name == actor) &&
           (subject.empty() || record.subject_id == subject) && (!since || record.at >= *since) &&
           (!until || record.at < *until);
  }
};

Result<Filter> read_filter(const Call& call, std::string_view organization_id) {
  Filter filter;
  filter.organization_id = organization_id;
  filter.event = call.query_text("filter[event]");
  filter.actor = call.query_text("filter[actor]");
  filter.subject = call.query_text("filter[subject]");
  TG_TRY(filter.since, read_time(call, "filter[since]"));
  TG_TRY(filter.until, read_time(call, "filter[until]"));
  return filter;
}

struct Found {
  std::vector<AuditRecord> records;  // newest first
  std::int64_t next_before = 0;      // where to go on; 0: there is nothing older
};

// Backwards from `before` in steps of so many numbers, which have no gaps. A request looks at so many and no more, so a
// page can have fewer rows than asked for and still lead on.
constexpr std::int64_t kStep = 1000;
constexpr int kMostSteps = 50;

Found search(Tables& tables, const Filter& filter, std::int64_t before, std::int64_t size) {
  Found found;
  found.next_before = before;
  for (int step = 0; step < kMostSteps && found.next_before > 1; ++step) {
    const std::int64_t end = found.next_before;
    const std::int64_t start = std::max<std::int64_t>(1, end - kStep);
    auto records = tables.audit().list(filter.organization_id, start, end - start);
    std::erase_if(records, [&](const AuditRecord& record) { return record.sequence >= end || !filter.fits(record); });
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
      found.records.push_back(std::move(*record));
      found.next_before = found.records.back().sequence;
      if (static_cast<std::int64_t>(found.records.size()) == size) return found;
    }
    found.next_before = start;
  }
  if (found.next_before <= 1) found.next_before = 0;
  return found;
}

std::string next_link(const Call& call, std::int64_t before) {
  std::string link(call.request.path());
  char separator = '?';
  for (const auto& [name, value] : call.query) {
    if (name == "page[before]") continue;
    link += fmt::format("{}{}={}", std::exchange(separator, '&'), percent_encode(name), percent_encode(value));
  }
  return link + fmt::format("{}page%5Bbefore%5D={}", separator, before);
}

Result<http::Response> list(const Call& call, std::string_view organization_id) {
  TG_TRY(const domain::Page page, read_page(call.query));
  TG_TRY(const Filter filter, read_filter(call, organization_id));
  std::int64_t before = 0;
  if (const std::string* text = call.query_value("page[before]")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), before);
    if (error != std::errc() || end != text->data() + text->size() || before < 1) {
      return fail(Error(Code::usage, "page[before] is no number of a record").at("page[before]"));
    }
  }
  const Found found = call.store().read([&](Tables& tables) {
    const auto last = tables.audit().last();
    const std::int64_t newest = last ? last->sequence + 1 : 1;
    return search(tables, filter, before == 0 ? newest : std::min(before, newest), page.size);
  });
  json::Array rows;
  for (const AuditRecord& record : found.records)
    rows.push_back(to_resource(record));
  json::Value root = json::Value::object({{"data", std::move(rows)}});
  const json::Value next = found.next_before == 0 ? json::Value() : json::Value(next_link(call, found.next_before));
  root.set("links", json::Value::object({{"next", next}}));
  http::Response response = plain_json(200, root);
  response.headers = {{"Content-Type", std::string(kJsonApiType)}};
  return response;
}

Result<http::Response> list_of_organization(const Call& call) {
  return list(call, call.subject.organization->id);
}

Result<http::Response> list_of_site(const Call& call) {
  return list(call, "");
}

// The chain is one for all organizations, so it is walked whole: by one at a time.
Result<http::Response> verify(const Call& call) {
  static std::atomic_flag busy = ATOMIC_FLAG_INIT;
  if (busy.test_and_set()) {
    return fail(Error(Code::throttled, "the audit is being verified already").do_next("try again in a moment"));
  }
  struct Release {
    std::atomic_flag& flag;
    ~Release() { flag.clear(); }
  } release{busy};
  const auto verified = call.store().read([](Tables& tables) { return audit::verify(tables); });
  Resource resource("audit-verifications", "now");
  resource.attribute("unbroken", verified.has_value())
      .attribute("detail", verified ? json::Value() : json::Value(verified.error().message))
      .time("at", call.now);
  return document(200, std::move(resource).build());
}

}  // namespace

Routes audit_event_routes() {
  constexpr std::string_view kList = "/api/v2/organizations/:organization/audit-events";
  return {
      {"GET", kList, Permission::organization_own, list_of_organization,
       "Who did what in the organization, newest first"},
      {"GET", "/api/v2/organizations/:organization/audit-events/verify", Permission::organization_own, verify,
       "Whether no record was changed, removed or reordered"},
      {"GET", "/api/v2/admin/audit-events", Permission::site_admin, list_of_site,
       "Who did what on the whole site, sign-ins too, newest first"},
  };
}

}  // namespace tollgate::api
