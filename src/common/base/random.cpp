#include "common/base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace tollgate {

std::string SystemRandom::bytes(std::size_t count) {
  std::string result(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = getrandom(result.data() + filled, count - filled, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    filled += static_cast<std::size_t>(got);
  }
  return result;
}

std::string random_alphanumeric(RandomSource& random, std::size_t count) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned kFair = 256 - 256 % 62;
  std::string text;
  while (text.size() < count) {
    for (const char c : random.bytes(count - text.size() + 8)) {
      const auto value = static_cast<unsigned char>(c);
      if (value < kFair && text.size() < count) text.push_back(kAlphabet[value % 62]);
    }
  }
  return text;
}

}  // namespace tollgate
