#include "server/api/jsonapi.h"

#include <charconv>
#include <set>

#include "common/base/encoding.h"

namespace tollgate::api {

namespace {

json::Value identifier(std::string_view type, std::string_view id) {
  return json::Value::object({{"id", id}, {"type", type}});
}

http::Response json_response(int status, const json::Value& value, std::string_view type) {
  http::Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", type);
  response.body = json::to_text(value);
  return response;
}

// The request's own address with another page.
std::string page_link(const http::Request& request, std::int64_t number, std::int64_t size) {
  std::string link(request.path());
  char separator = '?';
  const auto add = [&](std::string_view name, std::string_view value) {
    link += separator;
    link += percent_encode(name);
    link += '=';
    link += percent_encode(value);
    separator = '&';
  };
  if (const auto pairs = http::parse_form(request.query())) {
    for (const auto& [name, value] : *pairs) {
      if (name != "page[number]" && name != "page[size]") add(name, value);
    }
  }
  add("page[number]", std::to_string(number));
  add("page[size]", std::to_string(size));
  return link;
}

Result<std::int64_t> positive(const http::Pairs& query, std::string_view name, std::int64_t otherwise,
                              std::int64_t most) {
  const std::string* text = http::find_pair(query, name);
  if (text == nullptr || text->empty()) return otherwise;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0 || value > 1'000'000'000) {
    return fail(Error(Code::invalid, fmt::format("{} is not a number of a page", name)).at(std::string(name)));
  }
  return value == 0 ? otherwise : std::min(value, most);
}

}  // namespace

Resource::Resource(std::string_view type, std::string_view id) : object_(identifier(type, id)) {}

Resource& Resource::attribute(std::string_view name, json::Value value) {
  attributes_.set(std::string(name), std::move(value));
  return *this;
}

Resource& Resource::time(std::string_view name, std::optional<TimePoint> value) {
  return attribute(name, value ? json::Value(format_iso8601(*value)) : json::Value());
}

Resource& Resource::to_one(std::string_view name, std::string_view type, std::string_view id) {
  json::Value data = id.empty() ? json::Value() : identifier(type, id);
  relationships_.set(std::string(name), json::Value::object({{"data", std::move(data)}}));
  return *this;
}

Resource& Resource::to_many(std::string_view name, std::string_view type, const std::vector<std::string>& ids) {
  json::Array data;
  for (const std::string& id : ids)
    data.push_back(identifier(type, id));
  relationships_.set(std::string(name), json::Value::object({{"data", std::move(data)}}));
  return *this;
}

Resource& Resource::related(std::string_view name, std::string_view path) {
  relationships_.set(std::string(name), json::Value::object({{"links", json::Value::object({{"related", path}})}}));
  return *this;
}

Resource& Resource::link(std::string_view name, std::string_view path) {
  links_.set(std::string(name), path);
  return *this;
}

json::Value Resource::build() && {
  object_.set("attributes", std::move(attributes_));
  if (!relationships_.if_object()->empty()) object_.set("relationships", std::move(relationships_));
  if (!links_.if_object()->empty()) object_.set("links", std::move(links_));
  return std::move(object_);
}

namespace {

void add_included(json::Value& root, json::Array included) {
  if (included.empty()) return;
  std::set<std::pair<std::string, std::string>> seen;
  json::Array once;
  for (json::Value& resource : included) {
    if (seen.emplace(*resource.find("type")->if_string(), *resource.find("id")->if_string()).second) {
      once.push_back(std::move(resource));
    }
  }
  root.set("included", std::move(once));
}

}  // namespace

http::Response document(int status, json::Value data, json::Array included) {
  json::Value root = json::Value::object({{"data", std::move(data)}});
  add_included(root, std::move(included));
  return json_response(status, root, kJsonApiType);
}

http::Response list_document(json::Array rows, std::int64_t total, domain::Page page, const http::Request& request,
                             json::Array included) {
  const std::int64_t last = std::max<std::int64_t>(1, (total + page.size - 1) / page.size);
  const auto number = [](bool there, std::int64_t value) { return there ? json::Value(value) : json::Value(); };
  const auto link = [&](bool there, std::int64_t value) {
    return there ? json::Value(page_link(request, value, page.size)) : json::Value();
  };
  const bool previous = page.number > 1;
  const bool next = page.number < last;
  json::Value root = json::Value::object({{"data", std::move(rows)}});
  add_included(root, std::move(included));
  root.set("links", json::Value::object({{"self", link(true, page.number)},
                                         {"first", link(true, 1)},
                                         {"prev", link(previous, page.number - 1)},
                                         {"next", link(next, page.number + 1)},
                                         {"last", link(true, last)}}));
  root.set("meta",
           json::Value::object({{"pagination", json::Value::object({{"current-page", page.number},
                                                                    {"page-size", page.size},
                                                                    {"prev-page", number(previous, page.number - 1)},
                                                                    {"next-page", number(next, page.number + 1)},
                                                                    {"total-pages", last},
                                                                    {"total-count", total}})}}));
  return json_response(200, root, kJsonApiType);
}

http::Response plain_json(int status, const json::Value& value) {
  return json_response(status, value, "application/json");
}

http::Response no_content() {
  http::Response response;
  response.status = 204;
  return response;
}

Result<domain::Page> read_page(const http::Pairs& query) {
  domain::Page page;
  TG_TRY(page.number, positive(query, "page[number]", 1, 1'000'000));
  TG_TRY(page.size, positive(query, "page[size]", 20, 100));
  return page;
}

int http_status(Code code) {
  switch (code) {
    case Code::usage:
      return 400;
    case Code::invalid:
    case Code::config:
      return 422;
    case Code::not_found:
      return 404;
    case Code::conflict:
      return 409;
    case Code::unauthorized:
      return 401;
    case Code::forbidden:
    case Code::needs_person:
      return 403;
    case Code::locked:
      return 423;
    case Code::throttled:
      return 429;
    case Code::unavailable:
      return 503;
    case Code::unknown:
      return 502;
    case Code::cancelled:
    case Code::io:
    case Code::internal:
      break;
  }
  return 500;
}

namespace {

std::string_view title(int status) {
  switch (status) {
    case 400:
      return "bad request";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not found";
    case 409:
      return "conflict";
    case 422:
      return "invalid attribute";
    case 423:
      return "locked";
    case 429:
      return "too many requests";
    case 502:
      return "outcome unknown";
    case 503:
      return "unavailable";
    default:
      return "internal error";
  }
}

}  // namespace

http::Response error_document(const Error& error) {
  const int status = http_status(error.code);
  // What broke inside is for the log, not for whoever asked.
  std::string detail = status == 500 ? "the server failed; its log says more under this request's id" : error.message;
  // Clients show the detail alone, so a reader's "must be a string" has to say what.
  if (error.place.rfind('/', 0) == 0 && (detail.rfind("must ", 0) == 0 || detail.rfind("is missing", 0) == 0)) {
    detail = fmt::format("{} {}", error.place.substr(error.place.rfind('/') + 1), detail);
  }
  if (status != 500 && !error.next.empty()) detail += "; " + error.next;
  json::Value entry = json::Value::object(
      {{"status", std::to_string(status)}, {"title", title(status)}, {"detail", std::move(detail)}});
  if (!error.reason.empty()) entry.set("code", error.reason);
  if (!error.place.empty()) {
    const bool pointer = error.place.front() == '/';
    entry.set("source", json::Value::object({{pointer ? "pointer" : "parameter", error.place}}));
  }
  http::Response response =
      json_response(status, json::Value::object({{"errors", json::Value::array({std::move(entry)})}}), kJsonApiType);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

void name_occurrence(http::Response& response, std::string_view request_id) {
  const std::string* type = http::find_pair(response.headers, "Content-Type");
  if (type == nullptr || *type != kJsonApiType) return;
  auto document = json::parse(response.body);
  json::Value* errors = document ? document->find("errors") : nullptr;
  if (errors == nullptr || errors->if_array() == nullptr) return;
  for (json::Value& error : *errors->if_array())
    error.set("id", request_id);
  response.body = json::to_text(*document);
}

Result<RequestDocument> RequestDocument::parse(std::string_view body, std::string_view type) {
  RequestDocument document;
  TG_TRY(document.root_, json::parse(body));
  const json::Reader root(document.root_);
  TG_TRY(const json::Reader data, root.member("data"));
  if (!data.value().is_object()) return fail(data.error("must be an object"));
  TG_TRY(const std::optional<std::string> sent, data.optional_text("type"));
  if (!type.empty() && sent && !sent->empty() && *sent != type) {
    return fail(Error(Code::invalid, fmt::format("the type is {}, not {}", type, *sent)).at("/data/type"));
  }
  if (const json::Value* attributes = data.value().find("attributes"); attributes && !attributes->is_null()) {
    if (!attributes->is_object()) {
      return fail(Error(Code::invalid, "must be an object").at("/data/attributes"));
    }
    document.attributes_ = *attributes;
  }
  return document;
}

Result<RequestDocument> RequestDocument::parse_optional(std::string_view body, std::string_view type) {
  if (body.empty()) return RequestDocument();
  RequestDocument document;
  TG_TRY(document.root_, json::parse(body));
  if (!document.root_.is_object()) return fail(Error(Code::invalid, "the body must be an object").at("/"));
  if (const json::Value* data = document.root_.find("data"); data != nullptr && !data->is_null()) {
    return parse(body, type);
  }
  // The actions of runs take their comment at the top level.
  document.attributes_ = document.root_;
  return document;
}

Result<RequestDocument> RequestDocument::parse_list(std::string_view body) {
  RequestDocument document;
  TG_TRY(document.root_, json::parse(body));
  TG_CHECK(document.elements());
  return document;
}

std::string RequestDocument::id() const {
  const json::Value* data = root_.find("data");
  const json::Value* id = data == nullptr ? nullptr : data->find("id");
  return id != nullptr && id->if_string() != nullptr ? *id->if_string() : "";
}

Result<std::optional<std::string>> RequestDocument::relationship(std::string_view name) const {
  json::Reader at(root_);
  for (const std::string_view step :
       {std::string_view("data"), std::string_view("relationships"), name, std::string_view("data")}) {
    if (at.value().is_null()) return std::optional<std::string>();
    TG_TRY(at, at.optional_member(step));
  }
  if (at.value().is_null()) return std::optional<std::string>();
  return at.optional_text("id");
}

Result<std::vector<json::Reader>> RequestDocument::elements() const {
  TG_TRY(const json::Reader data, json::Reader(root_).member("data"));
  return data.items();
}

std::vector<std::string> included_names(const http::Pairs& query) {
  std::vector<std::string> names;
  const std::string* text = http::find_pair(query, "include");
  if (text == nullptr) return names;
  std::string name;
  for (const char c : *text) {
    if (c == ',') {
      names.push_back(std::exchange(name, {}));
    } else {
      name += c == '-' ? '_' : c;
    }
  }
  if (!name.empty()) names.push_back(name);
  return names;
}

Error invalid_attribute(std::string_view name, std::string_view sentence) {
  return Error(Code::invalid, fmt::format("{} {}", name, sentence)).at(fmt::format("/data/attributes/{}", name));
}

}  // namespace tollgate::api
