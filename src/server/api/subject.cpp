#include "server/api/subject.h"

namespace tollgate::api {

namespace {

using domain::Tables;

template <class Row>
Result<void> take(std::optional<Row>& place, std::optional<Row> found, std::string_view kind) {
  if (!found) return fail(not_found(kind));
  if (place && place->id != found->id) return fail(not_found(kind));
  place = std::move(found);
  return {};
}

Result<void> take_organization(Tables& tables, Subject& subject, std::string_view id) {
  return take(subject.organization, tables.organizations().find(id), "organization");
}

Result<void> take_workspace(Tables& tables, Subject& subject, std::string_view id) {
  TG_CHECK(take(subject.workspace, tables.workspaces().find(id), "workspace"));
  return take_organization(tables, subject, subject.workspace->organization_id);
}

Result<void> take_run(Tables& tables, Subject& subject, std::optional<domain::Run> run, std::string_view kind) {
  TG_CHECK(take(subject.run, std::move(run), kind));
  return take_workspace(tables, subject, subject.run->workspace_id);
}

Result<void> take_state_version(Tables& tables, Subject& subject, std::string_view id) {
  TG_CHECK(take(subject.state_version, tables.state_versions().find(id), "state version"));
  return take_workspace(tables, subject, subject.state_version->workspace_id);
}

Result<void> take_variable(Tables& tables, Subject& subject, std::string_view id) {
  TG_CHECK(take(subject.variable, tables.variables().find(id), "variable"));
  if (!subject.variable->workspace_id.empty()) return take_workspace(tables, subject, subject.variable->workspace_id);
  return take_organization(tables, subject, subject.variable->organization_id);
}

struct Resolver {
  std::string_view parameter;
  Result<void> (*resolve)(Tables& tables, Subject& subject, std::string_view value);
};

constexpr Resolver kResolvers[] = {
    {"organization",
     [](Tables& tables, Subject& subject, std::string_view value) {
       return take(subject.organization, tables.organizations().find_by_name(value), "organization");
     }},
    {"workspace",
     [](Tables& tables, Subject& subject, std::string_view value) -> Result<void> {
       if (!subject.organization) return fail(not_found("workspace"));
       return take(subject.workspace, tables.workspaces().find_by_name(subject.organization->id, value), "workspace");
     }},
    {"workspace_id", take_workspace},
    {"project_id",
     [](Tables& tables, Subject& subject, std::string_view value) -> Result<void> {
       TG_CHECK(take(subject.project, tables.projects().find(value), "project"));
       return take_organization(tables, subject, subject.project->organization_id);
     }},
    {"run_id", [](Tables& tables, Subject& subject,
                  std::string_view value) { return take_run(tables, subject, tables.runs().find(value), "run"); }},
    {"plan_id",
     [](Tables& tables, Subject& subject, std::string_view value) -> Result<void> {
       auto run = tables.runs().find_by_phase(value);
       if (!run || run->plan.id != value) return fail(not_found("plan"));
       return take_run(tables, subject, std::move(run), "plan");
     }},
    {"apply_id",
     [](Tables& tables, Subject& subject, std::string_view value) -> Result<void> {
       auto run = tables.runs().find_by_phase(value);
       if (!run || run->apply.id != value) return fail(not_found("apply"));
       return take_run(tables, subject, std::move(run), "apply");
     }},
    {"configuration_version_id",
     [](Tables& tables, Subject& subject, std::string_view value) -> Result<void> {
       TG_CHECK(
           take(subject.configuration_version, tables.configuration_versions().find(value), "configuration version"));
       return take_workspace(tables, subject, subject.configuration_version->workspace_id);
     }},
    {"state_version_id", take_state_version},
    {"state_version_output_id",
     [](Tables& tables, Subject& subject, std::string_view value) -> Result<void> {
       TG_CHECK(take(subject.state_version_output, tables.state_versions().find_output(value), "state version output"));
       return take_state_version(tables, subject, subject.state_version_output->state_version_id);
     }},
    {"variable_id", take_variable},
    {"aws_identity_id",
     [](Tables& tables, Subject& subject, std::string_view value) -> Result<void> {
       TG_CHECK(take(subject.aws_identity, tables.aws_identities().find(value), "AWS identity"));
       return take_organization(tables, subject, subject.aws_identity->organization_id);
     }},
    {"membership_id",
     [](Tables& tables, Subject& subject, std::string_view value) -> Result<void> {
       TG_CHECK(take(subject.membership, tables.memberships().find(value), "organization membership"));
       return take_organization(tables, subject, subject.membership->organization_id);
     }},
};

}  // namespace

Result<Subject> resolve_subject(Tables& tables, const http::Pairs& parameters) {
  Subject subject;
  for (const auto& [name, value] : parameters) {
    for (const Resolver& resolver : kResolvers) {
      if (resolver.parameter == name) TG_CHECK(resolver.resolve(tables, subject, value));
    }
  }
  return subject;
}

}  // namespace tollgate::api
