#include "server/domain/workspace.h"

namespace tollgate::domain {

namespace {

std::string_view holder_word(WorkspaceLock::Holder holder) {
  return holder == WorkspaceLock::Holder::run ? "Run" : "User";
}

}  // namespace

Result<void> lock_workspace(Workspace& workspace, WorkspaceLock::Holder holder, std::string holder_id,
                            std::string reason, TimePoint now) {
  if (workspace.lock.held()) {
    return fail(Error(Code::conflict, fmt::format("workspace {} is already locked by {} {}", workspace.name,
                                                  holder_word(workspace.lock.holder), workspace.lock.holder_id))
                    .because("workspace_locked")
                    .do_next("wait for it to end, or let whoever holds it unlock the workspace"));
  }
  workspace.lock = WorkspaceLock{holder, std::move(holder_id), std::move(reason), now};
  return {};
}

Result<void> unlock_workspace(Workspace& workspace, WorkspaceLock::Holder holder, std::string_view by_id, bool force) {
  if (!workspace.lock.held()) {
    return fail(Error(Code::conflict, fmt::format("workspace {} is already unlocked", workspace.name))
                    .because("workspace_unlocked"));
  }
  const bool own = workspace.lock.holder == holder && workspace.lock.holder_id == by_id;
  // A run's lock ends with the run: taking it away would let a second writer in (I6).
  const bool forced = force && workspace.lock.holder == WorkspaceLock::Holder::user;
  if (!own && !forced) {
    return fail(Error(Code::conflict, fmt::format("workspace {} is locked by {} {}", workspace.name,
                                                  holder_word(workspace.lock.holder), workspace.lock.holder_id))
                    .because("workspace_locked")
                    .do_next(workspace.lock.holder == WorkspaceLock::Holder::run
                                 ? "cancel or discard that run; its lock ends with it"
                                 : "force-unlock it if its holder cannot"));
  }
  workspace.lock = {};
  return {};
}

}  // namespace tollgate::domain
