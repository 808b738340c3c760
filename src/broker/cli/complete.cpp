// tollgate completion and the hidden tollgate complete, which its scripts call.
#include <algorithm>

#include "broker/cli/command.h"
#include "broker/cli/completion.h"
#include "broker/cli/output.h"

namespace tollgate::cli {
namespace {

struct CompleteInput {
  std::string shell;
  std::vector<std::string> words;
};

// Whatever goes wrong here, a person is in the middle of typing: nothing is said.
int offer(App& app, const CompleteInput& input) {
  const bool bash = input.shell == "bash";
  const std::vector<std::string> words = bash ? joined_bash_words(input.words) : input.words;
  const std::string typed = words.empty() ? "" : words.back();
  Completions completions = complete(all_commands(), words, [&] {
    std::vector<std::string> names;
    if (const auto set = app.profiles()) {
      for (const aws::Profile& profile : (*set)->profiles)
        names.push_back(profile.name);
    }
    // Stored keys may belong to a profile that no file has.
    if (const auto keys = app.vault()) {
      for (std::string& name : (*keys)->profiles()) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
      }
    }
    return names;
  });
  if (bash) fit_for_bash(completions, typed);
  return print(completion_lines(completions)) ? 0 : exit_status(Code::io);
}

}  // namespace

Command completion_command() {
  auto input = std::make_shared<CompleteInput>();
  Command command;
  command.name = "completion";
  command.summary = "Print the script that completes tollgate's command lines in a shell";
  command.examples =
      "eval \"$(tollgate completion bash)\"             # in ~/.bashrc\n"
      "eval \"$(tollgate completion zsh)\"         # in ~/.zshrc, behind compinit\n"
      "tollgate completion fish > ~/.config/fish/completions/tollgate.fish";
  command.details = "Commands, options, their values and the names of your profiles are completed.";
  command.positionals = {{"SHELL", "bash, zsh or fish.", &input->shell, true, nullptr, completion_shells()}};
  command.run = [input](App&) {
    const auto printed = print(completion_script(input->shell));
    return printed ? 0 : report(printed.error());
  };
  return command;
}

Command complete_command() {
  auto input = std::make_shared<CompleteInput>();
  Command command;
  command.name = "complete";
  command.summary = "What a shell may offer for an unfinished command line";
  command.positionals = {{"SHELL", "Whose rules for words hold.", &input->shell, true, nullptr, completion_shells()}};
  command.rest = &input->words;
  command.hidden = true;
  command.run = [input](App& app) { return offer(app, *input); };
  return command;
}

}  // namespace tollgate::cli
