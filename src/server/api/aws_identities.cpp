// AWS identities: a person's own key and device, the organization's, and people's own devices for that one. What is
// personal exists for its owner alone. Secrets go in and never come out.
#include "server/api/aws_identity_variables.h"
#include "server/api/owners.h"
#include "server/api/routes.h"
#include "server/runs/connection_test.h"
#include "server/runs/mfa_rules.h"
#include "server/runs/mfa_setup.h"

namespace tollgate::api {

namespace {

using domain::AwsIdentity;
using domain::IdentityKind;
using domain::Tables;

std::string shown_key(std::string_view key) {
  return key.size() <= 4 ? std::string(key) : fmt::format("...{}", key.substr(key.size() - 4));
}

std::string username_of(Tables& tables, std::string_view user_id) {
  const auto user = tables.users().find(user_id);
  return user ? user->username : std::string();
}

json::Value text_or_null(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

json::Value identity_resource(Tables& tables, const Call& call, const AwsIdentity& identity) {
  const bool personal = identity.kind == IdentityKind::personal;
  const bool change = personal || role_in(tables, call.principal, identity.organization_id) == Role::owner;
  Resource resource("aws-identities", identity.id);
  resource.attribute("kind", personal ? "personal" : "organization")
      .attribute("access-key-id", shown_key(identity.access_key_id))
      .attribute("mfa-serial", text_or_null(identity.mfa_serial))
      .attribute("device-owner", text_or_null(username_of(tables, identity.user_id)))
      .attribute("region", identity.region)
      .attribute("shared", identity.shared)
      .attribute("account", text_or_null(identity.account))
      .attribute("arn", text_or_null(identity.arn))
      .time("key-created-at", identity.key_created_at)
      .time("tested-at", identity.tested_at)
      .time("created-at", identity.created_at)
      .time("updated-at", identity.updated_at)
      .attribute("permissions", json::Value::object({{"can-update", change}}))
      .link("self", fmt::format("/api/v2/aws-identities/{}", identity.id));
  return std::move(resource).build();
}

json::Value device_resource(Tables& tables, const domain::IdentityDevice& device) {
  Resource resource("aws-devices", device.id);
  resource.attribute("serial", device.serial)
      .attribute("username", username_of(tables, device.user_id))
      .time("created-at", device.created_at)
      .to_one("aws-identity", "aws-identities", device.identity_id);
  return std::move(resource).build();
}

Result<void> require_person(const Call& call) {
  if (call.actor().person()) return {};
  return fail(Error(Code::forbidden, "only people have AWS identities and devices of their own").because("permission"));
}

// The organization's identity is an owner's, in person and just now; one's own is one's own.
Result<void> may_change(Tables& tables, const Call& call, const AwsIdentity& identity) {
  if (identity.kind == IdentityKind::organization) return require_owner_now(tables, call, identity.organization_id);
  return require_person(call);
}

Result<void> read_attributes(Tables& tables, const json::Reader& attributes, AwsIdentity& identity) {
  TG_TRY(const auto key, attributes.optional_text("access-key-id"));
  // What was shown comes back from a form unchanged.
  if (key && *key != shown_key(identity.access_key_id)) identity.access_key_id = *key;
  TG_TRY(auto secret, attributes.optional_text("secret-access-key"));
  identity.secret_access_key = secret ? Secret::take(std::move(*secret)) : Secret();
  TG_TRY(const auto serial, attributes.optional_text("mfa-serial"));
  if (serial || attributes.value().find("mfa-serial") != nullptr) identity.mfa_serial = serial.value_or("");
  TG_TRY(const auto region, attributes.optional_text("region"));
  if (region) identity.region = *region;
  TG_TRY(const auto shared, attributes.optional_boolean("shared"));
  if (shared) identity.shared = *shared;
  if (identity.kind == IdentityKind::personal) return {};
  TG_TRY(const auto owner, attributes.optional_text("device-owner"));
  if (owner || attributes.value().find("device-owner") != nullptr) {
    identity.user_id.clear();
    if (owner && !owner->empty()) {
      const auto user = tables.users().find_by_name(*owner);
      if (!user || !tables.memberships().find_by_user(identity.organization_id, user->id)) {
        return fail(invalid_attribute("device-owner", "is no member of this organization"));
      }
      identity.user_id = user->id;
    }
  }
  return {};
}

void tell(Tables& tables, const Call& call, const AwsIdentity& identity, std::string_view done) {
  if (identity.kind == IdentityKind::personal) return;
  tell_owners(tables, call, identity.organization_id, "aws_identity",
              fmt::format("{} the organization's AWS identity", done));
}

Result<http::Response> list_identities(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    std::vector<AwsIdentity> visible;
    for (AwsIdentity& identity : tables.aws_identities().of_organization(call.subject.organization->id)) {
      const bool own = call.actor().person() && identity.user_id == call.actor().user_id;
      if (identity.kind == IdentityKind::organization || own) visible.push_back(std::move(identity));
    }
    json::Array rows;
    for (const AwsIdentity& identity : cut_page(visible, page).rows)
      rows.push_back(identity_resource(tables, call, identity));
    return list_document(std::move(rows), static_cast<std::int64_t>(visible.size()), page, call.request);
  });
}

Result<IdentityKind> read_kind(const json::Reader& attributes) {
  TG_TRY(const auto kind, attributes.optional_text("kind"));
  if (!kind || *kind == "personal") return IdentityKind::personal;
  if (*kind == "organization") return IdentityKind::organization;
  return fail(invalid_attribute("kind", "must be personal or organization"));
}

Result<http::Response> create_identity(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "aws-identities"));
  AwsIdentity wish;
  TG_TRY(wish.kind, read_kind(body.attributes()));
  wish.organization_id = call.subject.organization->id;
  if (wish.kind == IdentityKind::personal) wish.user_id = call.actor().user_id;
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    AwsIdentity identity = wish;
    TG_CHECK(may_change(tables, call, identity));
    const auto before = identity.kind == IdentityKind::personal
                            ? tables.aws_identities().of_user(identity.organization_id, identity.user_id)
                            : tables.aws_identities().of_organization_itself(identity.organization_id);
    if (before) {
      return fail(Error(Code::conflict, "there is one already")
                      .because("exists")
                      .do_next(fmt::format("change it: PATCH /api/v2/aws-identities/{}", before->id)));
    }
    TG_CHECK(read_attributes(tables, body.attributes(), identity));
    TG_TRY(identity, runs::put_identity(tables, std::move(identity), call.actor(), call.context.random, call.now));
    variables_follow(tables, identity);
    tell(tables, call, identity, "set up");
    return document(201, identity_resource(tables, call, identity));
  });
  if (answer && wish.kind == IdentityKind::organization) show_owners(call, *call.subject.organization);
  return answer;
}

Result<http::Response> show_identity(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    return document(200, identity_resource(tables, call, *call.subject.aws_identity));
  });
}

Result<http::Response> update_identity(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "aws-identities"));
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(AwsIdentity identity, again(tables.aws_identities(), call.subject.aws_identity, "AWS identity"));
    TG_CHECK(may_change(tables, call, identity));
    TG_CHECK(read_attributes(tables, body.attributes(), identity));
    TG_TRY(identity, runs::put_identity(tables, std::move(identity), call.actor(), call.context.random, call.now));
    variables_follow(tables, identity);
    tell(tables, call, identity, "changed");
    return document(200, identity_resource(tables, call, identity));
  });
  if (answer && call.subject.aws_identity->kind == IdentityKind::organization) {
    show_owners(call, *call.subject.organization);
  }
  return answer;
}

Result<http::Response> delete_identity(const Call& call) {
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const AwsIdentity identity, again(tables.aws_identities(), call.subject.aws_identity, "AWS identity"));
    TG_CHECK(may_change(tables, call, identity));
    runs::erase_identity(tables, identity, call.actor(), call.now);
    variables_end(tables, identity);
    tell(tables, call, identity, "deleted");
    return no_content();
  });
  if (answer && call.subject.aws_identity->kind == IdentityKind::organization) {
    show_owners(call, *call.subject.organization);
  }
  return answer;
}

// Owners see who has registered what; others their own.
Result<http::Response> list_devices(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const AwsIdentity& identity = *call.subject.aws_identity;
    const bool all = role_in(tables, call.principal, identity.organization_id) == Role::owner;
    std::vector<domain::IdentityDevice> visible;
    for (domain::IdentityDevice& device : tables.identity_devices().of_identity(identity.id)) {
      if (all || device.user_id == call.actor().user_id) visible.push_back(std::move(device));
    }
    json::Array rows;
    for (const auto& device : cut_page(visible, page).rows)
      rows.push_back(device_resource(tables, device));
    return list_document(std::move(rows), static_cast<std::int64_t>(visible.size()), page, call.request);
  });
}

Result<http::Response> put_device(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "aws-devices"));
  TG_CHECK(require_person(call));
  TG_TRY(const std::string serial, body.attributes().text("serial"));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const AwsIdentity identity, again(tables.aws_identities(), call.subject.aws_identity, "AWS identity"));
    TG_TRY(const auto device, runs::put_device(tables, identity, call.actor().user_id, serial, call.actor(),
                                               call.context.random, call.now));
    return document(201, device_resource(tables, device));
  });
}

Result<http::Response> delete_device(const Call& call) {
  TG_CHECK(require_person(call));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const AwsIdentity identity, again(tables.aws_identities(), call.subject.aws_identity, "AWS identity"));
    const auto device = tables.identity_devices().of_user(identity.id, call.actor().user_id);
    if (!device) return fail(not_found("device"));
    runs::erase_device(tables, *device, call.actor(), call.now);
    return no_content();
  });
}

json::Value report_document(const runs::ConnectionReport& report, TimePoint now) {
  json::Value roles = json::Value::array();
  for (const runs::RoleReport& role : report.roles) {
    roles.push(json::Value::object({{"name", role.name},
                                    {"arn", role.arn},
                                    {"ok", role.ok ? json::Value(*role.ok) : json::Value()},
                                    {"sentence", role.sentence}}));
  }
  const auto days = [&](TimePoint created) {
    return std::int64_t{std::chrono::duration_cast<std::chrono::hours>(now - created).count() / 24};
  };
  return json::Value::object(
      {{"account", report.account},
       {"arn", report.arn},
       {"account-allowed", report.account_allowed},
       {"clock-skew-seconds",
        report.clock_skew ? json::Value(std::int64_t{report.clock_skew->count()}) : json::Value()},
       {"key-age-days", report.key_created_at ? json::Value(days(*report.key_created_at)) : json::Value()},
       {"closed-without-mfa", report.closed_without_mfa ? json::Value(*report.closed_without_mfa) : json::Value()},
       {"code-accepted", report.code_accepted},
       {"roles", std::move(roles)}});
}

// The body is {"code": "123456"} or nothing.
Result<std::optional<Secret>> read_code(const Call& call) {
  if (call.request.body.empty()) return std::optional<Secret>();
  TG_TRY(const json::Value document, json::parse(call.request.body));
  TG_TRY(auto code, json::Reader(document).optional_text("code"));
  return code ? std::optional(Secret::take(std::move(*code))) : std::nullopt;
}

Result<http::Response> test_identity(const Call& call) {
  TG_CHECK(require_person(call));
  if (call.context.connection_test == nullptr) return fail(not_found("connection test"));
  TG_TRY(const std::optional<Secret> code, read_code(call));
  const AwsIdentity& identity = *call.subject.aws_identity;
  const std::string serial = call.store().read([&](Tables& tables) -> std::string {
    if (identity.kind == IdentityKind::organization) {
      if (const auto own = tables.identity_devices().of_user(identity.id, call.actor().user_id)) return own->serial;
    }
    return identity.shared || identity.user_id == call.actor().user_id ? identity.mfa_serial : "";
  });
  TG_TRY(const auto report, call.context.connection_test->test(identity, serial, code, call.actor()));
  return plain_json(200, report_document(report, call.now));
}

}  // namespace

Routes aws_identity_routes() {
  constexpr std::string_view kList = "/api/v2/organizations/:organization/aws-identities";
  constexpr std::string_view kOne = "/api/v2/aws-identities/:aws_identity_id";
  constexpr std::string_view kDevices = "/api/v2/aws-identities/:aws_identity_id/devices";
  return {
      {"GET", kList, Permission::organization_read, list_identities, "One's own AWS identity and the organization's"},
      {"POST", kList, Permission::organization_read, create_identity,
       "A new AWS identity: one's own, or by an owner the organization's", Body::json},
      {"GET", kOne, Permission::organization_read, show_identity, "An AWS identity, without its secret"},
      {"PATCH", kOne, Permission::organization_read, update_identity, "Changes an AWS identity", Body::json},
      {"DELETE", kOne, Permission::organization_read, delete_identity, "Deletes an AWS identity with its devices"},
      {"GET", kDevices, Permission::organization_read, list_devices,
       "Devices registered for the organization's identity"},
      {"POST", kDevices, Permission::organization_read, put_device, "Registers one's own device for it", Body::json},
      {"DELETE", kDevices, Permission::organization_read, delete_device, "Takes one's own device back"},
      {"POST", "/api/v2/aws-identities/:aws_identity_id/actions/test", Permission::organization_read, test_identity,
       "Asks AWS about an identity, with or without a code", Body::json},
  };
}

}  // namespace tollgate::api
