// Logs in memory, as clients would read them. Threads: all methods at once.
#pragma once

#include <map>
#include <mutex>

#include "server/runs/log_hub.h"

namespace tollgate::runs::test {

class MemoryLogs final : public LogHub {
 public:
  void open(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    logs_.emplace(id, Log{"\x02", 0, false});
  }
  void append_system(std::string_view id, std::string_view line, bool) override {
    const std::lock_guard lock(mutex_);
    const auto at = logs_.find(id);
    if (at == logs_.end() || at->second.complete) return;
    at->second.bytes += line;
    at->second.bytes += '\n';
  }
  void append_output(std::string_view id, std::uint64_t offset, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    const auto at = logs_.find(id);
    if (at == logs_.end() || at->second.complete || offset + bytes.size() <= at->second.output) return;
    at->second.bytes += bytes.substr(at->second.output - offset);
    at->second.output = offset + bytes.size();
  }
  std::uint64_t output_size(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    const auto at = logs_.find(id);
    return at == logs_.end() ? 0 : at->second.output;
  }
  void close(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    const auto at = logs_.find(id);
    if (at == logs_.end() || at->second.complete) return;
    at->second.bytes += '\x03';
    at->second.complete = true;
  }
  LogSlice read(std::string_view id, std::uint64_t offset, std::uint64_t limit) override {
    const std::lock_guard lock(mutex_);
    const auto at = logs_.find(id);
    LogSlice slice;
    if (at == logs_.end()) return slice;
    slice.size = at->second.bytes.size();
    slice.complete = at->second.complete;
    if (offset < slice.size) slice.bytes = at->second.bytes.substr(offset, limit);
    return slice;
  }
  std::vector<SystemSpan> system_spans(std::string_view) override { return {}; }
  void erase(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    logs_.erase(std::string(id));
  }
  std::unique_ptr<Subscription> subscribe(std::string_view, std::function<void()>) override { return nullptr; }
  std::vector<std::string> unfinished() override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, log] : logs_) {
      if (!log.complete) ids.push_back(id);
    }
    return ids;
  }
  std::string text(std::string_view id) { return read(id, 0, std::uint64_t{1} << 30).bytes; }

 private:
  struct Log {
    std::string bytes;
    std::uint64_t output = 0;
    bool complete = false;
  };
  std::mutex mutex_;
  std::map<std::string, Log, std::less<>> logs_;
};

}  // namespace tollgate::runs::test
