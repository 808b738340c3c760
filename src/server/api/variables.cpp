// Variables of workspaces, of a whole organization, and personal ones, which only their user sees.
#include <array>

#include "server/api/aws_identity_variables.h"
#include "server/api/routes.h"
#include "server/domain/ids.h"
#include "server/domain/reserved_variables.h"

namespace tollgate::api {

namespace {

using domain::Tables;
using domain::Variable;
using domain::VariableCategory;
using domain::VariableScope;

constexpr std::size_t kMaxKey = 255;
constexpr std::size_t kMaxValue = 256U << 10;

json::Value to_resource(const Variable& variable) {
  Resource resource("vars", variable.id);
  resource.attribute("key", variable.key)
      .attribute("value", variable.sensitive ? json::Value() : json::Value(std::string_view(variable.value.reveal())))
      .attribute("description", variable.description)
      .attribute("category", variable.category == VariableCategory::env ? "env" : "terraform")
      .attribute("hcl", variable.hcl)
      .attribute("sensitive", variable.sensitive)
      .attribute("version-id", std::to_string(variable.version))
      .time("created-at", variable.created_at)
      .to_one("configurable", "workspaces", variable.workspace_id);
  return std::move(resource).build();
}

std::vector<Variable> siblings(Tables& tables, const Variable& variable) {
  switch (variable.scope) {
    case VariableScope::workspace:
      return tables.variables().of_workspace(variable.workspace_id);
    case VariableScope::organization:
      return tables.variables().of_organization(variable.organization_id);
    case VariableScope::personal:
      break;
  }
  return tables.variables().of_user(variable.organization_id, variable.user_id);
}

// What a new variable of this kind belongs to; also which ones a route shows. Personal ones need a person.
Result<Variable> blank(const Call& call, VariableScope scope) {
  Variable variable;
  variable.scope = scope;
  variable.organization_id = call.subject.organization->id;
  if (scope == VariableScope::workspace) variable.workspace_id = call.subject.workspace->id;
  if (scope == VariableScope::personal) {
    if (!call.actor().person()) {
      return fail(Error(Code::forbidden, "only people have personal variables").because("permission"));
    }
    variable.user_id = call.actor().user_id;
  }
  return variable;
}

// The permission of a route is that of its kind of variables, so another kind is not there.
Result<Variable> addressed(const Call& call, Tables& tables, VariableScope scope) {
  TG_TRY(const Variable like, blank(call, scope));
  TG_TRY(Variable variable, again(tables.variables(), call.subject.variable, "variable"));
  if (variable.scope != scope || variable.workspace_id != like.workspace_id || variable.user_id != like.user_id) {
    return fail(not_found("variable"));
  }
  return variable;
}

bool is_identifier(std::string_view key, bool dashes) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (key.empty() || key.size() > kMaxKey || !letter(key[0])) return false;
  for (const char c : key) {
    if (!letter(c) && !(c >= '0' && c <= '9') && !(dashes && c == '-')) return false;
  }
  return true;
}

Result<void> read_kind(const json::Reader& attributes, Variable& variable) {
  TG_TRY(const auto category, attributes.optional_text("category"));
  if (category && *category != "terraform" && *category != "env") {
    return fail(invalid_attribute("category", "must be terraform or env"));
  }
  if (category) variable.category = *category == "env" ? VariableCategory::env : VariableCategory::terraform;
  TG_TRY(const auto key, attributes.optional_text("key"));
  if (key) variable.key = *key;
  const bool env = variable.category == VariableCategory::env;
  if (!is_identifier(variable.key, !env)) {
    return fail(invalid_attribute("key", env ? "must be letters, digits and _, and begin with no digit"
                                             : "must be letters, digits, - and _, and begin with a letter or _"));
  }
  TG_TRY(const auto hcl, attributes.optional_boolean("hcl"));
  if (hcl) variable.hcl = *hcl;
  return {};
}

Result<void> read_attributes(const json::Reader& attributes, Variable& variable) {
  TG_CHECK(read_kind(attributes, variable));
  TG_TRY(auto value, attributes.optional_text("value"));
  TG_TRY(const auto sensitive, attributes.optional_boolean("sensitive"));
  if (variable.sensitive && sensitive && !*sensitive) {
    return fail(invalid_attribute("sensitive", "cannot be taken back; delete the variable and make a new one"));
  }
  if (sensitive) variable.sensitive = *sensitive;
  if (value) {
    if (value->size() > kMaxValue) return fail(invalid_attribute("value", "must be at most 256 KiB"));
    if (value->find('\0') != std::string::npos) return fail(invalid_attribute("value", "must hold no zero byte"));
    variable.value = Secret::take(std::move(*value));
  }
  TG_TRY(const auto description, attributes.optional_text("description"));
  if (description) variable.description = *description;
  // Nobody reads the secret of an AWS identity back.
  if (is_identity_variable(variable) && variable.key == "AWS_SECRET_ACCESS_KEY") variable.sensitive = true;
  if (variable.description.size() > 4096) return fail(invalid_attribute("description", "must be at most 4096 bytes"));
  return {};
}

// In a gated workspace the gate alone decides about AWS: a variable must not lead around it.
Result<void> check_reserved(Tables& tables, const Variable& variable) {
  if (variable.category != VariableCategory::env || !domain::is_reserved_variable(variable.key)) return {};
  if (is_identity_variable(variable)) return {};  // they are what the gate asks with
  const auto organization = tables.organizations().find(variable.organization_id);
  const auto workspace = tables.workspaces().find(variable.workspace_id);
  const auto level = domain::stricter(organization ? organization->aws_mfa : domain::MfaLevel::never,
                                      workspace ? workspace->aws_mfa : std::nullopt);
  if (level == domain::MfaLevel::never) return {};
  return fail(Error(Code::invalid, fmt::format("{} is reserved where AWS MFA is required", variable.key))
                  .at("/data/attributes/key")
                  .because("reserved_variable")
                  .do_next("owners set identities and roles in the organization's settings"));
}

Result<void> check_place(Tables& tables, const Variable& variable) {
  TG_CHECK(check_reserved(tables, variable));
  for (const Variable& other : siblings(tables, variable)) {
    if (other.id != variable.id && other.key == variable.key && other.category == variable.category) {
      return fail(invalid_attribute("key", "has already been taken"));
    }
  }
  return {};
}

void audit_variable(const Call& call, Tables& tables, std::string_view event, const Variable& variable) {
  call.audit(tables, variable.organization_id, event, "variable", variable.id,
             json::Value::object({{"key", variable.key}, {"workspace", variable.workspace_id}}));
}

template <VariableScope scope>
Result<http::Response> list_variables(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  TG_TRY(const Variable like, blank(call, scope));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto all = siblings(tables, like);
    // Stock terraform asks once and reads what it gets: everything, unless a client asks for pages.
    const bool paged = call.query_value("page[size]") != nullptr || call.query_value("page[number]") != nullptr;
    const domain::Page wanted =
        paged ? page : domain::Page{1, std::max<std::int64_t>(1, static_cast<std::int64_t>(all.size()))};
    json::Array rows;
    for (const Variable& variable : cut_page(all, wanted).rows)
      rows.push_back(to_resource(variable));
    return list_document(std::move(rows), static_cast<std::int64_t>(all.size()), wanted, call.request);
  });
}

template <VariableScope scope>
Result<http::Response> create_variable(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "vars"));
  TG_TRY(Variable variable, blank(call, scope));
  variable.id = domain::new_id(domain::id_prefix::kVariable, call.context.random);
  variable.created_at = call.now;
  TG_CHECK(read_attributes(body.attributes(), variable));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_CHECK(check_place(tables, variable));
    TG_CHECK(tables.variables().insert(variable));
    TG_CHECK(identity_follows(tables, call, variable, false));
    audit_variable(call, tables, "variable.created", variable);
    return document(201, to_resource(variable));
  });
}

template <VariableScope scope>
Result<http::Response> show_variable(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Variable variable, addressed(call, tables, scope));
    return document(200, to_resource(variable));
  });
}

template <VariableScope scope>
Result<http::Response> update_variable(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "vars"));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(Variable variable, addressed(call, tables, scope));
    const Variable before = variable;
    TG_CHECK(read_attributes(body.attributes(), variable));
    ++variable.version;
    TG_CHECK(check_place(tables, variable));
    TG_CHECK(tables.variables().update(variable));
    const bool renamed = before.key != variable.key || before.category != variable.category;
    if (renamed) TG_CHECK(identity_follows(tables, call, before, true));
    TG_CHECK(identity_follows(tables, call, variable, false));
    audit_variable(call, tables, "variable.updated", variable);
    return document(200, to_resource(variable));
  });
}

template <VariableScope scope>
Result<http::Response> delete_variable(const Call& call) {
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Variable variable, addressed(call, tables, scope));
    tables.variables().erase(variable.id);
    TG_CHECK(identity_follows(tables, call, variable, true));
    audit_variable(call, tables, "variable.deleted", variable);
    return no_content();
  });
}

template <VariableScope scope>
void add_routes(Routes& routes, std::string_view list, std::string_view one, Permission read, Permission write) {
  routes.push_back({"GET", list, read, list_variables<scope>, "Variables"});
  routes.push_back({"POST", list, write, create_variable<scope>, "A new variable", Body::json});
  routes.push_back({"GET", one, read, show_variable<scope>, "A variable"});
  routes.push_back({"PATCH", one, write, update_variable<scope>, "Changes a variable", Body::json});
  routes.push_back({"DELETE", one, write, delete_variable<scope>, "Deletes a variable"});
}

}  // namespace

Routes variable_routes() {
  Routes routes;
  add_routes<VariableScope::workspace>(routes, "/api/v2/workspaces/:workspace_id/vars",
                                       "/api/v2/workspaces/:workspace_id/vars/:variable_id", Permission::workspace_read,
                                       Permission::workspace_update);
  add_routes<VariableScope::organization>(routes, "/api/v2/organizations/:organization/vars",
                                          "/api/v2/organizations/:organization/vars/:variable_id",
                                          Permission::organization_read, Permission::organization_manage);
  add_routes<VariableScope::personal>(routes, "/api/v2/organizations/:organization/personal-vars",
                                      "/api/v2/organizations/:organization/personal-vars/:variable_id",
                                      Permission::organization_read, Permission::organization_read);
  return routes;
}

}  // namespace tollgate::api
