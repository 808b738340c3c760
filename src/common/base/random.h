// Where random bytes come from: a parameter, so that tests can repeat a run. SystemRandom is safe to share.
#pragma once

#include <string>

namespace tollgate {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual std::string bytes(std::size_t count) = 0;
};

// getrandom(2); throws std::system_error when the kernel cannot give any.
class SystemRandom final : public RandomSource {
 public:
  std::string bytes(std::size_t count) override;
};

// `count` characters of A-Z a-z 0-9, evenly distributed: for ids and session names.
std::string random_alphanumeric(RandomSource& random, std::size_t count);

}  // namespace tollgate
