// A value that can only be reached with its mutex held: `auto state = sync.lock(); state->field`.
#pragma once

#include <mutex>
#include <utility>

namespace tollgate {

template <class T>
class Sync {
 public:
  class Guard {
   public:
    Guard(std::mutex& mutex, T& value) : lock_(mutex), value_(&value) {}
    T* operator->() { return value_; }
    T& operator*() { return *value_; }
    std::unique_lock<std::mutex>& held() { return lock_; }  // for a condition variable

   private:
    std::unique_lock<std::mutex> lock_;
    T* value_;
  };

  template <class... Args>
  explicit Sync(Args&&... args) : value_(std::forward<Args>(args)...) {}
  Guard lock() { return Guard(mutex_, value_); }

 private:
  std::mutex mutex_;
  T value_;
};

}  // namespace tollgate
