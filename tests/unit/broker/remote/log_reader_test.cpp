#include "broker/remote/log_reader.h"

#include <gtest/gtest.h>

namespace tollgate::remote {
namespace {

using Lines = std::vector<std::string>;

// The same however the log is cut into pieces.
TEST(LogReader, PutsLinesTogetherAcrossPieces) {
  const std::string log =
      "\x02one\r\ntwo\n\nthr\xc3\xa9"
      "e\nrest\x03";
  for (std::size_t size = 1; size <= log.size(); ++size) {
    LogReader reader;
    Lines lines;
    while (reader.offset() < log.size()) {
      EXPECT_FALSE(reader.complete());
      for (std::string& line : reader.take(log.substr(reader.offset(), size)))
        lines.push_back(std::move(line));
    }
    EXPECT_TRUE(reader.complete());
    EXPECT_EQ(lines, (Lines{"one", "two", "",
                            "thr\xc3\xa9"
                            "e"}))
        << size;
    EXPECT_EQ(reader.take_rest(), "rest");
    EXPECT_EQ(reader.offset(), log.size());
  }
}

TEST(LogReader, WithoutTheFirstMarkTheLastOneIsText) {
  LogReader reader;
  EXPECT_EQ(reader.take("a\x03\n"), (Lines{"a\x03"}));
  EXPECT_EQ(reader.take("b\x03"), Lines{});
  EXPECT_FALSE(reader.complete());
}

TEST(LogReader, NothingComesAfterTheEnd) {
  LogReader reader;
  EXPECT_EQ(reader.take("\x02"
                        "a\n\x03"),
            (Lines{"a"}));
  EXPECT_EQ(reader.take("b\n"), Lines{});
  EXPECT_EQ(reader.offset(), 4U);
}

TEST(LogReader, EmptyLogsOfBothKinds) {
  LogReader reader;
  EXPECT_EQ(reader.take(""), Lines{});
  EXPECT_EQ(reader.take("\x02"), Lines{});
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.take("\x03"), Lines{});
  EXPECT_TRUE(reader.complete());
}

TEST(LogReader, AnEndlessLineTakesBoundedMemory) {
  LogReader reader;
  std::size_t handed_out = 0;
  for (int i = 0; i < 64; ++i) {
    for (const std::string& piece : reader.take(std::string(256 << 10, 'x')))
      handed_out += piece.size();
  }
  EXPECT_GE(handed_out, std::size_t{12} << 20);
}

}  // namespace
}  // namespace tollgate::remote
