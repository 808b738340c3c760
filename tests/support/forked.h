// Parts of a test in processes of their own: what locks, signals and terminals do between processes cannot be shown in
// one. The function's value is the exit code; an exception or a failed assertion in it ends it with 99. All waits have
// a limit, after which the process is killed and the test fails.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace tollgate::test {

class Forked {
 public:
  explicit Forked(const std::function<int()>& body);
  Forked(Forked&& other) noexcept;
  Forked& operator=(Forked&&) = delete;
  Forked(const Forked&) = delete;
  Forked& operator=(const Forked&) = delete;
  ~Forked();

  pid_t pid() const { return pid_; }
  void kill(int signal) const;
  // The wait status, as waitpid(2) gives it.
  int wait(std::chrono::seconds limit = std::chrono::seconds(30));
  // The exit code; 128 + n for death by signal n.
  int exit_code(std::chrono::seconds limit = std::chrono::seconds(30));

 protected:
  Forked() = default;
  pid_t pid_ = -1;
};

// A process that leads a session on a terminal of its own; the test holds the other end, where the person sits.
class OnTerminal : public Forked {
 public:
  explicit OnTerminal(const std::function<int()>& body);
  OnTerminal(OnTerminal&&) = delete;
  ~OnTerminal();

  // Types.
  void type(const std::string& text) const;
  // Waits until `text` is shown after what was last waited for, and returns all that was shown so far; fails the test
  // if it does not come.
  std::string wait_for(const std::string& text, std::chrono::seconds limit = std::chrono::seconds(20));
  // Reads on until the other end is closed or `limit` has passed.
  std::string read_to_end(std::chrono::seconds limit = std::chrono::seconds(5));
  const std::string& shown() const { return shown_; }
  // The settings at this moment, of the terminal that both ends share.
  bool echoes() const;
  bool canonical() const;
  std::string name() const;
  // Closes our end, as a lost connection does.
  void hang_up();

 private:
  bool read_more(std::chrono::milliseconds limit);
  int master_ = -1;
  std::string shown_;
  std::size_t seen_ = 0;
};

// Waits for a condition that another process brings about, without a fixed sleep; false after `limit`.
bool eventually(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(20));
// The state letter of /proc/PID/stat: 'T' stopped, 'S' sleeping, 'Z' ended; '?' if there is none.
char process_state(pid_t pid);

}  // namespace tollgate::test
