#include "server/api/openapi.h"

#include <map>

#include "server/api/authentication.h"
#include "server/api/routes.h"

namespace tollgate::api {

namespace {

std::vector<std::string_view> pieces_of(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) pieces.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

bool is_parameter(std::string_view piece) {
  return piece.front() == ':';
}

json::Value object(std::initializer_list<json::Member> members) {
  return json::Value::object(members);
}

json::Value reference(std::string_view kind, std::string_view name) {
  return object({{"$ref", fmt::format("#/components/{}/{}", kind, name)}});
}

// "/runs/:run_id" -> "/runs/{run_id}"
std::string template_of(std::string_view pattern) {
  std::string text;
  for (const std::string_view piece : pieces_of(pattern, '/'))
    text += is_parameter(piece) ? fmt::format("/{{{}}}", piece.substr(1)) : fmt::format("/{}", piece);
  return text;
}

std::string operation_id(const Route& route) {
  std::string id(route.method);
  for (const std::string_view piece : pieces_of(route.pattern, '/'))
    id += fmt::format("_{}", is_parameter(piece) ? piece.substr(1) : piece);
  for (char& c : id)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c == '-' || c == '.' ? '_' : c;
  return id;
}

// The resource that a route speaks of, by the word of its path that names it.
std::string_view resource_of(const Route& route) {
  static const std::map<std::string_view, std::string_view> words{
      {"organizations", "organizations"},
      {"workspaces", "workspaces"},
      {"projects", "projects"},
      {"runs", "runs"},
      {"plans", "plans"},
      {"applies", "applies"},
      {"vars", "vars"},
      {"run-events", "run-events"},
      {"state-versions", "state-versions"},
      {"current-state-version", "state-versions"},
      {"state-version-outputs", "state-version-outputs"},
      {"current-state-version-outputs", "state-version-outputs"},
      {"configuration-versions", "configuration-versions"},
      {"organization-memberships", "organization-memberships"},
      {"authentication-token", "authentication-tokens"},
      {"authentication-tokens", "authentication-tokens"},
      {"webhook", "notification-configurations"},
      {"deliveries", "webhook-deliveries"},
      {"notices", "notices"},
      {"aws-mfa", "aws-mfa-settings"},
      {"aws-identities", "aws-identities"},
      {"audit-events", "audit-events"},
  };
  if (!route.pattern.starts_with("/api/v2/") || route.method == "DELETE") return {};
  const auto pieces = pieces_of(route.pattern, '/');
  const std::size_t last = is_parameter(pieces.back()) ? pieces.size() - 2 : pieces.size() - 1;
  const auto found = words.find(pieces[last]);
  return found == words.end() ? std::string_view() : found->second;
}

bool is_list(const Route& route) {
  const std::string_view word = pieces_of(route.pattern, '/').back();
  return route.method == "GET" && !is_parameter(word) && word.ends_with('s') && !resource_of(route).empty();
}

json::Value parameter(std::string_view where, std::string_view name, bool required, std::string_view type = "string") {
  return object({{"name", name}, {"in", where}, {"required", required}, {"schema", object({{"type", type}})}});
}

json::Value parameters_of(const Route& route) {
  json::Value parameters = json::Value::array();
  for (const std::string_view piece : pieces_of(route.pattern, '/')) {
    if (is_parameter(piece)) parameters.push(parameter("path", piece.substr(1), true));
  }
  if (!route.subject_in_filter.empty()) {
    parameters.push(parameter("query", "filter[organization][name]", true));
    parameters.push(parameter("query", fmt::format("filter[{}][name]", route.subject_in_filter), true));
  }
  if (is_list(route)) {
    parameters.push(parameter("query", "page[number]", false, "integer"));
    parameters.push(parameter("query", "page[size]", false, "integer"));
  }
  return parameters;
}

json::Value content(std::string_view media_type, json::Value schema) {
  return object({{std::string(media_type), object({{"schema", std::move(schema)}})}});
}

json::Value data_of(json::Value schema) {
  return object({{"type", "object"},
                 {"required", json::Value::array({"data"})},
                 {"properties", object({{"data", std::move(schema)}})}});
}

json::Value body_of(const Route& route) {
  const json::Value any = object({{"type", "object"}});
  switch (route.body) {
    case Body::bytes:
      return object(
          {{"content", content("application/octet-stream", object({{"type", "string"}, {"format", "binary"}}))}});
    case Body::form:
      return object({{"content", content("application/x-www-form-urlencoded", any)}});
    default:
      break;
  }
  const bool web = route.pattern.starts_with("/api/web/");
  return object({{"content", content(web ? "application/json" : kJsonApiType, any)}});
}

json::Value responses_of(const Route& route) {
  json::Value good = object({{"description", "Done"}});
  if (const std::string_view type = resource_of(route); !type.empty()) {
    json::Value schema = reference("schemas", type);
    if (is_list(route)) schema = object({{"type", "array"}, {"items", std::move(schema)}});
    good.set("content", content(kJsonApiType, data_of(std::move(schema))));
  }
  json::Value responses = object({{"2XX", std::move(good)}});
  responses.set("4XX", reference("responses", "error"));
  responses.set("5XX", reference("responses", "error"));
  return responses;
}

json::Value operation_of(const Route& route) {
  const auto pieces = pieces_of(route.pattern, '/');
  const std::size_t named = pieces.size() > 2 && pieces[0] == "api" ? 2 : 0;
  json::Value operation = object({{"operationId", operation_id(route)},
                                  {"summary", route.summary},
                                  {"tags", json::Value::array({pieces[named]})},
                                  {"x-permission", to_text(route.permission)}});
  json::Value parameters = parameters_of(route);
  if (!parameters.if_array()->empty()) operation.set("parameters", std::move(parameters));
  if (route.body != Body::none) operation.set("requestBody", body_of(route));
  operation.set("responses", responses_of(route));
  const bool open = route.permission == Permission::anyone || route.permission == Permission::signed_address;
  operation.set("security", open ? json::Value::array()
                                 : json::Value::array({object({{"token", json::Value::array()}}),
                                                       object({{"session", json::Value::array()}})}));
  return operation;
}

json::Value attribute_schema(std::string_view kind) {
  const bool nullable = kind.ends_with('?');
  if (nullable) kind.remove_suffix(1);
  if (kind == "any") return object({});
  json::Value schema = object({{"type", kind == "time" ? std::string_view("string") : kind}});
  if (kind == "time") schema.set("format", "date-time");
  if (kind == "array") schema.set("items", object({}));
  if (nullable) schema.set("nullable", true);
  return schema;
}

json::Value schema_of(const ResourceSchema& resource) {
  json::Value attributes = json::Value::object();
  for (const std::string_view pair : pieces_of(resource.attributes, ' ')) {
    const std::size_t colon = pair.find(':');
    attributes.set(std::string(pair.substr(0, colon)), attribute_schema(pair.substr(colon + 1)));
  }
  json::Value type = object({{"type", "string"}, {"enum", json::Value::array({resource.type})}});
  return object(
      {{"type", "object"},
       {"required", json::Value::array({"id", "type"})},
       {"properties", object({{"id", object({{"type", "string"}})},
                              {"type", std::move(type)},
                              {"attributes", object({{"type", "object"}, {"properties", std::move(attributes)}})},
                              {"relationships", object({{"type", "object"}})}})}});
}

json::Value error_response() {
  json::Value text = object({{"type", "string"}});
  json::Value error =
      object({{"type", "object"},
              {"properties", object({{"status", text}, {"title", text}, {"detail", text}, {"code", text}})}});
  json::Value errors = object({{"type", "array"}, {"items", std::move(error)}});
  json::Value schema = object({{"type", "object"}, {"properties", object({{"errors", std::move(errors)}})}});
  return object({{"description", "What failed, why, and what to do next"},
                 {"content", content(kJsonApiType, std::move(schema))}});
}

json::Value components() {
  json::Value schemas = json::Value::object();
  for (const ResourceSchema& resource : resource_schemas())
    schemas.set(std::string(resource.type), schema_of(resource));
  json::Value token = object({{"type", "http"}, {"scheme", "bearer"}});
  json::Value session = object({{"type", "apiKey"}, {"in", "cookie"}, {"name", kSessionCookie}});
  return object({{"schemas", std::move(schemas)},
                 {"responses", object({{"error", error_response()}})},
                 {"securitySchemes", object({{"token", std::move(token)}, {"session", std::move(session)}})}});
}

Result<http::Response> show_openapi(const Call& call) {
  static const json::Value document = openapi_document(route_table(), call.context.base_url);
  return plain_json(200, document);
}

}  // namespace

const std::vector<ResourceSchema>& resource_schemas() {
  static const std::vector<ResourceSchema> schemas{
      {"organizations",
       "name:string email:string created-at:time default-execution-mode:string aws-mfa:string "
       "plan-gate-deadline:integer apply-gate-deadline:integer plan-limit:integer apply-limit:integer "
       "permissions:object"},
      {"projects", "name:string description:string permissions:object created-at:time"},
      {"workspaces",
       "name:string description:string? auto-apply:boolean allow-destroy-plan:boolean queue-all-runs:boolean "
       "speculative-enabled:boolean structured-run-output-enabled:boolean global-remote-state:boolean "
       "execution-mode:string locked:boolean lock-reason:string terraform-version:string working-directory:string? "
       "vcs-repo:object? "
       "tag-names:array aws-mfa:string? actions:object permissions:object created-at:time updated-at:time"},
      {"vars",
       "key:string value:string? description:string category:string hcl:boolean sensitive:boolean version-id:string "
       "created-at:time"},
      {"configuration-versions",
       "status:string auto-queue-runs:boolean speculative:boolean provisional:boolean source:string "
       "status-timestamps:object"},
      {"runs",
       "status:string status-timestamps:object actions:object permissions:object has-changes:boolean "
       "is-destroy:boolean message:string plan-only:boolean refresh:boolean refresh-only:boolean save-plan:boolean "
       "auto-apply:boolean allow-empty-apply:boolean source:string target-addrs:array replace-addrs:array "
       "terraform-version:string variables:array error-reason:string? error-detail:string? mfa:object? "
       "mfa-history:array created-at:time"},
      {"run-events", "action:string description:string actor-name:string created-at:time"},
      {"plans",
       "status:string status-timestamps:object log-read-url:string has-changes:boolean "
       "generated-configuration:boolean resource-additions:integer resource-changes:integer "
       "resource-destructions:integer resource-imports:integer"},
      {"applies",
       "status:string status-timestamps:object log-read-url:string resource-additions:integer "
       "resource-changes:integer resource-destructions:integer resource-imports:integer"},
      {"state-versions",
       "serial:integer size:integer status:string intermediate:boolean terraform-version:string? "
       "hosted-state-download-url:string created-at:time"},
      {"state-version-outputs", "name:string sensitive:boolean type:string value:any detailed-type:any"},
      {"organization-memberships", "status:string role:string username:string email:string created-at:time"},
      {"authentication-tokens", "description:string token:string? created-at:time last-used-at:time? expired-at:time?"},
      {"notification-configurations",
       "name:string destination-type:string url:string token:string? enabled:boolean triggers:array "
       "delivery-responses:array created-at:time updated-at:time"},
      {"webhook-deliveries",
       "trigger:string run-id:string state:string attempts:integer created-at:time next-attempt-at:time? "
       "response:object?"},
      {"notices", "kind:string sentence:string by:string? created-at:time"},
      {"audit-events",
       "sequence:integer at:time event:string actor:object address:string subject:object details:object hash:string"},
      {"aws-mfa-settings",
       "level:string identity-policy:string accounts:array effective-accounts:array plan-gate-deadline:integer "
       "apply-gate-deadline:integer plan-limit:integer apply-limit:integer plan-role:object? apply-role:object? "
       "read-only-plan-role:object? raw-key-plans:boolean warnings:array"},
      {"aws-identities",
       "kind:string access-key-id:string mfa-serial:string? device-owner:string? region:string shared:boolean "
       "account:string? arn:string? permissions:object created-at:time updated-at:time"},
  };
  return schemas;
}

json::Value openapi_document(const Routes& routes, std::string_view base_url) {
  json::Value paths = json::Value::object();
  for (const Route& route : routes) {
    const std::string path = template_of(route.pattern);
    if (paths.find(path) == nullptr) paths.set(path, json::Value::object());
    std::string method(route.method);
    for (char& c : method)
      c = static_cast<char>(c | 0x20);
    paths.find(path)->set(method, operation_of(route));
  }
  json::Value info = object({{"title", "tollgate-server"},
                             {"version", TOLLGATE_VERSION},
                             {"description",
                              "The API of Terraform Enterprise as far as stock clients use it, and what "
                              "the web UI uses beside it."}});
  return object({{"openapi", "3.0.3"},
                 {"info", std::move(info)},
                 {"servers", json::Value::array({object({{"url", base_url}})})},
                 {"paths", std::move(paths)},
                 {"components", components()}});
}

Routes openapi_routes() {
  return {{"GET", "/api/v2/openapi.json", Permission::anyone, show_openapi, "This description"}};
}

}  // namespace tollgate::api
