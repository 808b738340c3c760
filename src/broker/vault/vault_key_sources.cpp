#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "broker/vault/vault_key.h"
#include "common/os/child_process.h"
#include "common/os/terminal.h"

namespace tollgate::vault {
namespace {

constexpr std::size_t kMaxSecretBytes = 64 << 10;
constexpr std::size_t kMaxLineBytes = 1024;
constexpr int kSecretServiceNotFound = 1;  // its exit status

// One line, byte by byte, so that what follows stays for the next reader of the descriptor.
Result<Secret> line_from(int fd) {
  std::string line;
  line.reserve(kMaxLineBytes);
  for (;;) {
    char c = 0;
    const ssize_t got = ::read(fd, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || (got == 0 && line.empty())) {
      wipe(line);
      return fail(Error(Code::usage, fmt::format("no passphrase can be read from descriptor {}", fd))
                      .at(std::string(kPassphraseDescriptorVariable))
                      .do_next("pass it as in `TOLLGATE_PASSPHRASE_FD=3 tollgate ... 3<FILE`, or unset the variable"));
    }
    if (got == 0 || c == '\n') return Secret::take(std::move(line));
    if (line.size() + 1 >= kMaxLineBytes) {
      wipe(line);
      return fail(Error(Code::invalid, "the passphrase is too long").at(std::string(kPassphraseDescriptorVariable)));
    }
    line.push_back(c);
  }
}

Result<Secret> ask_new(os::Terminal& terminal, Duration time_limit) {
  std::string text =
      "tollgate: choose a passphrase for the stored keys. It is asked for rarely, and cannot be recovered.\n";
  std::string label = "New passphrase: ";
  for (;;) {
    TG_TRY(Secret first, terminal.ask({.text = text, .label = label, .echo = false, .time_limit = time_limit}));
    text.clear();
    if (first.size() < kMinPassphraseBytes) {
      label = fmt::format("At least {} characters, please: ", kMinPassphraseBytes);
      continue;
    }
    TG_TRY(const Secret again, terminal.ask({.text = "", .label = "The same again: ", .echo = false}));
    if (again == first) return first;
    label = "The two differ. New passphrase, once more: ";
  }
}

Result<Secret> ask_known(os::Terminal& terminal, int attempt, Duration time_limit) {
  return terminal.ask(
      {.text = attempt == 1 ? "tollgate: the stored keys are locked.\n" : "tollgate: that passphrase is wrong.\n",
       .label = "Passphrase of the stored keys: ",
       .echo = false,
       .time_limit = time_limit});
}

}  // namespace

Error too_short_passphrase(std::string_view what) {
  return Error(Code::invalid, fmt::format("{} is shorter than {} characters", what, kMinPassphraseBytes))
      .do_next("choose a longer one: it is all that guards the stored keys on a copied disk");
}

std::string describe(const Protection& protection) {
  switch (protection.kind) {
    case Protection::Kind::passphrase:
      return "a passphrase";
    case Protection::Kind::key_file:
      return fmt::format("the key file {}", protection.key_file);
    case Protection::Kind::command:
      return fmt::format("the command `{}`", protection.command);
    case Protection::Kind::secret_service:
      return "a secret in the desktop's keyring";
  }
  return {};
}

PassphraseSource passphrase_from_person(const os::Environment& environment, const PersonOptions& options) {
  const std::string descriptor = environment.get_or(kPassphraseDescriptorVariable, "");
  return [descriptor, &options](const PassphraseRequest& request) -> Result<Secret> {
    if (!descriptor.empty()) {
      int fd = -1;
      const auto [end, problem] = std::from_chars(descriptor.data(), descriptor.data() + descriptor.size(), fd);
      if (problem != std::errc() || end != descriptor.data() + descriptor.size() || fd < 0) {
        return fail(Error(Code::usage, fmt::format("{} is not the number of a descriptor", descriptor))
                        .at(std::string(kPassphraseDescriptorVariable)));
      }
      if (request.attempt > 1) {
        return fail(Error(Code::forbidden, fmt::format("the passphrase from descriptor {} is wrong", fd))
                        .because("wrong_passphrase"));
      }
      TG_TRY(Secret line, line_from(fd));
      if (request.is_new && line.size() < kMinPassphraseBytes) return fail(too_short_passphrase("the passphrase"));
      return line;
    }
    auto terminal = options.may_ask ? os::Terminal::open() : Result<os::Terminal>(fail(Code::needs_person, ""));
    if (!terminal) {
      return fail(
          Error(Code::needs_person, fmt::format("the stored keys are locked, and {}",
                                                options.may_ask ? "there is no terminal to ask for the passphrase"
                                                                : "nobody may be asked for the passphrase"))
              .do_next("run `tollgate keys unlock` in a terminal, or `tollgate keys protect --key-file FILE` "
                       "for a machine without one")
              .because("passphrase_needed"));
    }
    return request.is_new ? ask_new(*terminal, options.time_limit)
                          : ask_known(*terminal, request.attempt, options.time_limit);
  };
}

SecretCommand shell_secret_command(os::Environment environment, Duration time_limit) {
  return [environment = std::move(environment), time_limit](const std::string& command) -> Result<Secret> {
    os::Command shell;
    shell.argv = {"/bin/sh", "-c", command};
    shell.environment = environment;
    os::CaptureOptions options;
    options.may_use_terminal = true;
    options.time_limit = time_limit;
    options.output_limit = kMaxSecretBytes;
    TG_TRY(os::Captured captured, os::capture(std::move(shell), options));
    if (!captured.succeeded()) {
      return fail(Error(Code::forbidden, fmt::format("the command that unlocks the stored keys, `{}`, failed: {}",
                                                     command, os::describe_wait_status(captured.wait_status)))
                      .do_next("run it by hand to see why")
                      .because("unlock_command_failed"));
    }
    return std::move(captured.output);
  };
}

SecretService secret_service_program(std::string program, os::Environment environment, Duration time_limit) {
  const auto run = [program = std::move(program), environment = std::move(environment), time_limit](
                       const char* operation, const std::string& item, const Secret& input) -> Result<Secret> {
    os::Command command;
    command.argv = {program, operation, item};
    command.environment = environment;
    command.error = os::Stdio::pipe();
    os::CaptureOptions options;
    options.input = std::string(input.reveal());
    options.time_limit = time_limit;
    options.output_limit = kMaxSecretBytes;
    auto captured = os::capture(std::move(command), options);
    wipe(options.input);
    if (!captured) return fail(std::move(captured.error()).while_doing("the desktop's keyring"));
    if (captured->succeeded()) return std::move(captured->output);
    if (WIFEXITED(captured->wait_status) && WEXITSTATUS(captured->wait_status) == kSecretServiceNotFound) {
      return fail(Error(Code::not_found, "the desktop's keyring does not have the secret that unlocks the stored keys")
                      .do_next("restore the keyring; without it the keys must be made anew in AWS and stored again"));
    }
    std::string why = captured->error_output.substr(0, captured->error_output.find('\n'));
    return fail(Error(Code::unavailable,
                      fmt::format("the desktop's keyring cannot be used: {}",
                                  why.empty() ? os::describe_wait_status(captured->wait_status) : os::printable(why)))
                    .do_next("unlock it in a desktop session; where there is none, `tollgate keys protect "
                             "--passphrase` from a session that has one")
                    .because("no_secret_service"));
  };
  SecretService service;
  service.lookup = [run](const std::string& item) { return run("lookup", item, Secret()); };
  service.store = [run](const std::string& item, const Secret& secret) -> Result<void> {
    TG_CHECK(run("store", item, secret));
    return {};
  };
  service.clear = [run](const std::string& item) -> Result<void> {
    TG_CHECK(run("clear", item, Secret()));
    return {};
  };
  return service;
}

}  // namespace tollgate::vault
