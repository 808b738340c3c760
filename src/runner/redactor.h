// Blanks out known texts in a stream that comes in pieces cut anywhere: an Aho-Corasick automaton over all of them,
// linear in the stream whatever it holds. Bytes that may be the beginning of a match are held back until they are known
// not to be. One stream, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::runner {

// What stands in place of each run of bytes that are covered by matches.
inline constexpr std::string_view kRedacted = "***";
// The most bytes of all patterns together; about 30 bytes of memory each.
inline constexpr std::size_t kMaxPatternBytes = std::size_t{8} << 20;

class Redactor {
 public:
  // Patterns beyond kMaxPatternBytes are left out, see complete().
  explicit Redactor(const std::vector<std::string>& patterns);

  // Looks for these from now on, also in what is held back. `patterns` are all of them: those of before, and more.
  void learn(const std::vector<std::string>& patterns);
  // Appends to `out` what can be shown by now.
  void feed(std::string_view bytes, std::string& out);
  // The end of the stream: appends the rest. The next feed() begins another stream.
  void finish(std::string& out);

  bool complete() const { return complete_; }

 private:
  using State = std::uint32_t;
  struct Node {
    State fail = 0;
    State first_child = 0;   // children as a list: nearly all nodes have one
    State next_sibling = 0;  // 0 ends it; the root is nobody's child
    std::uint32_t depth = 0;
    std::uint32_t match = 0;  // length of the longest pattern that ends here; 0 = none
    unsigned char byte = 0;   // that leads here
  };
  void insert(std::string_view pattern);
  void link_failures();
  State child(State state, unsigned char byte) const;
  State step(State state, unsigned char byte) const;
  void release(std::string_view bytes, std::uint64_t end, std::string& out);

  std::vector<Node> nodes_;
  std::vector<State> dense_;  // [state * 256 + byte] of the states below kDense, in which nearly all bytes are spent
  State dense_count_ = 0;
  bool complete_ = true;

  State state_ = 0;
  std::string held_;            // the bytes [shown_, position_)
  std::uint64_t position_ = 0;  // bytes fed
  std::uint64_t shown_ = 0;     // bytes given out or blanked
  // Stretches to blank that are not shown yet, in order and apart from each other.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> blanked_;
  std::uint64_t blanked_until_ = 0;  // of the last stretch whose place holder was given out
};

}  // namespace tollgate::runner
