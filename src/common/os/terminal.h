// Speaks with the person at the controlling terminal (/dev/tty), also where stdin, stdout and stderr are pipes. Not a
// line editor: the terminal's own canonical mode does the editing. One thread at a time, and while a question stands
// that thread takes INT, QUIT, TERM, HUP, TSTP and CONT itself (other threads must have them blocked); the terminal's
// settings are restored on every way out.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace tollgate::os {

struct Question {
  std::string text;   // lines before the question, each ended by a newline; control characters are removed
  std::string label;  // "Code: ", without a newline
  bool echo = true;
  Duration time_limit{300000};
  std::size_t max_bytes = 1024;
};

class Terminal {
 public:
  // Code::needs_person, reason no_terminal, where this process has no controlling terminal.
  static Result<Terminal> open(const std::string& path = "/dev/tty");

  // One line without its newline. What was typed before the question is discarded. Errors: Code::cancelled (Ctrl-C or
  // Ctrl-D on an empty line, reason cancelled); Code::needs_person (reason timed_out, or in_background where this
  // process group did not come to the foreground in time, or terminal_closed). TERM, HUP and QUIT take their usual
  // effect after the terminal is restored.
  Result<Secret> ask(const Question& question);

  // One line; best effort, never blocks for more than a second.
  void say(std::string_view line);
  // Shows `line(remaining)` in place, once a second, until `duration` has passed; Ctrl-C = Code::cancelled.
  Result<void> count_down(Duration duration, const std::function<std::string(Duration)>& line);

  // "/dev/pts/3"; "/dev/tty" where the kernel does not tell.
  std::string name() const;

 private:
  Terminal(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

// The name of this process's controlling terminal for messages, empty where there is none. Opens nothing.
std::string controlling_terminal_name();

// Control characters (C0, DEL, C1 in UTF-8) removed: for text of others shown on a terminal. Newlines are kept if
// asked.
std::string printable(std::string_view text, bool keep_newlines = false);

}  // namespace tollgate::os
