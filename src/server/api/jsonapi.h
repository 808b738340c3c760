// Documents of the JSON:API format (jsonapi.org 1.0) as the Terraform Enterprise API uses it: resources, relationships,
// lists with pagination, errors, and the typed reading of requests. Builders and readers of plain values; they know no
// resource of ours and no store. Not synchronised.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/http/server.h"
#include "common/http/url_text.h"
#include "common/json/value.h"
#include "server/domain/store.h"

namespace tollgate::api {

inline constexpr std::string_view kJsonApiType = "application/vnd.api+json";

// One resource object. Attributes keep their order.
class Resource {
 public:
  Resource(std::string_view type, std::string_view id);

  Resource& attribute(std::string_view name, json::Value value);
  Resource& time(std::string_view name, std::optional<TimePoint> value);  // RFC 3339, or null
  // A relationship to one, null where `id` is empty.
  Resource& to_one(std::string_view name, std::string_view type, std::string_view id);
  Resource& to_many(std::string_view name, std::string_view type, const std::vector<std::string>& ids);
  // A relationship that is only an address.
  Resource& related(std::string_view name, std::string_view path);
  Resource& link(std::string_view name, std::string_view path);
  json::Value build() &&;

 private:
  json::Value object_;
  json::Value attributes_ = json::Value::object();
  json::Value relationships_ = json::Value::object();
  json::Value links_ = json::Value::object();
};

// {"data": ..., "included": [...]}. `included` may hold the same resource twice; it is written once.
http::Response document(int status, json::Value data, json::Array included = {});
// A list with links and meta.pagination; `target` is the request's, whose query the links keep.
http::Response list_document(json::Array rows, std::int64_t total, domain::Page page, const http::Request& request,
                             json::Array included = {});
http::Response plain_json(int status, const json::Value& value);
http::Response no_content();

// page[number] and page[size] (1 to 100, default 20). Errors: Code::invalid.
Result<domain::Page> read_page(const http::Pairs& query);
// For rows that are at hand whole.
template <class Row>
domain::Paged<Row> cut_page(const std::vector<Row>& rows, domain::Page page) {
  domain::Paged<Row> part;
  part.total = static_cast<std::int64_t>(rows.size());
  for (std::int64_t i = (page.number - 1) * page.size; i < page.number * page.size && i < part.total; ++i) {
    part.rows.push_back(rows[static_cast<std::size_t>(i)]);
  }
  return part;
}

// The one place where errors become answers. Status by Code; the title is the status in words, the detail what failed
// and what to do next, source.pointer the place.
int http_status(Code code);
http::Response error_document(const Error& error);
// Gives the errors of a document their `id`, the request's, by which the log knows them. Other bodies stay as they are.
void name_occurrence(http::Response& response, std::string_view request_id);

// The request's {"data": {"type", "attributes", "relationships"}}. Keeps the document; readers refer to it.
class RequestDocument {
 public:
  // Errors: Code::invalid for what is no such document, with the pointer. Stock clients send "" or no type in some
  // requests, so only another, non-empty type is refused.
  static Result<RequestDocument> parse(std::string_view body, std::string_view type);
  // The same where no body at all is fine: `actions/...`.
  static Result<RequestDocument> parse_optional(std::string_view body, std::string_view type);
  // {"data": [...]}: the elements, each with its pointer.
  static Result<RequestDocument> parse_list(std::string_view body);

  // {} where there are none.
  json::Reader attributes() const { return json::Reader(attributes_, "/data/attributes"); }
  std::string id() const;
  // The id of a to-one relationship; nullopt where it is missing or null. Errors: Code::invalid.
  Result<std::optional<std::string>> relationship(std::string_view name) const;
  // Whether the attribute stands there at all, also as null.
  bool has(std::string_view attribute) const { return attributes_.find(attribute) != nullptr; }
  const json::Value& root() const { return root_; }
  Result<std::vector<json::Reader>> elements() const;

 private:
  json::Value root_;
  json::Value attributes_ = json::Value::object();
};

// Whether `include=` names it; names are separated by commas.
std::vector<std::string> included_names(const http::Pairs& query);

Error invalid_attribute(std::string_view name, std::string_view sentence);  // Code::invalid at /data/attributes/name

}  // namespace tollgate::api
