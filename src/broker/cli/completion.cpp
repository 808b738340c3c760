#include "broker/cli/completion.h"

#include <algorithm>
#include <map>

#include "common/os/terminal.h"

namespace tollgate::cli {
namespace {

using Words = std::vector<std::string>;

// "Print JSON (schema x). More." -> "Print JSON (schema x)"
std::string first_sentence(std::string_view text) {
  const std::size_t end = text.find(". ");
  std::string sentence(text.substr(0, end));
  if (end == std::string_view::npos && sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

std::vector<std::string> flags_of(const Option& option) {
  std::vector<std::string> flags;
  for (std::size_t at = 0; at <= option.flags.size();) {
    const std::size_t end = std::min(option.flags.find(',', at), option.flags.size());
    flags.push_back(option.flags.substr(at, end - at));
    at = end + 1;
  }
  return flags;
}

const Option* find_option(const Command& command, std::string_view flag) {
  for (const Option& option : command.options) {
    const std::vector<std::string> flags = flags_of(option);
    if (std::find(flags.begin(), flags.end(), flag) != flags.end()) return &option;
  }
  return nullptr;
}

class Completer {
 public:
  Completer(const std::vector<Command>& commands, const Words& words,
            const std::function<std::vector<std::string>()>& profiles)
      : commands_(commands), words_(words), profiles_(profiles), current_(words.back()) {}

  Completions run() {
    const bool separated = std::find(words_.begin(), words_.end() - 1, "--") != words_.end() - 1;
    if (words_.size() == 1) {
      first_word();
    } else if (words_.front() == "help") {
      help_topic();
    } else if (const Command* command = find_command()) {
      if (separated) {
        if (command->rest != nullptr) result_.also = AlsoOffer::command_line;
      } else {
        argument(*command, words_typed_for(*command));
      }
    } else if (words_.size() == 2 && is_group(words_.front())) {
      second_words(words_.front());
    } else if (separated) {
      result_.also = AlsoOffer::command_line;  // tollgate PROFILE -- COMMAND
    } else if (words_.size() == 2) {
      add("--", "run a program with this profile");
    }
    return std::move(result_);
  }

 private:
  void add(std::string value, std::string description = "") {
    result_.candidates.push_back({std::move(value), std::move(description)});
  }

  bool is_group(const std::string& word) const {
    return std::any_of(commands_.begin(), commands_.end(),
                       [&](const Command& command) { return !command.hidden && command.name.starts_with(word + " "); });
  }

  const Command* find_named(const std::string& name) const {
    for (const Command& command : commands_) {
      if (command.name == name) return &command;
    }
    return nullptr;
  }

  const Command* find_command() const {
    if (words_.size() > 2) {
      if (const Command* command = find_named(words_[0] + " " + words_[1])) return command;
    }
    return find_named(words_[0]);
  }

  Words words_typed_for(const Command& command) const {
    const bool two = command.name.find(' ') != std::string::npos;
    return {words_.begin() + (two ? 2 : 1), words_.end() - 1};
  }

  void command_names() {
    std::string last;
    for (const Command& command : commands_) {
      const std::size_t blank = command.name.find(' ');
      const std::string word = command.name.substr(0, blank);
      if (command.hidden || word == last) continue;
      last = word;
      if (blank == std::string::npos) {
        add(word, command.summary);
      } else {
        std::string seconds;
        for (const Command& each : commands_) {
          if (!each.hidden && each.name.starts_with(word + " "))
            seconds += (seconds.empty() ? "" : ", ") + each.name.substr(blank + 1);
        }
        add(word, seconds);
      }
    }
  }

  void first_word() {
    if (current_.starts_with('-')) {
      add("--help", "Show help");
      add("--version", "Print the version");
      return;
    }
    command_names();
    add("help", "Show help, or a command's");
    add_profiles();
  }

  void second_words(const std::string& group) {
    for (const Command& command : commands_) {
      if (!command.hidden && command.name.starts_with(group + " "))
        add(command.name.substr(group.size() + 1), command.summary);
    }
    if (current_.starts_with('-')) add("--help", "Show help");
  }

  void help_topic() {
    if (words_.size() == 2) command_names();
    if (words_.size() == 3 && is_group(words_[1])) second_words(words_[1]);
  }

  void add_profiles() {
    for (std::string& name : profiles_())
      add(std::move(name), "profile");
  }

  void value(const std::string& name, const std::vector<std::string>& choices, const std::string& prefix = "") {
    const std::size_t before = result_.candidates.size();
    for (const std::string& choice : choices)
      add(choice);
    if (name == "PROFILE") add_profiles();
    if (name == "COMMAND") command_names();
    if (name == "PROGRAM") {
      for (const char* program : {"terraform", "tofu", "terragrunt", "aws"})
        add(program);
    }
    if (name == "FILE") result_.also = AlsoOffer::files;
    if (name == "DIR") result_.also = AlsoOffer::directories;
    if (name == "CMD" || name == "PROGRAM") result_.also = AlsoOffer::programs;
    for (std::size_t i = before; i < result_.candidates.size(); ++i)
      result_.candidates[i].value.insert(0, prefix);
  }

  void argument(const Command& command, const Words& typed) {
    std::size_t positionals = 0;
    const Option* open = nullptr;  // an option that waits for its value
    for (const std::string& word : typed) {
      if (open != nullptr) {
        open = nullptr;
      } else if (word.starts_with('-')) {
        const Option* option = find_option(command, word);
        if (option != nullptr && !option->value.empty()) open = option;
      } else {
        ++positionals;
      }
    }
    if (open != nullptr) return value(open->value, open->choices);
    if (current_.starts_with('-')) return option_or_its_value(command);
    if (!command.positionals.empty()) {
      const bool more = command.positionals.back().targets != nullptr;
      if (positionals < command.positionals.size() || more) {
        const Positional& positional = command.positionals[std::min(positionals, command.positionals.size() - 1)];
        return value(positional.name, positional.choices);
      }
    }
    if (command.rest != nullptr) add("--", "the program and its arguments follow");
  }

  void option_or_its_value(const Command& command) {
    const std::size_t equals = current_.find('=');
    if (equals != std::string::npos) {
      const Option* option = find_option(command, current_.substr(0, equals));
      if (option != nullptr) value(option->value, option->choices, current_.substr(0, equals + 1));
      return;
    }
    for (const Option& option : command.options) {
      for (const std::string& flag : flags_of(option))
        add(flag, first_sentence(option.help));
    }
    add("--help", "Show help");
    if (command.rest != nullptr) add("--", "the program and its arguments follow");
  }

  const std::vector<Command>& commands_;
  const Words& words_;
  const std::function<std::vector<std::string>()>& profiles_;
  const std::string& current_;
  Completions result_;
};

// As far as a shell would take quotes away from a word that is being typed.
std::string unquoted(std::string_view word) {
  std::string text;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\'' || word[i] == '"') continue;
    if (word[i] == '\\' && i + 1 < word.size()) ++i;
    text += word[i];
  }
  return text;
}

constexpr std::string_view kBash =
    R"sh(# Completion of tollgate for bash. In ~/.bashrc: eval "$(tollgate completion bash)"
_tollgate() {
  local line value also= current=${COMP_WORDS[COMP_CWORD]} i
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      also=${line#:}
    else
      value=${line%%$'\t'*}
      [[ $current == [\'\"]* ]] || printf -v value %q "$value"
      COMPREPLY+=("$value")
    fi
  done < <(command tollgate complete bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case $also in
    files) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current") ;;
    directories) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current") ;;
    programs) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -c -- "$current") ;;
    command_line)
      for ((i = 1; i < COMP_CWORD; i++)); do [[ ${COMP_WORDS[i]} == -- ]] && break; done
      if declare -F _command_offset >/dev/null; then
        _command_offset $((i + 1))
      elif ((COMP_CWORD == i + 1)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
      else
        compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")
      fi ;;
  esac
}
complete -F _tollgate tollgate
)sh";

constexpr std::string_view kZsh = R"sh(#compdef tollgate
# Completion of tollgate for zsh: a file _tollgate in $fpath, or in ~/.zshrc behind compinit:
# eval "$(tollgate completion zsh)"
_tollgate() {
  local line also
  local -a offers
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      also=${line#:}
    else
      local value=${line%%$'\t'*} about=${line#*$'\t'}
      [[ $line == *$'\t'* ]] || about=
      offers+=("${value//:/\\:}${about:+:$about}")
    fi
  done < <(command tollgate complete zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( ${#offers} )) && _describe -V tollgate offers
  case $also in
    files) _files ;;
    directories) _files -/ ;;
    programs) _command_names -e ;;
    command_line)
      local -i i=${words[(ie)--]}
      words=("${(@)words[i+1,-1]}")
      (( CURRENT -= i ))
      _normal ;;
  esac
}
if [[ ${funcstack[1]} == _tollgate ]]; then
  _tollgate "$@"
else
  compdef _tollgate tollgate
fi
)sh";

constexpr std::string_view kFish = R"sh(# Completion of tollgate for fish, in ~/.config/fish/completions/tollgate.fish
function __tollgate_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    for line in (command tollgate complete fish -- $words "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':directories'
                __fish_complete_directories "$current" ''
            case ':programs'
                __fish_complete_command
            case ':command_line'
                set -l at (contains -i -- -- $words)
                set -e words[1..$at]
                complete -C (string join ' ' -- (string escape -- $words) "$current")
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c tollgate -f -k -a '(__tollgate_complete)'
)sh";

}  // namespace

Completions complete(const std::vector<Command>& commands, const std::vector<std::string>& words,
                     const std::function<std::vector<std::string>()>& profiles) {
  if (words.empty()) return complete(commands, {""}, profiles);
  return Completer(commands, words, profiles).run();
}

std::vector<std::string> joined_bash_words(const std::vector<std::string>& words) {
  std::vector<std::string> joined;
  bool glue = false;
  for (const std::string& word : words) {
    const bool separator = word == "=" || word == ":";
    if ((separator || glue) && !joined.empty() && joined.back() != "--") {
      joined.back() += unquoted(word);
    } else {
      joined.push_back(unquoted(word));
    }
    glue = separator;
  }
  return joined;
}

void fit_for_bash(Completions& completions, std::string_view typed) {
  std::erase_if(completions.candidates,
                [&](const Candidate& candidate) { return !candidate.value.starts_with(typed); });
  const std::size_t cut = typed.find_last_of("=:");
  if (cut == std::string_view::npos) return;
  for (Candidate& candidate : completions.candidates)
    candidate.value.erase(0, cut + 1);
}

std::string completion_lines(const Completions& completions) {
  std::string text;
  for (const Candidate& candidate : completions.candidates) {
    text += os::printable(candidate.value);
    if (!candidate.description.empty()) text += "\t" + os::printable(candidate.description);
    text += "\n";
  }
  switch (completions.also) {
    case AlsoOffer::nothing:
      return text + ":nothing\n";
    case AlsoOffer::files:
      return text + ":files\n";
    case AlsoOffer::directories:
      return text + ":directories\n";
    case AlsoOffer::programs:
      return text + ":programs\n";
    case AlsoOffer::command_line:
      break;
  }
  return text + ":command_line\n";
}

const std::vector<std::string>& completion_shells() {
  static const std::vector<std::string> shells{"bash", "zsh", "fish"};
  return shells;
}

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  return "";
}

}  // namespace tollgate::cli
