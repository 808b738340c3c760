// Runs several commands in turns, so that whatever else the machine does strikes all alike, and prints how long each
// run took, from before it was started until it was reaped: one line a run, "INDEX NANOSECONDS". Output of the commands
// is thrown away. A command that fails ends the measurement with exit status 1.
//
// Usage: interleave ROUNDS AT_ONCE COMMAND [ARG...] [--- COMMAND [ARG...]]...
//   AT_ONCE > 1: a run is that many processes of the command at the same time.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using Command = std::vector<char*>;

std::vector<Command> parse(char** argument) {
  std::vector<Command> commands(1);
  for (; *argument != nullptr; ++argument) {
    if (std::strcmp(*argument, "---") == 0) {
      commands.back().push_back(nullptr);
      commands.emplace_back();
    } else {
      commands.back().push_back(*argument);
    }
  }
  commands.back().push_back(nullptr);
  return commands;
}

// Nanoseconds, or -1 where a process could not be started or failed.
long long run(const Command& command, int at_once, const posix_spawn_file_actions_t& quiet) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<pid_t> children(static_cast<std::size_t>(at_once));
  for (pid_t& child : children) {
    if (posix_spawn(&child, command.front(), &quiet, nullptr, command.data(), environ) != 0) return -1;
  }
  bool good = true;
  for (const pid_t child : children) {
    int status = 0;
    good = waitpid(child, &status, 0) == child && status == 0 && good;
  }
  const auto taken = std::chrono::steady_clock::now() - start;
  return good ? std::chrono::duration_cast<std::chrono::nanoseconds>(taken).count() : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 64;
  const int rounds = std::atoi(argv[1]);
  const int at_once = std::atoi(argv[2]);
  const std::vector<Command> commands = parse(argv + 3);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t index = 0; index < commands.size(); ++index) {
      const long long taken = run(commands[index], at_once, quiet);
      if (taken < 0) {
        std::fprintf(stderr, "interleave: %s failed\n", commands[index].front());
        return 1;
      }
      std::printf("%zu %lld\n", index, taken);
    }
  }
  return 0;
}
