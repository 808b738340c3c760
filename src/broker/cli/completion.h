// What a shell may offer for a command line of tollgate that is not finished, from the same data as --help, and the
// scripts that ask for it. Pure functions: names of profiles come in.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/cli/command.h"

namespace tollgate::cli {

struct Candidate {
  std::string value;
  std::string description;  // may be empty
};

// What the shell itself knows better and shall offer beside the candidates.
enum class AlsoOffer { nothing, files, directories, programs, command_line };

struct Completions {
  std::vector<Candidate> candidates;
  AlsoOffer also = AlsoOffer::nothing;
};

// `words` are those behind the program's name, the last one being typed (maybe empty). Candidates are not filtered by
// what is typed, but for the choice between options and other words. `profiles` is called where they are wanted.
Completions complete(const std::vector<Command>& commands, const std::vector<std::string>& words,
                     const std::function<std::vector<std::string>()>& profiles);

// bash splits at '=' and ':' and hands over words with their quotes: puts them together again.
std::vector<std::string> joined_bash_words(const std::vector<std::string>& words);
// For bash: only what continues `typed`, and only the part behind the last '=' or ':' in it, which is what bash
// replaces.
void fit_for_bash(Completions& completions, std::string_view typed);

// One candidate a line, a tab before its description; at last ":nothing", ":files", ... Control characters are
// left out.
std::string completion_lines(const Completions& completions);

// "bash", "zsh", "fish".
const std::vector<std::string>& completion_shells();
// The script for that shell, to be evaluated or put where the shell looks for such; "" for another name.
std::string completion_script(std::string_view shell);

}  // namespace tollgate::cli
