// Configurations as clients upload them: created with a signed address, then sent there as one archive.
#include "common/crypto/hash.h"
#include "server/api/routes.h"
#include "server/api/signed_url.h"
#include "server/domain/ids.h"

namespace tollgate::api {

namespace {

using domain::ConfigurationStatus;
using domain::ConfigurationVersion;
using domain::Tables;

constexpr std::size_t kMaxArchive = 100U << 20;

std::string_view to_text(ConfigurationStatus status) {
  switch (status) {
    case ConfigurationStatus::pending:
      return "pending";
    case ConfigurationStatus::uploaded:
      return "uploaded";
    case ConfigurationStatus::errored:
      break;
  }
  return "errored";
}

json::Value to_resource(const Call& call, const ConfigurationVersion& version) {
  const bool pending = version.status == ConfigurationStatus::pending;
  Resource resource("configuration-versions", version.id);
  resource.attribute("status", to_text(version.status))
      .attribute("auto-queue-runs", version.auto_queue_runs)
      .attribute("speculative", version.speculative)
      .attribute("provisional", version.provisional)
      .attribute("source", version.source)
      .attribute("error", version.error.empty() ? json::Value() : json::Value(version.error))
      .attribute("error-message", version.error.empty() ? json::Value() : json::Value(version.error))
      .attribute("changed-files", json::Value::array())
      .attribute("status-timestamps", json::Value::object())
      .attribute("upload-url",
                 pending ? json::Value(signed_url(call.context, url_purpose::kConfigurationUpload, version.id))
                         : json::Value())
      .to_one("ingress-attributes", "ingress-attributes", "")
      .link("self", "/api/v2/configuration-versions/" + version.id)
      .link("download", "/api/v2/configuration-versions/" + version.id + "/download");
  return std::move(resource).build();
}

Result<http::Response> list_versions(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto found = tables.configuration_versions().list(call.subject.workspace->id, page);
    json::Array rows;
    for (const auto& version : found.rows)
      rows.push_back(to_resource(call, version));
    return list_document(std::move(rows), found.total, page, call.request);
  });
}

Result<http::Response> create_version(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "configuration-versions"));
  ConfigurationVersion version;
  version.id = domain::new_id(domain::id_prefix::kConfigurationVersion, call.context.random);
  version.workspace_id = call.subject.workspace->id;
  version.source = "tfe-api";
  version.created_by = call.actor().user_id;
  version.created_at = call.now;
  TG_TRY(const auto queue, body.attributes().optional_boolean("auto-queue-runs"));
  TG_TRY(const auto speculative, body.attributes().optional_boolean("speculative"));
  TG_TRY(const auto provisional, body.attributes().optional_boolean("provisional"));
  version.auto_queue_runs = queue.value_or(true);
  version.speculative = speculative.value_or(false);
  version.provisional = provisional.value_or(false);
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_CHECK(tables.configuration_versions().insert(version));
    call.audit(tables, call.subject.workspace->organization_id, "configuration_version.created",
               "configuration-version", version.id);
    return document(201, to_resource(call, version));
  });
}

Result<http::Response> show_version(const Call& call) {
  return document(200, to_resource(call, *call.subject.configuration_version));
}

Result<http::Response> download_version(const Call& call) {
  auto bytes = call.context.blobs.get(blob_key::configuration(call.subject.configuration_version->id));
  if (!bytes) return fail(not_found("archive"));
  http::Response response;
  response.headers = {{"Content-Type", "application/octet-stream"}};
  response.body = std::move(*bytes);
  return response;
}

// On behalf of whoever created the version: the upload itself carries no proof of a person.
Result<void> queue_run(const Call& call, const ConfigurationVersion& version) {
  domain::Actor actor;
  actor.address = call.request.peer;
  const auto user = call.store().read([&](Tables& tables) { return tables.users().find(version.created_by); });
  if (user) {
    actor.kind = domain::Actor::Kind::user_token;
    actor.user_id = user->id;
    actor.username = user->username;
  }
  runs::NewRun run;
  run.workspace_id = version.workspace_id;
  run.configuration_version_id = version.id;
  run.source = "tfe-configuration-version";
  run.message = "Queued by the upload of a configuration";
  if (version.speculative) run.plan_only = true;
  TG_CHECK(call.context.runs.create(run, actor));
  return {};
}

Result<http::Response> upload_archive(const Call& call) {
  const std::string& id = call.parameter("signed_id");
  TG_CHECK(check_signed_url(call.context, url_purpose::kConfigurationUpload, id, call.parameter("expiry"),
                            call.parameter("hash")));
  const std::string& archive = call.request.body;
  if (archive.empty() || archive.size() > kMaxArchive) {
    return fail(Code::invalid, fmt::format("an archive has 1 byte to {} MiB", kMaxArchive >> 20));
  }
  const auto find = [&](Tables& tables) { return tables.configuration_versions().find(id); };
  const auto before = call.store().read(find);
  if (!before) return fail(not_found("configuration version"));
  // A second upload must not change what a run has frozen.
  const auto used = [] { return fail(Code::conflict, "this configuration has been uploaded already"); };
  if (before->status != ConfigurationStatus::pending) return used();
  call.context.blobs.put(blob_key::configuration(id), archive);
  const auto written = call.store().write([&](Tables& tables) -> Result<ConfigurationVersion> {
    auto version = find(tables);
    if (!version) return fail(not_found("configuration version"));
    if (version->status != ConfigurationStatus::pending) return used();
    version->status = ConfigurationStatus::uploaded;
    version->sha256 = crypto::sha256_hex(archive);
    version->size = static_cast<std::int64_t>(archive.size());
    TG_CHECK(tables.configuration_versions().update(*version));
    const auto workspace = tables.workspaces().find(version->workspace_id);
    call.audit(tables, workspace ? workspace->organization_id : "", "configuration_version.uploaded",
               "configuration-version", id, json::Value::object({{"sha256", version->sha256}}));
    return *version;
  });
  if (!written) return fail(written.error());
  if (written->auto_queue_runs) TG_CHECK(queue_run(call, *written));
  return http::Response{};
}

}  // namespace

Routes configuration_version_routes() {
  constexpr std::string_view kList = "/api/v2/workspaces/:workspace_id/configuration-versions";
  constexpr std::string_view kOne = "/api/v2/configuration-versions/:configuration_version_id";
  return {
      {"GET", kList, Permission::workspace_read, list_versions, "Configurations of a workspace"},
      {"POST", kList, Permission::workspace_queue, create_version, "A new configuration, to be uploaded", Body::json},
      {"GET", kOne, Permission::workspace_read, show_version, "A configuration"},
      {"GET", "/api/v2/configuration-versions/:configuration_version_id/download", Permission::workspace_read,
       download_version, "The archive of a configuration"},
      {"PUT", "/api/v2/signed/configuration-upload/:signed_id/:expiry/:hash", Permission::signed_address,
       upload_archive, "Uploads the archive of a configuration", Body::bytes},
  };
}

}  // namespace tollgate::api
