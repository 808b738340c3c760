#include "server/api/workspace_outputs.h"

#include "server/api/jsonapi.h"

namespace tollgate::api {

namespace {

std::vector<domain::StateVersionOutput> readable_outputs(domain::Tables& tables, const Call& call,
                                                         const domain::Workspace& workspace) {
  Subject subject;
  subject.workspace = workspace;
  if (workspace.current_state_version_id.empty()) return {};
  if (!may(tables, call.principal, Permission::state_read, subject)) return {};
  return tables.state_versions().outputs(workspace.current_state_version_id);
}

}  // namespace

std::vector<std::string> workspace_output_ids(domain::Tables& tables, const Call& call,
                                              const domain::Workspace& workspace) {
  std::vector<std::string> ids;
  for (const auto& output : readable_outputs(tables, call, workspace))
    ids.push_back(output.id);
  return ids;
}

json::Array workspace_outputs(domain::Tables& tables, const Call& call, const domain::Workspace& workspace) {
  json::Array documents;
  for (const auto& output : readable_outputs(tables, call, workspace)) {
    auto value = json::parse(output.value);
    Resource resource("workspace-outputs", output.id);
    resource.attribute("name", output.name)
        .attribute("sensitive", output.sensitive)
        .attribute("output-type", output.type)
        .attribute("value", output.sensitive || !value ? json::Value() : std::move(*value));
    documents.push_back(std::move(resource).build());
  }
  return documents;
}

}  // namespace tollgate::api
