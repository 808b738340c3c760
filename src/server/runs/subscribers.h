// Functions to be called when something with a key happens. The promise that a plain list does not give: once a handle
// is gone its function neither runs nor will run (a handle may also go inside its own function). Threads: all methods
// at once; functions run on the notifying thread, one call of each at a time, and must be quick.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate::runs {

template <class... Args>
class Subscribers {
  struct Entry {
    std::recursive_mutex mutex;
    std::function<void(Args...)> function;  // empty: its handle is gone
  };
  struct State {
    std::mutex mutex;
    std::multimap<std::string, std::shared_ptr<Entry>, std::less<>> entries;
  };

 public:
  class Handle {
   public:
    Handle(std::shared_ptr<State> state, std::string key, std::shared_ptr<Entry> entry)
        : state_(std::move(state)), key_(std::move(key)), entry_(std::move(entry)) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
      {
        const std::lock_guard lock(state_->mutex);
        const auto [first, last] = state_->entries.equal_range(key_);
        for (auto at = first; at != last; ++at) {
          if (at->second == entry_) {
            state_->entries.erase(at);
            break;
          }
        }
      }
      const std::lock_guard lock(entry_->mutex);
      entry_->function = nullptr;
    }

   private:
    std::shared_ptr<State> state_;
    std::string key_;
    std::shared_ptr<Entry> entry_;
  };

  std::unique_ptr<Handle> add(std::string key, std::function<void(Args...)> function) {
    auto entry = std::make_shared<Entry>();
    entry->function = std::move(function);
    {
      const std::lock_guard lock(state_->mutex);
      state_->entries.emplace(key, entry);
    }
    return std::make_unique<Handle>(state_, std::move(key), std::move(entry));
  }

  void notify(std::string_view key, const Args&... args) const {
    std::vector<std::shared_ptr<Entry>> called;
    {
      const std::lock_guard lock(state_->mutex);
      const auto [first, last] = state_->entries.equal_range(key);
      for (auto at = first; at != last; ++at) {
        called.push_back(at->second);
      }
    }
    for (const auto& entry : called) {
      const std::lock_guard lock(entry->mutex);
      // A copy, because the function may end its own subscription.
      const auto function = entry->function;
      if (function) function(args...);
    }
  }

 private:
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tollgate::runs
