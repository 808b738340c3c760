// Removes what a killed server left on the disk of workspaces that were deleted: looks at what is there when it is
// made, before anything serves, and removes what belongs to nothing in a thread of its own, so that no start waits for
// it.
#pragma once

#include <atomic>
#include <thread>

#include "common/base/log.h"
#include "server/runs/kept_files.h"

namespace tollgate::app {

class FileSweep {
 public:
  FileSweep(domain::Store& store, domain::BlobStore& blobs, runs::LogHub& logs, Log& log);
  ~FileSweep() { stop(); }
  void start();
  void stop();  // idempotent

 private:
  void run();

  domain::Store& store_;
  domain::BlobStore& blobs_;
  runs::LogHub& logs_;
  Log& log_;
  const runs::KeptFiles found_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace tollgate::app
