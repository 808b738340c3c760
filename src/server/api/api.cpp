#include "server/api/api.h"

#include <array>

#include "common/json/value.h"
#include "server/api/authentication.h"
#include "server/api/routes.h"
#include "server/api/subject.h"

namespace tollgate::api {

namespace {

// What stock clients decide by. The application name is a compatibility token: clients know two names only.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kVersionHeaders{{
    {"TFP-API-Version", "2.6"},
    {"TFP-AppName", "Terraform Enterprise"},
    {"X-TFE-Version", "v202501-1"},
    {"X-TFE-Current-Version", "1.0.0"},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kSecurityHeaders{{
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"X-Frame-Options", "DENY"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
}};

bool has_header(const http::Response& response, std::string_view name) {
  for (const auto& [present, value] : response.headers) {
    if (std::equal(present.begin(), present.end(), name.begin(), name.end(),
                   [](char a, char b) { return (a | 0x20) == (b | 0x20); })) {
      return true;
    }
  }
  return false;
}

void add_header(http::Response& response, std::string_view name, std::string_view value) {
  if (!has_header(response, name)) response.headers.emplace_back(name, value);
}

// A relationship in the body that names what the route is about becomes a parameter like one of the path.
Result<void> add_subject_in_body(const Route& route, const http::Request& request, http::Pairs& parameters) {
  if (route.subject_in_body.empty()) return {};
  TG_TRY(const RequestDocument document, RequestDocument::parse(request.body, ""));
  TG_TRY(const std::optional<std::string> id, document.relationship(route.subject_in_body));
  if (!id || id->empty()) {
    return fail(Error(Code::invalid, fmt::format("the relationship {} is missing", route.subject_in_body))
                    .at(fmt::format("/data/relationships/{}", route.subject_in_body)));
  }
  parameters.emplace_back(fmt::format("{}_id", route.subject_in_body), *id);
  return {};
}

void note_who(const Principal& principal, Exchange& exchange) {
  exchange.user_id = principal.actor.user_id;
  exchange.token_id = principal.actor.token_id;
}

Result<void> add_subject_in_filter(const Route& route, const http::Pairs& query, http::Pairs& parameters) {
  if (route.subject_in_filter.empty()) return {};
  for (const std::string_view kind : {std::string_view("organization"), route.subject_in_filter}) {
    const std::string name = fmt::format("filter[{}][name]", kind);
    const std::string* value = http::find_pair(query, name);
    if (value == nullptr || value->empty()) {
      return fail(Error(Code::usage, fmt::format("{} is missing", name)).at(name));
    }
    parameters.emplace_back(kind, *value);
  }
  return {};
}

}  // namespace

std::string request_id_of(const http::Request& request, RandomSource& random) {
  const std::string* sent = request.header("X-Request-Id");
  const auto harmless = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  if (sent != nullptr && sent->size() >= 8 && sent->size() <= 64 && std::all_of(sent->begin(), sent->end(), harmless)) {
    return *sent;
  }
  return "req-" + random_alphanumeric(random, 16);
}

Api::Api(const Context& context) : context_(context), router_(route_table()) {}

bool Api::knows(std::string_view path) const {
  return path.rfind("/api/", 0) == 0 || router_.match("GET", path).route != nullptr ||
         !router_.match("GET", path).allow.empty();
}

Result<http::Response> Api::answer(const http::Request& request, Match& match, Exchange& exchange) const {
  const Route& route = *match.route;
  if ((route.body == Body::json || route.body == Body::form) && request.body.size() > kMaxJsonBody) {
    return fail(Code::invalid, fmt::format("the document is larger than {} MiB", kMaxJsonBody >> 20));
  }
  TG_TRY(http::Pairs query, http::parse_form(request.query()));
  Call call{context_, request, {}, {}, std::move(match.parameters), std::move(query), context_.clock.now()};
  const auto checked = context_.store.read([&](domain::Tables& tables) -> Result<void> {
    auto principal = authenticate(tables, context_, request);
    if (route.permission == Permission::anyone || route.permission == Permission::signed_address) {
      // A cookie that comes along from elsewhere counts for nothing there.
      call.principal = principal ? std::move(*principal) : nobody(request);
      note_who(call.principal, exchange);
      return {};
    }
    if (!principal) return fail(std::move(principal).error());
    call.principal = std::move(*principal);
    note_who(call.principal, exchange);
    // Nothing of a request is looked at before somebody has answered for it.
    if (!call.principal.authenticated) return authorize(tables, call.principal, Permission::authenticated, {});
    TG_CHECK(add_subject_in_body(route, request, call.parameters));
    TG_CHECK(add_subject_in_filter(route, call.query, call.parameters));
    TG_TRY(call.subject, resolve_subject(tables, call.parameters));
    return authorize(tables, call.principal, route.permission, call.subject);
  });
  if (!checked) return fail(checked.error());
  note_use(context_, call.principal);
  return route.handler(call);
}

http::Response Api::handle(const http::Request& request) const {
  Exchange exchange;
  exchange.request_id = request_id_of(request, context_.random);
  return handle(request, exchange);
}

http::Response Api::handle(const http::Request& request, Exchange& exchange) const {
  Match match = router_.match(request.method, request.path());
  http::Response response;
  if (match.route == nullptr) {
    response = error_document(not_found("resource"));
    if (!match.allow.empty()) {
      response = error_document(Error(Code::usage, fmt::format("this address answers {} only", match.allow)));
      response.status = 405;
      response.headers.emplace_back("Allow", match.allow);
    }
  } else {
    exchange.route = match.route->pattern;
    auto answered = answer(request, match, exchange);
    response = answered ? std::move(*answered) : error_document(answered.error());
  }
  if (response.status >= 400) name_occurrence(response, exchange.request_id);
  add_common_headers(response, context_, exchange.request_id);
  return response;
}

void add_common_headers(http::Response& response, const Context& context, std::string_view request_id) {
  for (const auto& [name, value] : kVersionHeaders)
    add_header(response, name, value);
  for (const auto& [name, value] : kSecurityHeaders)
    add_header(response, name, value);
  add_header(response, "Cache-Control", "no-store");
  add_header(response, "X-Request-Id", request_id);
  if (context.base_url.rfind("https:", 0) == 0) {
    add_header(response, "Strict-Transport-Security", "max-age=31536000");
  }
}

}  // namespace tollgate::api
