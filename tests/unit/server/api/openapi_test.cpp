#include "server/api/openapi.h"

#include <set>

#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class OpenApi : public ApiWorld {
 protected:
  OpenApi() : document(*json::parse(send("GET", path("openapi.json"), "").body)) {}
  const json::Value& at(std::initializer_list<std::string_view> steps) const {
    const json::Value* value = &document;
    for (const std::string_view step : steps) {
      value = value->find(step);
      if (value == nullptr) throw std::runtime_error(fmt::format("{} is missing", step));
    }
    return *value;
  }
  static std::string text(const json::Value& value, std::string_view name) {
    const json::Value* member = value.find(name);
    return member != nullptr && member->if_string() != nullptr ? *member->if_string() : "";
  }
  // The path parameters in "{}" of a template.
  static std::set<std::string> braces(std::string_view path) {
    std::set<std::string> names;
    while (path.find('{') != path.npos) {
      path.remove_prefix(path.find('{') + 1);
      names.emplace(path.substr(0, path.find('}')));
    }
    return names;
  }
  void check_references(const json::Value& value) const {
    if (const json::Object* object = value.if_object()) {
      for (const auto& [name, part] : *object) {
        if (name == "$ref") {
          const std::string& target = *part.if_string();
          const std::string rest = target.substr(std::string("#/components/").size());
          EXPECT_NO_THROW((void)at({"components", rest.substr(0, rest.find('/')), rest.substr(rest.find('/') + 1)}))
              << target;
        }
        check_references(part);
      }
    } else if (const json::Array* array = value.if_array()) {
      for (const json::Value& item : *array)
        check_references(item);
    }
  }

  json::Value document;
};

TEST_F(OpenApi, HasEveryRouteAndNoOther) {
  std::size_t operations = 0;
  for (const auto& [path, methods] : *at({"paths"}).if_object())
    operations += methods.if_object()->size();
  EXPECT_EQ(operations, api.routes().size());
  for (const Route& route : api.routes()) {
    std::string path(route.pattern);
    for (std::size_t colon = path.find("/:"); colon != path.npos; colon = path.find("/:")) {
      const std::size_t end = std::min(path.find('/', colon + 1), path.size());
      path = path.substr(0, colon) + "/{" + path.substr(colon + 2, end - colon - 2) + "}" + path.substr(end);
    }
    std::string method(route.method);
    std::transform(method.begin(), method.end(), method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    ASSERT_NO_THROW((void)at({"paths", path, method})) << path;
    EXPECT_EQ(text(at({"paths", path, method}), "x-permission"), to_text(route.permission));
    EXPECT_EQ(text(at({"paths", path, method}), "summary"), route.summary);
  }
}

TEST_F(OpenApi, IsAWellFormedDocument) {
  EXPECT_EQ(text(document, "openapi"), "3.0.3");
  EXPECT_FALSE(text(at({"info"}), "title").empty());
  EXPECT_FALSE(text(at({"info"}), "version").empty());
  const std::set<std::string> kMethods{"get", "post", "put", "patch", "delete"};
  std::set<std::string> ids;
  for (const auto& [path, methods] : *at({"paths"}).if_object()) {
    EXPECT_EQ(path.front(), '/');
    for (const auto& [method, operation] : *methods.if_object()) {
      const std::string name = method + " " + path;
      EXPECT_TRUE(kMethods.count(method)) << name;
      EXPECT_TRUE(ids.insert(text(operation, "operationId")).second) << name;
      std::set<std::string> declared;
      if (const json::Value* parameters = operation.find("parameters")) {
        for (const json::Value& parameter : *parameters->if_array()) {
          EXPECT_NE(parameter.find("schema"), nullptr) << name;
          if (text(parameter, "in") == "path") {
            EXPECT_TRUE(*parameter.find("required")->if_bool()) << name;
            declared.insert(text(parameter, "name"));
          }
        }
      }
      EXPECT_EQ(declared, braces(path)) << name;
      ASSERT_NE(operation.find("responses"), nullptr) << name;
      for (const auto& [status, response] : *operation.find("responses")->if_object())
        EXPECT_TRUE(response.find("$ref") != nullptr || !text(response, "description").empty()) << name << status;
    }
  }
  check_references(document);
}

bool of_kind(const json::Value& value, std::string_view kind) {
  if (kind == "any" || (kind.ends_with('?') && value.is_null())) return true;
  if (kind.ends_with('?')) kind.remove_suffix(1);
  if (kind == "time") return value.if_string() != nullptr && parse_iso8601(*value.if_string()).has_value();
  if (kind == "string") return value.is_string();
  if (kind == "boolean") return value.if_bool() != nullptr;
  if (kind == "integer") return value.if_integer() != nullptr;
  if (kind == "array") return value.is_array();
  return kind == "object" && value.is_object();
}

// Of real answers: each attribute that a schema names is there and of its kind.
TEST_F(OpenApi, SchemasAreTrue) {
  const std::string workspace = new_workspace("net", owner);
  const std::string run = new_run(workspace, owner);
  const domain::Run row = *store.read([&](Tables& tables) { return tables.runs().find(run); });
  EXPECT_EQ(send("POST", path("workspaces/" + workspace + "/actions/lock"), owner, "{}").status, 200);
  const std::string bytes = R"({"version":4,"outputs":{"a":{"value":1,"type":"number"}}})";
  const std::string state =
      text_of(new_state(workspace, owner, bytes, 1, json::Value::object({{"state", base64_encode(bytes)}})), "");
  const auto configuration = send("POST", path("workspaces/" + workspace + "/configuration-versions"), owner,
                                  body("configuration-versions", json::Value::object({{"auto-queue-runs", false}})));
  const auto variable =
      send("POST", path("workspaces/" + workspace + "/vars"), owner,
           body("vars", json::Value::object({{"key", "region"}, {"value", "x"}, {"category", "terraform"}})));
  ASSERT_EQ(variable.status, 201) << variable.body;
  domain::Webhook webhook;
  webhook.id = "nc-1";
  webhook.organization_id = "org-acme";
  domain::WebhookDelivery delivery;
  delivery.id = "ncd-1";
  delivery.webhook_id = webhook.id;
  domain::Notice notice;
  notice.id = "ntc-1";
  notice.organization_id = webhook.organization_id;
  EXPECT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    TG_CHECK(tables.notices().insert(notice));
    TG_CHECK(tables.webhooks().insert(webhook));
    return tables.webhook_deliveries().insert(delivery);
  }));
  const auto identity = send("POST", path("organizations/acme/aws-identities"), owner,
                             body("aws-identities", json::Value::object({{"access-key-id", "AKIAIOSFODNN7EXAMPLE"},
                                                                         {"secret-access-key", "0123456789abcdef0123"},
                                                                         {"region", "eu-central-1"}})));
  std::map<std::string, json::Value> seen;
  const auto look = [&](const http::Response& answer) {
    ASSERT_LT(answer.status, 300) << answer.body;
    const auto parsed = json::parse(answer.body);
    const json::Value* data = parsed->find("data");
    const json::Value& one = data->is_array() ? data->if_array()->at(0) : *data;
    seen[text(one, "type")] = *one.find("attributes");
  };
  look(configuration);
  look(variable);
  look(identity);
  for (const std::string& target :
       {std::string("organizations/acme"), std::string("projects/prj-acme"), "workspaces/" + workspace, "runs/" + run,
        "plans/" + row.plan.id, "applies/" + row.apply.id, "state-versions/" + state,
        "state-versions/" + state + "/outputs", std::string("organizations/acme/organization-memberships"),
        std::string("users/user-alice/authentication-tokens"), std::string("organizations/acme/audit-events"),
        std::string("organizations/acme/webhook"), std::string("organizations/acme/webhook/deliveries"),
        std::string("organizations/acme/aws-mfa"), std::string("organizations/acme/notices")}) {
    look(send("GET", path(target), owner));
  }
  for (const ResourceSchema& schema : resource_schemas()) {
    if (schema.type == "run-events") continue;  // none in this world
    ASSERT_TRUE(seen.count(std::string(schema.type))) << schema.type;
    std::string_view rest = schema.attributes;
    while (!rest.empty()) {
      const std::string_view pair = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
      const std::string_view name = pair.substr(0, pair.find(':'));
      const json::Value* value = seen[std::string(schema.type)].find(name);
      ASSERT_NE(value, nullptr) << schema.type << " has no " << name;
      EXPECT_TRUE(of_kind(*value, pair.substr(pair.find(':') + 1))) << schema.type << " " << pair;
    }
  }
}

}  // namespace
}  // namespace tollgate::api::test
