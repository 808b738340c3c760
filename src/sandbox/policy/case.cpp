#include "sandbox/policy/case.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/json/value.h"

namespace tollgate::policy {
namespace {

Result<std::optional<NamedPolicy>> read_document(const json::Reader& record, std::string_view member, Kind kind,
                                                 std::string name) {
  TG_TRY(const json::Reader document, record.optional_member(member));
  if (document.value().is_null()) return std::optional<NamedPolicy>();
  auto policy = parse_policy(json::to_text(document.value()), kind);
  if (!policy) {
    Error error = std::move(policy).error();
    error.place = document.pointer() + error.place;
    return fail(std::move(error));
  }
  return std::optional(NamedPolicy{std::move(name), std::make_shared<const Policy>(std::move(*policy))});
}

Result<std::string> read_scalar(const json::Reader& reader) {
  const json::Value& value = reader.value();
  if (const auto* text = value.if_string()) return *text;
  if (value.if_bool() != nullptr || value.if_integer() != nullptr || value.if_double() != nullptr) {
    return json::to_text(value);
  }
  return fail(reader.error("must be a text, a number or a boolean"));
}

Result<void> read_context(const json::Reader& record, Context& context) {
  TG_TRY(const json::Reader keys, record.optional_member("context"));
  if (keys.value().is_null()) return {};
  TG_TRY(const auto members, keys.members());
  for (const auto& [key, reader] : members) {
    std::vector<std::string> values;
    if (reader.value().is_array()) {
      TG_TRY(const auto items, reader.items());
      for (const json::Reader& item : items) {
        TG_TRY(values.emplace_back(), read_scalar(item));
      }
    } else {
      TG_TRY(values.emplace_back(), read_scalar(reader));
    }
    context.set(key, std::move(values));
  }
  return {};
}

}  // namespace

Result<EvaluationRequest> read_case(std::string_view json_text) {
  TG_TRY(const json::Value value, json::parse(json_text));
  const json::Reader record(value);
  EvaluationRequest request;
  TG_TRY(const std::string principal, record.text("principal"));
  auto parsed = principal_from_arn(principal);
  if (!parsed) return fail(std::move(parsed).error().at("/principal"));
  request.principal = std::move(*parsed);
  TG_TRY(request.resource, record.text("role"));
  TG_TRY(auto action, record.optional_text("action"));
  request.action = action.value_or("sts:AssumeRole");
  TG_CHECK(read_context(record, request.context));
  add_principal_keys(request.principal, request.context);

  TG_TRY(auto identity, read_document(record, "identityPolicy", Kind::identity, "of the principal"));
  if (identity) request.identity_policies.push_back(std::move(*identity));
  TG_TRY(request.resource_policy, read_document(record, "trustPolicy", Kind::trust, "of the role"));
  request.resource_policy_required = true;
  TG_TRY(request.permissions_boundary,
         read_document(record, "permissionsBoundary", Kind::identity, "of the principal"));
  TG_TRY(auto session, read_document(record, "sessionPolicy", Kind::identity, "of the session"));
  if (session) request.session_policies.push_back(std::move(*session));
  return request;
}

Result<Decision> evaluate_case(std::string_view json_text) {
  TG_TRY(const EvaluationRequest request, read_case(json_text));
  return evaluate(request);
}

}  // namespace tollgate::policy
