#include "common/os/parent_command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/os/child_process.h"
#include "tests/support/forked.h"

namespace tollgate::os {
namespace {

// Starts a process whose command line reads as given, and says what command_of makes of it.
std::string described(std::vector<std::string> argv, std::size_t limit = 60) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  Command command;
  const UniqueFd cat(open("/bin/cat", O_PATH | O_CLOEXEC));
  command.argv = std::move(argv);
  command.program_fd = cat.get();
  command.input = Stdio::given(read_end.get());
  command.error = Stdio::null();
  auto child = spawn(command);
  if (!child) return child.error().message;
  // A process that has just been executed has no command line for a moment.
  std::string text;
  test::eventually([&] { return !(text = command_of(child->pid(), limit)).empty(); });
  return text;
}

TEST(ParentCommand, NamesProgramAndFirstWord) {
  EXPECT_EQ(described({"/usr/bin/terraform", "-", "-", "plan"}).substr(0, 14), "terraform plan");
}

TEST(ParentCommand, ShowsNoOptionAndNoAssignment) {
  EXPECT_EQ(described({"terraform", "-", "password=secret"}), "terraform");
}

TEST(ParentCommand, RemovesWhatWouldMoveTheCursorAndCuts) {
  EXPECT_EQ(described({"\x1b[2Jevil\n"}), "[2Jevil");
  EXPECT_EQ(described({"terraform", "-"}, 4), "terr…");
  EXPECT_EQ(described({"äöü"}, 3), "ä…") << "never in the middle of a character";
}

TEST(ParentCommand, OfNobodyIsEmpty) {
  EXPECT_EQ(command_of(0x3FFFFFF), "");
}

TEST(ParentCommand, PassesOverTheShellBetween) {
  const std::string direct = parent_command();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  // This test program stands where terraform would, "sh -c" between it and the asker.
  test::Forked asker([&] {
    const std::string text = parent_command();
    return text == command_of(getppid()) ? 0 : 1;
  });
  EXPECT_EQ(asker.exit_code(), 0);
  EXPECT_FALSE(direct.empty());
}

}  // namespace
}  // namespace tollgate::os
