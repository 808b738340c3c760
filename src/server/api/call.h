// One request on its way through the API, as its handler sees it: authenticated, its subject found, its permission
// checked. Lives for the call; belongs to its thread.
#pragma once

#include <string>
#include <string_view>

#include "server/api/context.h"
#include "server/api/jsonapi.h"
#include "server/api/permission.h"
#include "server/audit/audit.h"

namespace tollgate::api {

struct Call {
  const Context& context;
  const http::Request& request;
  Principal principal;
  Subject subject;         // as it was when the permission was checked; read again inside a write transaction
  http::Pairs parameters;  // of the path, decoded
  http::Pairs query;       // decoded
  TimePoint now{};

  domain::Store& store() const { return context.store; }
  const domain::Actor& actor() const { return principal.actor; }
  const std::string& parameter(std::string_view name) const;  // empty where the pattern has none of that name
  // nullptr where it is absent.
  const std::string* query_value(std::string_view name) const { return http::find_pair(query, name); }
  std::string query_text(std::string_view name) const;  // empty where it is absent
  // Inside the transaction of the effect (I9).
  void audit(domain::Tables& tables, std::string_view organization_id, std::string_view event,
             std::string_view subject_kind, std::string_view subject_id,
             json::Value details = json::Value::object()) const;
  // After the commit: a token, a session or a membership is another or gone, so streams may have to end.
  void access_changed() const;
};

// "a,b,,c" -> a, b, c
std::vector<std::string> split_list(std::string_view text);

// A row that was there when the permission was checked, read again in the handler's own transaction: Code::not_found
// where someone has deleted it since.
template <class Row>
Result<Row> again(domain::Table<Row>& table, const std::optional<Row>& row, std::string_view kind) {
  auto found = row ? table.find(row->id) : std::nullopt;
  if (!found) return fail(not_found(kind));
  return std::move(*found);
}

}  // namespace tollgate::api
