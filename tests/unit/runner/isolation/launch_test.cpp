#include "runner/isolation/launch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace tollgate::isolation {
namespace {

// What the child inherited, a lock above all, would otherwise stay with a process that nobody knows.
TEST(Launch, AChildEndsWithAParentThatIsKilledBeforeItLetTheChildGoOn) {
  int alive[2];
  ASSERT_EQ(pipe(alive), 0);  // its reader sees the end when the last of both processes is gone
  const pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    close(alive[0]);
    LaunchPlan plan;
    plan.program = "/bin/true";
    plan.argv = {"true"};
    const auto killed = [](pid_t) -> Result<void> {
      raise(SIGKILL);
      return {};
    };
    const auto launched = launch(plan, killed, [](pid_t) -> Result<void> { return {}; });
    _exit(launched ? 1 : 2);
  }
  close(alive[1]);
  int status = 0;
  EXPECT_EQ(waitpid(parent, &status, 0), parent);
  EXPECT_TRUE(WIFSIGNALED(status));
  pollfd end{alive[0], POLLIN, 0};
  EXPECT_EQ(poll(&end, 1, 20'000), 1) << "the child waits for a parent that is gone";
  close(alive[0]);
}

}  // namespace
}  // namespace tollgate::isolation
