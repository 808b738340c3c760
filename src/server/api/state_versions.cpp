// States of workspaces: created by clients that run locally, read by everybody who may.
#include "server/api/state_versions.h"

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "server/api/account.h"
#include "server/api/permission.h"
#include "server/api/routes.h"
#include "server/api/runs.h"
#include "server/api/signed_url.h"
#include "server/api/workspaces.h"
#include "server/domain/ids.h"

namespace tollgate::api {

namespace {

using domain::StateVersion;
using domain::StateVersionOutput;
using domain::StateVersionStatus;
using domain::Tables;
using domain::Workspace;

std::string_view type_of(const json::Value& value) {
  if (value.if_string() != nullptr) return "string";
  if (value.if_bool() != nullptr) return "boolean";
  if (value.if_integer() != nullptr || value.if_double() != nullptr) return "number";
  if (value.is_array()) return "array";
  return value.is_object() ? "object" : "null";
}

json::Value parsed(const std::string& text) {
  auto value = json::parse(text);
  return value ? std::move(*value) : json::Value();
}

json::Value output_resource(const StateVersionOutput& output, bool reveal) {
  Resource resource("state-version-outputs", output.id);
  resource.attribute("name", output.name)
      .attribute("sensitive", output.sensitive)
      .attribute("type", output.type)
      .attribute("value", output.sensitive && !reveal ? json::Value() : parsed(output.value))
      .attribute("detailed-type", parsed(output.detailed_type))
      .link("self", "/api/v2/state-version-outputs/" + output.id);
  return std::move(resource).build();
}

}  // namespace

json::Value state_version_resource(Tables& tables, const Call& call, const StateVersion& version, bool forced) {
  const bool pending = version.status == StateVersionStatus::pending;
  const std::string self = fmt::format("{}/api/v2/state-versions/{}", call.context.base_url, version.id);
  const auto upload = [&](std::string_view purpose) {
    return pending ? json::Value(signed_url(call.context, purpose, version.id)) : json::Value();
  };
  std::vector<std::string> outputs;
  for (const auto& output : tables.state_versions().outputs(version.id))
    outputs.push_back(output.id);
  Resource resource("state-versions", version.id);
  resource.attribute("serial", version.serial)
      .attribute("lineage", version.lineage)
      .attribute("md5", version.md5)
      .attribute("size", version.size)
      .attribute("status", pending ? "pending" : "finalized")
      .attribute("intermediate", version.intermediate)
      .attribute("state-version", 4)
      .attribute("terraform-version", version.terraform_version)
      .attribute("resources-processed", version.resources_processed)
      .attribute("hosted-state-download-url", pending ? json::Value() : json::Value(self + "/download"))
      .attribute("hosted-json-state-download-url",
                 version.has_json_state ? json::Value(self + "/json-download") : json::Value())
      .attribute("hosted-state-upload-url",
                 upload(forced ? url_purpose::kForcedStateUpload : url_purpose::kStateUpload))
      .attribute("hosted-json-state-upload-url", upload(url_purpose::kJsonStateUpload))
      .time("created-at", version.created_at)
      .to_one("workspace", "workspaces", version.workspace_id)
      .to_one("run", "runs", version.run_id)
      .to_one("created-by", "users", version.created_by)
      .to_many("outputs", "state-version-outputs", outputs)
      .link("self", "/api/v2/state-versions/" + version.id);
  return std::move(resource).build();
}

namespace {

// {"name": {"value", "type", "sensitive"}}, as in a state and as `terraform show -json` says it.
std::vector<StateVersionOutput> read_outputs(const json::Object& outputs) {
  std::vector<StateVersionOutput> rows;
  for (const auto& [name, output] : outputs) {
    const json::Value* value = output.find("value");
    const json::Value* type = output.find("type");
    const json::Value* sensitive = output.find("sensitive");
    StateVersionOutput row;
    row.name = name;
    row.value = json::to_text(value != nullptr ? *value : json::Value());
    row.type = type_of(value != nullptr ? *value : json::Value());
    row.detailed_type = json::to_text(type != nullptr ? *type : json::Value());
    row.sensitive = sensitive != nullptr && sensitive->if_bool() != nullptr && *sensitive->if_bool();
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

Result<StateContent> read_state(std::string_view bytes) {
  TG_TRY(const json::Value state, json::parse(bytes));
  if (!state.is_object()) return fail(Code::invalid, "a state must be a JSON object");
  StateContent content;
  if (const json::Value* version = state.find("terraform_version"); version && version->if_string()) {
    content.terraform_version = *version->if_string();
  }
  const json::Value* outputs = state.find("outputs");
  if (outputs != nullptr && outputs->if_object() != nullptr) content.outputs = read_outputs(*outputs->if_object());
  return content;
}

namespace {

// Clients with an interval take a snapshot in the middle of a long apply, so that a crash loses less.
constexpr std::string_view kSnapshotInterval = "30";

http::Response with_snapshots(http::Response response) {
  response.headers.emplace_back("x-terraform-snapshot-interval", kSnapshotInterval);
  return response;
}

// Only who holds the lock writes (I6), and only under the lock under which the version was created: bytes that arrive
// after somebody took that lock away are too late, whoever holds the next one.
Result<void> check_lock(const Workspace& workspace, const StateVersion& version) {
  const auto& lock = workspace.lock;
  const std::string& person = version.created_by.empty() ? version.organization_id : version.created_by;
  const bool run =
      lock.holder == domain::WorkspaceLock::Holder::run && !version.run_id.empty() && lock.holder_id == version.run_id;
  const bool user =
      lock.holder == domain::WorkspaceLock::Holder::user && version.run_id.empty() && lock.holder_id == person;
  if ((run || user) && lock.since && *lock.since <= version.created_at) return {};
  return fail(
      Error(Code::conflict, fmt::format("workspace {} must be locked by whoever writes its state", workspace.name))
          .because("workspace_not_locked")
          .do_next("lock it first"));
}

// What a workspace's state is now. After a forced push that need not be the highest serial.
std::optional<StateVersion> current_of(Tables& tables, std::string_view workspace_id) {
  const auto workspace = tables.workspaces().find(workspace_id);
  if (!workspace || workspace->current_state_version_id.empty()) return std::nullopt;
  return tables.state_versions().find(workspace->current_state_version_id);
}

// A state goes forward within one lineage (I4), unless a person insists.
Result<void> check_order(Tables& tables, const StateVersion& version, bool force) {
  const auto latest = current_of(tables, version.workspace_id);
  if (!latest || force) return {};
  if (!latest->lineage.empty() && !version.lineage.empty() && latest->lineage != version.lineage) {
    return fail(Code::conflict, "the lineage is not that of the current state");
  }
  const bool same = latest->serial == version.serial && latest->md5 == version.md5;
  if (version.serial > latest->serial || same) return {};
  return fail(Code::conflict, fmt::format("serial {} does not come after {}, which is the current state's",
                                          version.serial, latest->serial));
}

// What the client announced of the bytes before it sent them.
Result<void> check_digest(const StateVersion& version, std::string_view bytes) {
  if (hex_encode(crypto::md5(bytes)) == version.md5) return {};
  return fail(Error(Code::invalid, "the bytes of the state do not have the announced MD5")
                  .because("md5_mismatch")
                  .at("/data/attributes/md5")
                  .do_next("send them again; they were changed or cut on the way"));
}

// `json-state-outputs`: what a client says of the outputs of a state that it may have encrypted.
Result<std::vector<StateVersionOutput>> read_announced_outputs(const json::Reader& attributes) {
  std::vector<StateVersionOutput> outputs;
  TG_TRY(const auto text, attributes.optional_text("json-state-outputs"));
  if (!text || text->empty()) return outputs;
  const auto bytes = base64_decode(*text);
  const auto value = bytes ? json::parse(*bytes) : Result<json::Value>(fail(Code::invalid, ""));
  if (!value || value->if_object() == nullptr) {
    return fail(invalid_attribute("json-state-outputs", "must be a JSON object in base64"));
  }
  return read_outputs(*value->if_object());
}

void set_outputs(const Call& call, Tables& tables, const StateVersion& version,
                 std::vector<StateVersionOutput> outputs) {
  for (auto& output : outputs) {
    output.id = domain::new_id(domain::id_prefix::kStateVersionOutput, call.context.random);
    output.state_version_id = version.id;
  }
  tables.state_versions().set_outputs(version.id, outputs);
}

Result<StateVersion> read_version(const Call& call, const json::Reader& attributes) {
  StateVersion version;
  TG_TRY(version.serial, attributes.integer("serial"));
  TG_TRY(version.md5, attributes.text("md5"));
  TG_TRY(const auto lineage, attributes.optional_text("lineage"));
  version.lineage = lineage.value_or("");
  if (version.serial < 0) return fail(invalid_attribute("serial", "must not be negative"));
  const auto digest = hex_decode(version.md5);
  if (!digest || digest->size() != 16) return fail(invalid_attribute("md5", "must be 32 hexadecimal digits"));
  version.md5 = hex_encode(*digest);
  if (version.lineage.size() > 128) return fail(invalid_attribute("lineage", "must be at most 128 bytes"));
  version.id = domain::new_id(domain::id_prefix::kStateVersion, call.context.random);
  version.organization_id = call.subject.workspace->organization_id;
  version.workspace_id = call.subject.workspace->id;
  version.run_id = call.actor().run_id;
  version.created_by = call.actor().user_id;
  version.created_at = call.now;
  return version;
}

// Beside the row of a version whose bytes are durable: it becomes the workspace's state.
Result<void> finalize(const Call& call, Tables& tables, StateVersion& version, std::string_view bytes,
                      const StateContent& content) {
  version.status = StateVersionStatus::finalized;
  version.sha256 = crypto::sha256_hex(bytes);
  version.size = static_cast<std::int64_t>(bytes.size());
  version.terraform_version = content.terraform_version;
  version.resources_processed = true;
  TG_CHECK(tables.state_versions().update(version));
  // Of an encrypted state those stay that the client announced.
  if (!content.outputs.empty()) set_outputs(call, tables, version, content.outputs);
  auto workspace = tables.workspaces().find(version.workspace_id);
  if (!workspace) return fail(not_found("workspace"));
  workspace->current_state_version_id = version.id;
  TG_CHECK(tables.workspaces().update(*workspace));
  call.audit(tables, version.organization_id, "state_version.created", "state-version", version.id,
             json::Value::object({{"serial", version.serial}, {"sha256", version.sha256}}));
  return {};
}

Result<http::Response> create_version(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "state-versions"));
  TG_TRY(StateVersion version, read_version(call, body.attributes()));
  TG_TRY(const auto force, body.attributes().optional_boolean("force"));
  TG_TRY(const auto inline_state, body.attributes().optional_text("state"));
  TG_TRY(const auto announced, read_announced_outputs(body.attributes()));
  std::optional<std::string> bytes;
  StateContent content;
  if (inline_state) {
    bytes = base64_decode(*inline_state);
    if (!bytes) return fail(invalid_attribute("state", "must be base64"));
    TG_CHECK(check_digest(version, *bytes));
    TG_TRY(content, read_state(*bytes));
    call.context.blobs.put(blob_key::state(version.id), *bytes);
  }
  auto created = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Workspace workspace, again(tables.workspaces(), call.subject.workspace, "workspace"));
    TG_CHECK(check_lock(workspace, version));
    TG_CHECK(check_order(tables, version, force.value_or(false)));
    StateVersion row = version;
    TG_CHECK(tables.state_versions().insert(row));
    if (!announced.empty()) set_outputs(call, tables, row, announced);
    if (bytes) TG_CHECK(finalize(call, tables, row, *bytes, content));
    return with_snapshots(document(201, state_version_resource(tables, call, row, force.value_or(false))));
  });
  if (created && bytes) call.context.runs.look_again();
  return created;
}

// The version as it waits for its bytes, if it may still become the workspace's state.
Result<StateVersion> awaited_version(Tables& tables, const std::string& id, bool forced) {
  auto version = tables.state_versions().find(id);
  if (!version) return fail(not_found("state version"));
  if (version->status == StateVersionStatus::finalized) {
    return fail(Code::conflict, "this state version has its content already");
  }
  const auto workspace = tables.workspaces().find(version->workspace_id);
  if (!workspace) return fail(not_found("workspace"));
  TG_CHECK(check_lock(*workspace, *version));
  TG_CHECK(check_order(tables, *version, forced));
  return std::move(*version);
}

Result<http::Response> receive_state(const Call& call, std::string_view purpose) {
  const std::string& id = call.parameter("signed_id");
  TG_CHECK(check_signed_url(call.context, purpose, id, call.parameter("expiry"), call.parameter("hash")));
  const bool forced = purpose == url_purpose::kForcedStateUpload;
  const std::string& bytes = call.request.body;
  const auto repeated = call.store().read([&](Tables& tables) {
    const auto version = tables.state_versions().find(id);
    return version && version->status == StateVersionStatus::finalized && version->sha256 == crypto::sha256_hex(bytes);
  });
  // A client that repeats itself after a lost answer is told the same again.
  if (repeated) return http::Response{};
  TG_TRY(const StateVersion before,
         call.store().read([&](Tables& tables) { return awaited_version(tables, id, forced); }));
  TG_CHECK(check_digest(before, bytes));
  TG_TRY(const StateContent content, read_state(bytes));
  call.context.blobs.put(blob_key::state(id), bytes);
  // Lock and order once more: while the bytes were written, both may have changed.
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    TG_TRY(StateVersion version, awaited_version(tables, id, forced));
    return finalize(call, tables, version, bytes, content);
  }));
  call.context.runs.look_again();  // a saved plan may be stale now
  return http::Response{};
}

Result<http::Response> upload_state(const Call& call) {
  return receive_state(call, url_purpose::kStateUpload);
}

Result<http::Response> upload_forced_state(const Call& call) {
  return receive_state(call, url_purpose::kForcedStateUpload);
}

Result<http::Response> upload_json_state(const Call& call) {
  const std::string& id = call.parameter("signed_id");
  TG_CHECK(check_signed_url(call.context, url_purpose::kJsonStateUpload, id, call.parameter("expiry"),
                            call.parameter("hash")));
  const auto find = [&](Tables& tables) { return tables.state_versions().find(id); };
  if (!call.store().read(find)) return fail(not_found("state version"));
  call.context.blobs.put(blob_key::json_state(id), call.request.body);
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    auto version = find(tables);
    if (!version) return fail(not_found("state version"));
    version->has_json_state = true;
    return tables.state_versions().update(*version);
  }));
  return http::Response{};
}

Result<StateVersion> current_version(const Call& call, Tables& tables) {
  auto version = current_of(tables, call.subject.workspace->id);
  if (!version) return fail(not_found("state version"));
  return std::move(*version);
}

// What a client asks to have beside a state. Sensitive outputs are there without their value.
Result<json::Array> include_with_version(Tables& tables, const Call& call, const StateVersion& version) {
  json::Array included;
  for (const std::string& name : included_names(call.query)) {
    if (name == "outputs") {
      for (const StateVersionOutput& output : tables.state_versions().outputs(version.id))
        included.push_back(output_resource(output, false));
    } else if (name == "created_by") {
      if (const auto user = tables.users().find(version.created_by)) included.push_back(user_resource(*user, false));
    } else if (name == "run") {
      // A state is shown to people who may not read the run that made it.
      Subject subject;
      subject.workspace = tables.workspaces().find(version.workspace_id);
      const auto run = tables.runs().find(version.run_id);
      if (run && subject.workspace && may(tables, call.principal, Permission::workspace_read, subject)) {
        included.push_back(run_resource(tables, call, *run));
      }
    } else if (name != "run.created_by" && name != "run.configuration_version") {
      // These are left out: a relationship of the run tells where they are.
      return fail(invalid_include(name));
    }
  }
  return included;
}

Result<http::Response> show_with_includes(Tables& tables, const Call& call, const StateVersion& version) {
  TG_TRY(json::Array included, include_with_version(tables, call, version));
  return document(200, state_version_resource(tables, call, version), std::move(included));
}

Result<http::Response> show_current(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const StateVersion version, current_version(call, tables));
    TG_TRY(http::Response response, show_with_includes(tables, call, version));
    return with_snapshots(std::move(response));
  });
}

http::Response outputs_document(Tables& tables, const StateVersion& version) {
  json::Array rows;
  for (const auto& output : tables.state_versions().outputs(version.id))
    rows.push_back(output_resource(output, false));
  return document(200, std::move(rows));
}

Result<http::Response> list_current_outputs(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const StateVersion version, current_version(call, tables));
    return outputs_document(tables, version);
  });
}

Result<http::Response> list_outputs(const Call& call) {
  return call.store().read(
      [&](Tables& tables) -> Result<http::Response> { return outputs_document(tables, *call.subject.state_version); });
}

Result<http::Response> show_output(const Call& call) {
  return document(200, output_resource(*call.subject.state_version_output, true));
}

Result<http::Response> show_version(const Call& call) {
  return call.store().read(
      [&](Tables& tables) { return show_with_includes(tables, call, *call.subject.state_version); });
}

Result<http::Response> list_versions(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto found = tables.state_versions().list(call.subject.organization->id, call.subject.workspace->id, page);
    json::Array rows;
    for (const auto& version : found.rows)
      rows.push_back(state_version_resource(tables, call, version));
    return list_document(std::move(rows), found.total, page, call.request);
  });
}

Result<http::Response> download(const Call& call, const std::string& key) {
  auto bytes = call.context.blobs.get(key);
  if (!bytes) return fail(not_found("state"));
  http::Response response;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = std::move(*bytes);
  return response;
}

Result<http::Response> download_state(const Call& call) {
  if (call.subject.state_version->status == StateVersionStatus::pending) return fail(not_found("state"));
  return download(call, blob_key::state(call.subject.state_version->id));
}

Result<http::Response> download_json_state(const Call& call) {
  return download(call, blob_key::json_state(call.subject.state_version->id));
}

}  // namespace

Routes state_version_routes() {
  return {
      {"POST", "/api/v2/workspaces/:workspace_id/state-versions", Permission::state_write, create_version,
       "A new state, in the document or to be uploaded", Body::bytes},
      {"GET", "/api/v2/workspaces/:workspace_id/current-state-version", Permission::state_read, show_current,
       "The current state"},
      {"GET", "/api/v2/workspaces/:workspace_id/current-state-version-outputs", Permission::state_read,
       list_current_outputs, "Outputs of the current state"},
      {"GET", "/api/v2/state-versions", Permission::state_read, list_versions, "States of a workspace, newest first",
       Body::none, "", "workspace"},
      {"GET", "/api/v2/state-versions/:state_version_id", Permission::state_read, show_version, "A state"},
      {"GET", "/api/v2/state-versions/:state_version_id/download", Permission::state_read, download_state,
       "The content of a state"},
      {"GET", "/api/v2/state-versions/:state_version_id/json-download", Permission::state_read, download_json_state,
       "A state as terraform shows it"},
      {"GET", "/api/v2/state-versions/:state_version_id/outputs", Permission::state_read, list_outputs,
       "Outputs of a state"},
      {"GET", "/api/v2/state-version-outputs/:state_version_output_id", Permission::state_read, show_output,
       "An output, sensitive or not"},
      {"PUT", "/api/v2/signed/state-upload/:signed_id/:expiry/:hash", Permission::signed_address, upload_state,
       "Uploads the content of a state", Body::bytes},
      {"PUT", "/api/v2/signed/forced-state-upload/:signed_id/:expiry/:hash", Permission::signed_address,
       upload_forced_state, "Uploads the content of a state that need not come after the current one", Body::bytes},
      {"PUT", "/api/v2/signed/json-state-upload/:signed_id/:expiry/:hash", Permission::signed_address,
       upload_json_state, "Uploads a state as terraform shows it", Body::bytes},
  };
}

}  // namespace tollgate::api
