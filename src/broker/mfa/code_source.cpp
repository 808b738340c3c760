#include "broker/mfa/code_source.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/os/child_process.h"
#include "common/os/terminal.h"

namespace tollgate::mfa {
namespace {

constexpr std::size_t kCodeDigits = 6;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// One line of the question's head; nothing for an empty value.
std::string field(std::string_view name, std::string_view value) {
  return value.empty() ? std::string() : fmt::format("  {:<8} {}\n", name, os::printable(value));
}

Error nobody_to_ask(const CodePrompt& prompt, std::string_view why) {
  const std::string wanted = prompt.profile.empty() ? prompt.serial : "profile " + prompt.profile;
  return Error(Code::needs_person, fmt::format("{} needs a one-time code, and {}", os::printable(wanted), why))
      .because("mfa_needed")
      .do_next(fmt::format("run `tollgate login{}{}` in a terminal first", prompt.profile.empty() ? "" : " ",
                           os::printable(prompt.profile)));
}

}  // namespace

bool is_code(std::string_view text) {
  return text.size() == kCodeDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Secret> normalize_code(std::string_view text) {
  std::array<char, kCodeDigits> digits{};
  std::size_t count = 0;
  bool good = true;
  for (const char c : text) {
    if (is_blank(c)) continue;
    if (c < '0' || c > '9' || count == digits.size()) {
      good = false;
      break;
    }
    digits[count++] = c;
  }
  std::optional<Secret> code;
  if (good && count == digits.size()) code.emplace(std::string_view(digits.data(), digits.size()));
  explicit_bzero(digits.data(), digits.size());
  return code;
}

std::string prompt_text(const CodePrompt& prompt) {
  std::string text = prompt.asked_by.empty()
                         ? std::string("tollgate: a one-time code is needed\n")
                         : fmt::format("tollgate: {} needs a one-time code\n", os::printable(prompt.asked_by));
  text += field("profile", prompt.profile);
  text += field("role", prompt.role_arn);
  text += field("device", prompt.serial);
  text += field("of", prompt.user_label);
  if (!prompt.refusal.empty()) text += os::printable(prompt.refusal) + "\n";
  return text;
}

Result<Secret> TerminalCodeSource::ask(const CodePrompt& prompt) {
  auto terminal = os::Terminal::open(options_.device);
  if (!terminal) return fail(nobody_to_ask(prompt, "there is no terminal to ask at"));
  os::Question question;
  // A second question stands right below the first: only what is new is said again.
  question.text = prompt.attempt == 1 && prompt.refusal.empty() ? prompt_text(prompt) : prompt.refusal + "\n";
  question.label =
      prompt.attempt == 1 ? std::string("Code: ") : fmt::format("Code (try {} of {}): ", prompt.attempt, prompt.tries);
  question.echo = options_.echo;
  question.time_limit = options_.time_limit;
  for (;;) {
    auto answer = terminal->ask(question);
    if (answer) {
      if (auto code = normalize_code(answer->reveal())) return std::move(*code);
    } else if (answer.error().code != Code::invalid) {  // invalid: far too long
      return answer;
    }
    question.text = "A code has six digits.\n";
  }
}

Result<void> TerminalCodeSource::wait(Duration duration, std::string_view why) {
  auto terminal = os::Terminal::open(options_.device);
  if (!terminal) return fail(Code::needs_person, "the terminal has gone");
  return terminal->count_down(duration, [&](Duration left) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(left);
    return fmt::format("{} in {} ", why, format_duration(seconds));
  });
}

Result<Secret> ProgramCodeSource::ask(const CodePrompt& prompt) {
  os::Command command;
  command.argv = {"/bin/sh", "-c", options_.command};
  command.environment = os::Environment(options_.environment)
                            .set("TOLLGATE_MFA_SERIAL", prompt.serial)
                            .set("TOLLGATE_PROFILE", prompt.profile);
  os::CaptureOptions limits;
  limits.may_use_terminal = true;  // it may ask for a PIN
  limits.time_limit = options_.time_limit;
  limits.output_limit = 4096;
  auto captured = os::capture(std::move(command), limits);
  if (!captured) return fail(std::move(captured).error().while_doing("the MFA program"));
  if (WIFSIGNALED(captured->wait_status) && WTERMSIG(captured->wait_status) == SIGINT) {
    return fail(Error(Code::cancelled, "the MFA program was interrupted").because("cancelled"));
  }
  if (!captured->succeeded()) {
    return fail(Error(Code::config,
                      fmt::format("the MFA program failed with {}", os::describe_wait_status(captured->wait_status)))
                    .because("mfa_process_failed")
                    .do_next("run it by hand: it must print six digits and nothing else"));
  }
  if (auto code = normalize_code(captured->output.reveal())) return std::move(*code);
  return fail(Error(Code::invalid, fmt::format("the MFA program printed {} bytes that are not a code of six digits",
                                               captured->output.size()))
                  .because("mfa_process_failed")
                  .do_next("run it by hand: it must print six digits and nothing else"));
}

Result<void> ProgramCodeSource::wait(Duration duration, std::string_view why) {
  // A terminal, where there is one, tells the person why nothing happens; the clock decides.
  if (auto terminal = os::Terminal::open()) {
    terminal->say(
        fmt::format("tollgate: {} in {}", why, format_duration(std::chrono::ceil<std::chrono::seconds>(duration))));
  }
  clock_->sleep_for(duration);
  return {};
}

Result<FixedCodeSource> FixedCodeSource::from_text(const Secret& text, std::string origin) {
  if (auto code = normalize_code(text.reveal())) return FixedCodeSource(std::move(*code), std::move(origin));
  return fail(Error(Code::usage, "a one-time code has six digits").at(origin));
}

Result<FixedCodeSource> FixedCodeSource::from_descriptor(int fd, Duration time_limit) {
  const std::string origin = fmt::format("file descriptor {}", fd);
  char buffer[65] = {};
  std::size_t filled = 0;
  const auto deadline = std::chrono::steady_clock::now() + time_limit;
  while (filled < sizeof buffer && std::memchr(buffer, '\n', filled) == nullptr) {
    const auto left = std::chrono::ceil<Duration>(deadline - std::chrono::steady_clock::now()).count();
    pollfd waiting{fd, POLLIN, 0};
    const int ready = left > 0 ? poll(&waiting, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return fail(Error(Code::unavailable, "no code came in time").because("timed_out").at(origin));
    const ssize_t got = read(fd, buffer + filled, sizeof buffer - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Error(Code::usage, std::strerror(errno)).at(origin));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  const std::string_view line = std::string_view(buffer, filled).substr(0, std::string_view(buffer, filled).find('\n'));
  auto source = from_text(Secret(line), origin);
  explicit_bzero(buffer, sizeof buffer);
  return source;
}

Result<Secret> FixedCodeSource::ask(const CodePrompt& prompt) {
  if (handed_out_) {
    return fail(
        Error(Code::needs_person, prompt.refusal.empty() ? "the one code that was given has been used" : prompt.refusal)
            .because("mfa_needed")
            .at(origin_)
            .do_next("give the next code of the device"));
  }
  handed_out_ = true;
  return code_;
}

Result<void> FixedCodeSource::wait(Duration, std::string_view) {
  return {};
}

Result<Secret> NoCodeSource::ask(const CodePrompt& prompt) {
  return fail(nobody_to_ask(prompt, why_));
}

Result<void> NoCodeSource::wait(Duration, std::string_view) {
  return {};
}

}  // namespace tollgate::mfa
