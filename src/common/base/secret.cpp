#include "common/base/secret.h"

#include <cstring>

namespace tollgate {

Secret::Secret(std::string_view text) : data_(text.empty() ? nullptr : new char[text.size()]), size_(text.size()) {
  if (size_ != 0) std::memcpy(data_.get(), text.data(), size_);
}

Secret Secret::take(std::string&& text) {
  Secret secret(text);
  tollgate::wipe(text);
  return secret;
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) *this = Secret(other);
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void Secret::wipe() noexcept {
  if (data_) explicit_bzero(data_.get(), size_);
  data_.reset();
  size_ = 0;
}

bool operator==(const Secret& a, const Secret& b) {
  if (a.size_ != b.size_) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size_; ++i) {
    difference |= static_cast<unsigned char>(a.data_[i] ^ b.data_[i]);
  }
  return difference == 0;
}

void wipe(std::string& text) noexcept {
  explicit_bzero(text.data(), text.capacity());
  text.clear();
}

std::string last_four(std::string_view text) {
  return text.size() < 8 ? std::string("…") : "…" + std::string(text.substr(text.size() - 4));
}

}  // namespace tollgate
