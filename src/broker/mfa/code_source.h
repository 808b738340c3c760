// Where a one-time code comes from: a person at the terminal, a program, or a value given beforehand. A source only
// fetches a code; that it is asked once per device and never twice with the same code is the device gate's doing
// (device_gate.h). One thread at a time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/os/environment.h"

namespace tollgate::mfa {

// What the person is told. All of it is shown with control characters removed; empty fields are left out.
struct CodePrompt {
  std::string serial;      // arn:aws:iam::111111111111:mfa/ana, or a hardware serial number
  std::string user_label;  // whose device: "ana", or an access key's last four
  std::string profile;
  std::string role_arn;
  std::string asked_by;  // os::parent_command()
  int attempt = 1;       // filled in by the gate
  int tries = 3;         // filled in by the gate
  std::string refusal;   // why the last code was not taken; filled in by the gate
};

// Six digits, the form STS wants (AssumeRole, GetSessionToken: TokenCode, [\d]*, length 6).
bool is_code(std::string_view text);
// Blanks removed at the ends and between ("123 456", as authenticators show it); nullopt if that is no code.
std::optional<Secret> normalize_code(std::string_view text);

class CodeSource {
 public:
  enum class Kind {
    person,   // looks at a device: after a refusal or a used code the next one can be asked for
    program,  // computes the current code: the same one until the next 30-second step
    fixed,    // gave the only code there is
    none,     // there is nobody to ask
  };

  virtual ~CodeSource() = default;
  virtual Kind kind() const = 0;
  // A code of six digits. Errors: Code::needs_person, Code::cancelled, Code::config (a program that does not work),
  // Code::unavailable (reason timed_out). Error messages never hold what was typed or printed.
  virtual Result<Secret> ask(const CodePrompt& prompt) = 0;
  // Lets `duration` pass, telling the person `why` ("this code has been used; the next one comes"). Code::cancelled.
  virtual Result<void> wait(Duration duration, std::string_view why) = 0;
};

struct TerminalOptions {
  std::string device = "/dev/tty";
  bool echo = true;
  Duration time_limit{300000};  // keep it under the patience of whoever waits for us (Go's SDK: 60 s)
};

// Asks on the terminal; a wrong form is asked again there and then, and costs no try.
class TerminalCodeSource final : public CodeSource {
 public:
  explicit TerminalCodeSource(TerminalOptions options = {}) : options_(std::move(options)) {}
  Kind kind() const override { return Kind::person; }
  Result<Secret> ask(const CodePrompt& prompt) override;
  Result<void> wait(Duration duration, std::string_view why) override;

 private:
  TerminalOptions options_;
};

// The lines that TerminalCodeSource shows above its question; for other displays and for tests.
std::string prompt_text(const CodePrompt& prompt);

struct ProgramOptions {
  std::string command;  // for sh -c, as mfa_process has it
  os::Environment environment;
  Duration time_limit{30000};
};

// Runs a program (ykman, op, pass otp, ...) that prints the code on stdout. Its stderr is ours: it may ask for a touch.
// It sees the prompt as TOLLGATE_MFA_SERIAL and TOLLGATE_PROFILE.
class ProgramCodeSource final : public CodeSource {
 public:
  ProgramCodeSource(ProgramOptions options, const Clock& clock) : options_(std::move(options)), clock_(&clock) {}
  Kind kind() const override { return Kind::program; }
  Result<Secret> ask(const CodePrompt& prompt) override;
  Result<void> wait(Duration duration, std::string_view why) override;

 private:
  ProgramOptions options_;
  const Clock* clock_;
};

// A code from a flag, a variable or a descriptor. Handed out once; then Code::needs_person.
class FixedCodeSource final : public CodeSource {
 public:
  // Code::usage if it is not six digits. `origin` names it in errors: "--mfa-token", "file descriptor 3".
  static Result<FixedCodeSource> from_text(const Secret& text, std::string origin);
  // Reads one line, at most 64 bytes, waiting at most `time_limit`.
  static Result<FixedCodeSource> from_descriptor(int fd, Duration time_limit);
  Kind kind() const override { return Kind::fixed; }
  Result<Secret> ask(const CodePrompt& prompt) override;
  Result<void> wait(Duration duration, std::string_view why) override;

 private:
  FixedCodeSource(Secret code, std::string origin) : code_(std::move(code)), origin_(std::move(origin)) {}
  Secret code_;
  std::string origin_;
  bool handed_out_ = false;
};

// Nobody can be asked: answers at once with Code::needs_person, reason mfa_needed, and what to do ("run `tollgate login
// PROFILE` in a terminal first").
class NoCodeSource final : public CodeSource {
 public:
  // `why`: "there is no terminal", "--no-input was given".
  explicit NoCodeSource(std::string why = "there is no terminal") : why_(std::move(why)) {}
  Kind kind() const override { return Kind::none; }
  Result<Secret> ask(const CodePrompt& prompt) override;
  Result<void> wait(Duration duration, std::string_view why) override;

 private:
  std::string why_;
};

}  // namespace tollgate::mfa
