// The LogHub that keeps each log in a file of sealed frames (log_file.h): `<phase id>.open` while it grows, then
// `<phase id>.log`. In memory are the tail of each log in use and a sparse index, both bounded, so that watchers cost
// no disk and old parts of a huge log cost one short read. Threads: all methods at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/secret.h"
#include "server/runs/log_file.h"
#include "server/runs/log_hub.h"
#include "server/runs/subscribers.h"

namespace tollgate::runs {

struct FileLogHubOptions {
  std::string directory;               // exists, 0700
  Secret key;                          // crypto::kSealKeyBytes
  std::size_t tail_bytes = 64 * 1024;  // kept in memory of each log in use
  std::size_t logs_in_memory = 256;    // more than these are forgotten, oldest use first, and read again when asked for
};

class FileLogHub final : public LogHub {
 public:
  FileLogHub(FileLogHubOptions options, RandomSource& random);
  ~FileLogHub() override;

  void open(std::string_view phase_id) override;
  void append_system(std::string_view phase_id, std::string_view line, bool structured) override;
  void append_output(std::string_view phase_id, std::uint64_t spool_offset, std::string_view bytes) override;
  std::uint64_t output_size(std::string_view phase_id) override;
  void close(std::string_view phase_id) override;
  LogSlice read(std::string_view phase_id, std::uint64_t offset, std::uint64_t limit) override;
  std::vector<SystemSpan> system_spans(std::string_view phase_id) override;
  void erase(std::string_view phase_id) override;
  std::unique_ptr<Subscription> subscribe(std::string_view phase_id, std::function<void()> changed) override;
  std::unique_ptr<Subscription> subscribe_all(std::function<void(const std::string&)> changed) override;
  std::vector<std::string> unfinished() override;
  std::vector<std::string> stored() override;

  // How many logs are in memory now.
  std::size_t in_memory();

  // Output that append_output() has written since this was made.
  std::uint64_t bytes_taken() const { return bytes_taken_; }

 private:
  class Log;
  std::shared_ptr<Log> log(std::string_view phase_id);
  void forget_unused();
  void tell(std::string_view phase_id) const;
  void check(std::string_view phase_id) const;
  std::vector<std::string> named(std::initializer_list<std::string_view> suffixes) const;

  FileLogHubOptions options_;
  RandomSource& random_;
  std::atomic<std::uint64_t> bytes_taken_{0};
  Subscribers<> subscribers_;
  Subscribers<std::string> subscribers_of_all_;
  std::mutex mutex_;  // of what follows
  struct Entry {
    std::shared_ptr<Log> log;
    std::uint64_t last_use = 0;
  };
  std::map<std::string, Entry, std::less<>> logs_;
  std::uint64_t uses_ = 0;
};

}  // namespace tollgate::runs
