// The log of a plan or an apply, put together again from the pieces that a server hands out by offset: STX (0x02) first
// and ETX (0x03) last where the server marks begin and end, lines in between. It reads nothing itself. Plain value; not
// synchronised.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::remote {

class LogReader {
 public:
  // The bytes that lie at offset(); returns the lines that they complete, without their line breaks.
  std::vector<std::string> take(std::string_view bytes);
  // A last line without a line break; empty where there is none.
  std::string take_rest();

  // Where to read on: after a lost connection, too.
  std::uint64_t offset() const { return offset_; }
  // The end mark came: the log grows no more.
  bool complete() const { return complete_; }

 private:
  std::uint64_t offset_ = 0;
  bool marked_ = false;
  bool complete_ = false;
  std::string line_;
};

}  // namespace tollgate::remote
