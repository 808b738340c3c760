// What is on the disk for the rows of a workspace: states, plans, configurations and logs. Rows go first, in one
// transaction; only after the commit do the files go, so that no row ever names a file that is not there. What was not
// removed then, because the server was killed or the disk refused, is found at the next start by sweep_files().
//
// A file is removed where its kind is known and no row of that id exists. An id is never given twice, so a row that is
// missing was deleted, or never committed by a server that is dead by then. Threads: all at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/domain/store.h"
#include "server/runs/log_hub.h"

namespace tollgate::runs {

struct KeptFiles {
  std::vector<std::string> blobs;  // keys of a BlobStore
  std::vector<std::string> logs;   // ids of phases
};

// Inside the transaction that deletes the rows, and before it does.
KeptFiles files_of_workspace(domain::Tables& tables, const domain::Workspace& workspace);
KeptFiles files_of_organization(domain::Tables& tables, std::string_view organization_id);

// After the commit. A file that cannot be removed keeps no other from going and throws nothing: it is swept later.
// `trouble` is told, where there is one.
using FileTrouble = std::function<void(const std::string&)>;
void remove_files(const KeptFiles& files, domain::BlobStore& blobs, LogHub& logs, const FileTrouble& trouble = nullptr);

// All that is there now. To be asked before anything of this process writes, and when no other server does.
KeptFiles files_on_disk(domain::BlobStore& blobs, LogHub& logs);

// Removes those of `found` that belong to nothing; what it removed. Others may write meanwhile: `found` holds nothing
// of theirs. Ends early where `stop` says so.
KeptFiles sweep_files(const KeptFiles& found, domain::Store& store, domain::BlobStore& blobs, LogHub& logs,
                      const std::function<bool()>& stop, const FileTrouble& trouble = nullptr);

}  // namespace tollgate::runs
