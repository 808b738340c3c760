#include "server/app/file_sweep.h"

#include <exception>

namespace tollgate::app {

FileSweep::FileSweep(domain::Store& store, domain::BlobStore& blobs, runs::LogHub& logs, Log& log)
    : store_(store), blobs_(blobs), logs_(logs), log_(log), found_(runs::files_on_disk(blobs, logs)) {}

void FileSweep::start() {
  thread_ = std::thread([this] { run(); });
}

void FileSweep::stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void FileSweep::run() {
  try {
    const auto removed = runs::sweep_files(
        found_, store_, blobs_, logs_, [this] { return stop_.load(); },
        [this](const std::string& text) { log_.warning("files.not_removed", text); });
    if (removed.blobs.empty() && removed.logs.empty()) return;
    log_.info("files.swept", "files of deleted workspaces were removed",
              {{"blobs", std::to_string(removed.blobs.size())}, {"logs", std::to_string(removed.logs.size())}});
  } catch (const std::exception& broken) {
    log_.error("files.sweep_failed", broken.what());
  }
}

}  // namespace tollgate::app
