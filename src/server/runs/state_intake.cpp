#include "server/runs/state_intake.h"

#include "common/crypto/hash.h"
#include "common/json/value.h"
#include "server/domain/ids.h"

namespace tollgate::runs {

namespace {

// The API's word for a type expression: "string", ["list","string"], ["object",{...}].
std::string type_word(const json::Value& type) {
  std::string word;
  if (const auto* text = type.if_string()) word = *text;
  if (const auto* parts = type.if_array(); parts && !parts->empty() && parts->front().is_string()) {
    word = *parts->front().if_string();
  }
  if (word == "list" || word == "set" || word == "tuple") return "array";
  if (word == "map") return "object";
  return word == "bool" ? "boolean" : word;
}

Result<std::vector<domain::StateVersionOutput>> outputs_of(const json::Reader& state) {
  std::vector<domain::StateVersionOutput> outputs;
  TG_TRY(const json::Reader all, state.optional_member("outputs"));
  if (all.value().is_null()) return outputs;
  TG_TRY(const auto members, all.members());
  for (const auto& [name, reader] : members) {
    domain::StateVersionOutput output;
    output.name = name;
    TG_TRY(const json::Reader value, reader.optional_member("value"));
    output.value = json::to_text(value.value());
    TG_TRY(const json::Reader type, reader.optional_member("type"));
    output.detailed_type = json::to_text(type.value());
    output.type = type_word(type.value());
    TG_TRY(const auto sensitive, reader.optional_boolean("sensitive"));
    output.sensitive = sensitive.value_or(false);
    outputs.push_back(std::move(output));
  }
  return outputs;
}

// The versions of one run lie together: it alone writes while it holds the workspace.
template <class F>
void for_each_of_run(domain::Tables& tables, const std::string& organization_id, const std::string& workspace_id,
                     const std::string& run_id, F f) {
  bool found = false;
  for (domain::Page page{1, 100};; ++page.number) {
    const auto versions = tables.state_versions().list(organization_id, workspace_id, page);
    if (versions.rows.empty()) return;
    for (const domain::StateVersion& version : versions.rows) {
      if (version.run_id == run_id) {
        found = true;
        if (!f(version)) return;
      } else if (found) {
        return;
      }
    }
  }
}

}  // namespace

std::string state_blob_key(std::string_view state_version_id) {
  return fmt::format("state/{}", state_version_id);
}

Result<StateSummary> summarize_state(std::string_view state) {
  TG_TRY(const json::Value document, json::parse(state));
  const json::Reader reader(document);
  StateSummary summary;
  TG_TRY(summary.serial, reader.integer("serial"));
  TG_TRY(summary.lineage, reader.text("lineage"));
  TG_TRY(const auto version, reader.optional_text("terraform_version"));
  summary.terraform_version = version.value_or("");
  TG_TRY(summary.outputs, outputs_of(reader));
  return summary;
}

StateIntake::StateIntake(domain::Store& store, domain::BlobStore& blobs, const domain::Run& run, RandomSource& random)
    : store_(store),
      blobs_(blobs),
      random_(random),
      organization_id_(run.organization_id),
      workspace_id_(run.workspace_id),
      run_id_(run.id) {
  store_.read([&](domain::Tables& tables) {
    for_each_of_run(tables, organization_id_, workspace_id_, run_id_, [&](const domain::StateVersion& version) {
      known_.insert(version.sha256);
      if (!last_serial_ || version.serial > *last_serial_) last_serial_ = version.serial;
      return true;
    });
    return 0;
  });
}

Result<void> StateIntake::take(std::string_view state, TimePoint now) {
  const std::string sha256 = crypto::sha256_hex(state);
  if (known_.contains(sha256)) return {};
  TG_TRY(StateSummary summary, summarize_state(state));
  domain::StateVersion version;
  version.id = domain::new_id(domain::id_prefix::kStateVersion, random_);
  version.organization_id = organization_id_;
  version.workspace_id = workspace_id_;
  version.run_id = run_id_;
  version.serial = summary.serial;
  version.lineage = summary.lineage;
  version.terraform_version = summary.terraform_version;
  version.sha256 = sha256;
  version.size = static_cast<std::int64_t>(state.size());
  version.status = domain::StateVersionStatus::finalized;
  version.intermediate = true;
  version.resources_processed = true;
  version.created_at = now;
  for (domain::StateVersionOutput& output : summary.outputs) {
    output.id = domain::new_id(domain::id_prefix::kStateVersionOutput, random_);
    output.state_version_id = version.id;
  }
  blobs_.put(state_blob_key(version.id), state);
  const auto stored = store_.write([&](domain::Tables& tables) -> Result<void> {
    auto workspace = tables.workspaces().find(workspace_id_);
    if (!workspace) return fail(Code::not_found, "the workspace of this run is gone");
    TG_CHECK(tables.state_versions().insert(version));
    tables.state_versions().set_outputs(version.id, summary.outputs);
    workspace->current_state_version_id = version.id;
    return tables.workspaces().update(*workspace);
  });
  if (!stored) {
    blobs_.erase(state_blob_key(version.id));
    return stored;
  }
  known_.insert(sha256);
  last_serial_ = version.serial;
  return {};
}

void settle_state(domain::Tables& tables, const domain::Run& run) {
  const auto workspace = tables.workspaces().find(run.workspace_id);
  if (!workspace || workspace->current_state_version_id.empty()) return;
  auto version = tables.state_versions().find(workspace->current_state_version_id);
  if (!version || version->run_id != run.id || !version->intermediate) return;
  version->intermediate = false;
  const auto updated = tables.state_versions().update(*version);
  if (!updated) throw std::logic_error(updated.error().text());
}

}  // namespace tollgate::runs
