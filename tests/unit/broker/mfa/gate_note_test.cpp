#include "broker/mfa/gate_note.h"

#include <gtest/gtest.h>

namespace tollgate::mfa {
namespace {

TEST(GateNote, ComesBackAsItWasWritten) {
  for (const auto state :
       {GateNote::State::asking, GateNote::State::cancelled, GateNote::State::unanswered, GateNote::State::refused}) {
    const GateNote note{state, TimePoint(Duration(1767323045123)), 4711, "/dev/pts/3", "terraform plan"};
    const GateNote read = parse_note(to_text(note));
    EXPECT_EQ(read.state, state);
    EXPECT_EQ(read.at, note.at);
    EXPECT_EQ(read.who(), "terraform plan (process 4711) on /dev/pts/3");
  }
}

TEST(GateNote, NothingIsAnEmptyText) {
  EXPECT_EQ(to_text(GateNote{}), "");
  EXPECT_EQ(parse_note("").state, GateNote::State::none);
}

TEST(GateNote, WhoIsAlwaysSomething) {
  EXPECT_EQ((GateNote{GateNote::State::asking, {}, 12, "", ""}).who(), "process 12");
}

TEST(GateNote, AHalfWrittenOneIsNone) {
  const std::string text = to_text({GateNote::State::cancelled, TimePoint(Duration(5)), 12, "/dev/pts/3", "x"});
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(parse_note(text.substr(0, size)).state, GateNote::State::none) << size;
  }
}

TEST(GateNote, OthersTextCannotMoveTheCursor) {
  const GateNote note = parse_note("asking\n1\n12\n/dev/\x1b[2J\nevil\x1b[1A\n");
  EXPECT_EQ(note.who(), "evil[1A (process 12) on /dev/[2J");
  const GateNote broken = parse_note(to_text({GateNote::State::asking, {}, 12, "tty", "two\nlines"}));
  EXPECT_EQ(broken.command, "twolines");
}

TEST(GateNote, OutcomesAreErrorsAndAskingIsNone) {
  const auto error = [](GateNote::State state) { return error_of({state, {}, 12, "", ""}); };
  EXPECT_EQ(error(GateNote::State::cancelled)->code, Code::cancelled);
  EXPECT_EQ(error(GateNote::State::unanswered)->code, Code::needs_person);
  EXPECT_EQ(error(GateNote::State::refused)->code, Code::forbidden);
  EXPECT_FALSE(error(GateNote::State::asking));
  EXPECT_FALSE(error(GateNote::State::none));
}

}  // namespace
}  // namespace tollgate::mfa
