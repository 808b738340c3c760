// A string that must not leak: secret keys, session tokens, seeds, passphrases, one-time codes. It cannot be streamed
// or formatted, and its memory is wiped when it goes. It does not protect against a debugger or the kernel; programs
// that hold secrets also switch core dumps off (common/os/process_hardening.h). Not synchronised.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tollgate {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text);
  // Takes the text over and wipes the source.
  static Secret take(std::string&& text);

  Secret(const Secret& other) : Secret(other.reveal()) {}
  Secret(Secret&& other) noexcept : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  // The clear text, valid while the Secret lives. Every caller is a place to review.
  std::string_view reveal() const { return {data_.get(), size_}; }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // Constant time for equal lengths.
  friend bool operator==(const Secret& a, const Secret& b);

 private:
  void wipe() noexcept;
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
};

// Overwrites the whole capacity of a buffer that held a secret, then empties it.
void wipe(std::string& text) noexcept;

// "…WXYZ": all that may be shown of an access key id or a secret.
std::string last_four(std::string_view text);

}  // namespace tollgate
