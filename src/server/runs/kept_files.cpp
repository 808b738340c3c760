#include "server/runs/kept_files.h"

#include <exception>

#include "server/domain/ids.h"

namespace tollgate::runs {
namespace {

using domain::Tables;

constexpr std::int64_t kRowsAtOnce = 100;
constexpr std::size_t kFilesAtOnce = 200;

// Everything that a list gives, page by page.
template <class List, class Take>
void for_each_row(List list, Take take) {
  for (domain::Page page{1, kRowsAtOnce};; ++page.number) {
    const auto part = list(page);
    for (const auto& row : part.rows)
      take(row);
    if (static_cast<std::int64_t>(part.rows.size()) < page.size) return;
  }
}

struct Kind {
  std::string_view folder;
  std::string_view prefix;  // of the ids in it
  bool (*owned)(Tables&, std::string_view id);
};

bool of_configuration(Tables& tables, std::string_view id) {
  return tables.configuration_versions().find(id).has_value();
}
bool of_state(Tables& tables, std::string_view id) {
  return tables.state_versions().find(id).has_value();
}
bool of_phase(Tables& tables, std::string_view id) {
  return tables.runs().find_by_phase(id).has_value();
}

// The blobs that this server writes. A new kind has to be named here, or it is never swept.
constexpr Kind kKinds[] = {
    {"configuration/", domain::id_prefix::kConfigurationVersion, of_configuration},
    {"state/", domain::id_prefix::kStateVersion, of_state},
    {"json-state/", domain::id_prefix::kStateVersion, of_state},
    {"plan/", domain::id_prefix::kPlan, of_phase},
    {"plan-json/", domain::id_prefix::kPlan, of_phase},
    {"plan-redacted/", domain::id_prefix::kPlan, of_phase},
};

void add_blobs(KeptFiles& files, std::string_view prefix, std::string_view id) {
  for (const Kind& kind : kKinds) {
    if (kind.prefix == prefix) files.blobs.push_back(std::string(kind.folder) += id);
  }
}

void add_workspace(KeptFiles& files, Tables& tables, const domain::Workspace& workspace) {
  for_each_row([&](auto page) { return tables.configuration_versions().list(workspace.id, page); },
               [&](const auto& row) { add_blobs(files, domain::id_prefix::kConfigurationVersion, row.id); });
  for_each_row([&](auto page) { return tables.state_versions().list(workspace.organization_id, workspace.id, page); },
               [&](const auto& row) { add_blobs(files, domain::id_prefix::kStateVersion, row.id); });
  domain::RunFilter runs;
  runs.workspace_id = workspace.id;
  for_each_row([&](auto page) { return tables.runs().list(runs, page); },
               [&](const auto& run) {
                 add_blobs(files, domain::id_prefix::kPlan, run.plan.id);
                 files.logs.push_back(run.plan.id);
                 files.logs.push_back(run.apply.id);
               });
}

bool blob_is_orphan(Tables& tables, std::string_view key) {
  for (const Kind& kind : kKinds) {
    if (!key.starts_with(kind.folder)) continue;
    const std::string_view id = key.substr(kind.folder.size());
    return id.starts_with(kind.prefix) && id.find('/') == id.npos && !kind.owned(tables, id);
  }
  return false;
}

bool log_is_orphan(Tables& tables, std::string_view id) {
  const bool known = id.starts_with(domain::id_prefix::kPlan) || id.starts_with(domain::id_prefix::kApply);
  return known && !of_phase(tables, id);
}

template <class IsOrphan, class Remove>
std::vector<std::string> sweep_some(const std::vector<std::string>& found, domain::Store& store,
                                    const std::function<bool()>& stop, IsOrphan is_orphan, Remove remove) {
  std::vector<std::string> removed;
  for (std::size_t from = 0; from < found.size() && !stop(); from += kFilesAtOnce) {
    const std::size_t end = std::min(found.size(), from + kFilesAtOnce);
    const auto orphans = store.read([&](Tables& tables) {
      std::vector<std::string> names;
      for (std::size_t i = from; i < end; ++i) {
        if (is_orphan(tables, found[i])) names.push_back(found[i]);
      }
      return names;
    });
    for (const std::string& name : orphans) {
      if (remove(name)) removed.push_back(name);
    }
  }
  return removed;
}

template <class Remove>
bool quietly(const std::string& name, const FileTrouble& trouble, Remove remove) {
  try {
    remove();
    return true;
  } catch (const std::exception& refused) {
    if (trouble) trouble(fmt::format("{} is no longer needed and could not be removed: {}", name, refused.what()));
    return false;
  }
}

}  // namespace

KeptFiles files_of_workspace(Tables& tables, const domain::Workspace& workspace) {
  KeptFiles files;
  add_workspace(files, tables, workspace);
  return files;
}

KeptFiles files_of_organization(Tables& tables, std::string_view organization_id) {
  KeptFiles files;
  for_each_row([&](auto page) { return tables.workspaces().list(organization_id, {}, page); },
               [&](const auto& workspace) { add_workspace(files, tables, workspace); });
  return files;
}

void remove_files(const KeptFiles& files, domain::BlobStore& blobs, LogHub& logs, const FileTrouble& trouble) {
  for (const std::string& key : files.blobs)
    quietly(key, trouble, [&] { blobs.erase(key); });
  for (const std::string& id : files.logs)
    quietly(id, trouble, [&] { logs.erase(id); });
}

KeptFiles files_on_disk(domain::BlobStore& blobs, LogHub& logs) {
  return {blobs.keys(), logs.stored()};
}

KeptFiles sweep_files(const KeptFiles& found, domain::Store& store, domain::BlobStore& blobs, LogHub& logs,
                      const std::function<bool()>& stop, const FileTrouble& trouble) {
  KeptFiles removed;
  removed.blobs = sweep_some(found.blobs, store, stop, blob_is_orphan,
                             [&](const std::string& key) { return quietly(key, trouble, [&] { blobs.erase(key); }); });
  removed.logs = sweep_some(found.logs, store, stop, log_is_orphan,
                            [&](const std::string& id) { return quietly(id, trouble, [&] { logs.erase(id); }); });
  return removed;
}

}  // namespace tollgate::runs
