#include "runner/protocol/control.h"

#include <gtest/gtest.h>

#include <vector>

namespace tollgate::runner {
namespace {

TEST(Control, CommandsAndEventsAreReadAsTheyAreWritten) {
  for (const auto command :
       {ControlCommand::cancel, ControlCommand::terminate, ControlCommand::kill, ControlCommand::ping}) {
    const auto read = parse_control_command(to_line(command));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, command);
  }
  for (const Progress& progress : {Progress{0, std::nullopt, false}, Progress{7, 3, true}}) {
    const auto read = parse_progress(to_line(progress));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, progress);
  }
  EXPECT_FALSE(parse_control_command("{\"command\":\"reboot\"}"));
  EXPECT_FALSE(parse_progress("{\"event\":\"progress\"}"));
}

TEST(LineSplitter, LinesComeWholeHoweverTheyAreCut) {
  const std::string stream = "one\n\ntwo\nthree";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    LineSplitter splitter;
    std::vector<std::string> lines;
    const auto take = [&](std::string_view line) { lines.emplace_back(line); };
    EXPECT_TRUE(splitter.feed(std::string_view(stream).substr(0, cut), take));
    EXPECT_TRUE(splitter.feed(std::string_view(stream).substr(cut), take));
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two"}));
  }
}

TEST(LineSplitter, ALineWithoutEndIsRefused) {
  LineSplitter splitter;
  const std::string piece(1000, 'x');
  int accepted = 0;
  while (splitter.feed(piece, [](std::string_view) {}) && accepted < 100)
    ++accepted;
  EXPECT_EQ(accepted, 4);
}

}  // namespace
}  // namespace tollgate::runner
