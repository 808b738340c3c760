#include "server/store/run_tables.h"

namespace tollgate::store {

namespace {

SqlValue text(std::string_view value) {
  return SqlValue::of(value);
}

// As a list of words, so that the index on the status serves it.
const std::string& unfinished_condition() {
  static const std::string condition = [] {
    std::string list;
    for (const domain::RunStatus status : domain::kRunStatuses) {
      if (!domain::is_final(status)) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", domain::to_text(status));
    }
    return fmt::format("status IN ({})", list);
  }();
  return condition;
}

SealContext inputs_context(std::string_view run_id, std::string_view organization_id, std::string_view workspace_id) {
  SealContext context;
  context.add("run_inputs").add("inputs").add(run_id).add(organization_id).add(workspace_id);
  return context;
}

constexpr SqlValue::Kind kText = SqlValue::Kind::text;

}  // namespace

domain::Paged<domain::Run> SqlRuns::list(const domain::RunFilter& filter, domain::Page wanted) {
  Where where;
  if (!filter.workspace_id.empty()) where.add("runs.workspace_id = ?", {text(filter.workspace_id)});
  if (!filter.organization_id.empty()) where.add("runs.organization_id = ?", {text(filter.organization_id)});
  SqlValues statuses;
  for (const domain::RunStatus status : filter.status)
    statuses.push_back(value_of(status));
  where.any_of("runs.status", statuses);
  SqlValues sources;
  for (const std::string& source : filter.source)
    sources.push_back(text(source));
  where.any_of("runs.source", sources);
  if (filter.plan_only) where.add("runs.plan_only = ?", {value_of(*filter.plan_only)});
  if (!filter.search_user.empty()) {
    where.add("runs.created_by IN (SELECT id FROM users WHERE username = ?)", {text(filter.search_user)});
  }
  if (!filter.search_message.empty()) {
    where.add("lower(runs.message) LIKE ? ESCAPE '!'", {text(like_part(filter.search_message))});
  }
  return page("", std::move(where), "runs.sequence DESC", wanted);
}

std::vector<domain::Run> SqlRuns::unfinished() {
  return rows(fmt::format(" WHERE {} ORDER BY sequence", unfinished_condition()), {});
}

std::vector<domain::Run> SqlRuns::unfinished_of(std::string_view workspace_id) {
  return rows(fmt::format(" WHERE workspace_id = :p1 AND {} ORDER BY sequence", unfinished_condition()),
              {text(workspace_id)});
}

std::optional<domain::Run> SqlRuns::find_by_phase(std::string_view phase_id) {
  return one(" WHERE plan_id = :p1 OR apply_id = :p2", {text(phase_id), text(phase_id)});
}

void SqlRuns::set_inputs(std::string_view run_id, const Secret& inputs) {
  if (inputs.empty()) {
    context_.session.execute("DELETE FROM run_inputs WHERE run_id = :p1", {text(run_id)});
    return;
  }
  const auto run = find(run_id);
  if (!run) throw std::logic_error(fmt::format("inputs of {}, which is not in runs", run_id));
  const std::string sealed =
      context_.sealer.seal(inputs.reveal(), inputs_context(run_id, run->organization_id, run->workspace_id));
  context_.session.execute(
      "INSERT INTO run_inputs (run_id, inputs) VALUES (:p1, :p2) "
      "ON CONFLICT (run_id) DO UPDATE SET inputs = excluded.inputs",
      {text(run_id), text(sealed)});
}

std::optional<Secret> SqlRuns::inputs(std::string_view run_id) {
  const auto found = context_.session.query(
      "SELECT i.inputs, r.organization_id, r.workspace_id FROM run_inputs i JOIN runs r ON r.id = i.run_id "
      "WHERE i.run_id = :p1",
      {text(run_id)}, {kText, kText, kText});
  if (found.empty()) return std::nullopt;
  const SqlValues& row = found.front();
  return context_.sealer.open(row[0].text, inputs_context(run_id, row[1].text, row[2].text),
                              fmt::format("run_inputs.inputs of {}", run_id));
}

void SqlRuns::add_event(const domain::RunEvent& event) {
  const Result<void> inserted = insert_row(context_, event);
  if (!inserted) throw std::logic_error(inserted.error().message);
}

std::vector<domain::RunEvent> SqlRuns::events(std::string_view run_id) {
  return select_rows<domain::RunEvent>(context_, " WHERE run_id = :p1 ORDER BY ordinal", {text(run_id)});
}

domain::Paged<domain::StateVersion> SqlStateVersions::list(std::string_view organization_id,
                                                           std::string_view workspace_id, domain::Page wanted) {
  Where where;
  if (!organization_id.empty()) where.add("state_versions.organization_id = ?", {text(organization_id)});
  if (!workspace_id.empty()) where.add("state_versions.workspace_id = ?", {text(workspace_id)});
  return page("", std::move(where), "state_versions.ordinal DESC", wanted);
}

std::optional<domain::StateVersion> SqlStateVersions::latest(std::string_view workspace_id) {
  return one(" WHERE workspace_id = :p1 AND status = 'finalized' ORDER BY serial DESC, ordinal DESC LIMIT 1",
             {text(workspace_id)});
}

void SqlStateVersions::set_outputs(std::string_view state_version_id,
                                   const std::vector<domain::StateVersionOutput>& outputs) {
  context_.session.execute("DELETE FROM state_version_outputs WHERE state_version_id = :p1", {text(state_version_id)});
  for (domain::StateVersionOutput output : outputs) {
    output.state_version_id = state_version_id;
    const Result<void> inserted = insert_row(context_, output);
    if (!inserted) throw std::logic_error(inserted.error().message);
  }
}

std::vector<domain::StateVersionOutput> SqlStateVersions::outputs(std::string_view state_version_id) {
  return select_rows<domain::StateVersionOutput>(context_, " WHERE state_version_id = :p1 ORDER BY name, id",
                                                 {text(state_version_id)});
}

std::optional<domain::StateVersionOutput> SqlStateVersions::find_output(std::string_view id) {
  return select_one<domain::StateVersionOutput>(context_, " WHERE id = :p1", {text(id)});
}

}  // namespace tollgate::store
