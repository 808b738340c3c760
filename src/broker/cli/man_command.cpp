// tollgate man: the manual pages, for man(1) and for packages.
#include "broker/cli/command.h"
#include "broker/cli/help.h"
#include "broker/cli/man.h"
#include "broker/cli/output.h"

namespace tollgate::cli {
namespace {

struct ManInput {
  std::string topic;
  bool list = false;
};

Result<void> show(const ManInput& input) {
  const std::vector<ManualPage> pages = manual_pages(all_commands());
  if (input.list) {
    std::string files;
    for (const ManualPage& page : pages)
      files += page.file + "\n";
    return print(files);
  }
  std::vector<std::string> topics;
  for (const ManualPage& page : pages) {
    if (input.topic == page.topic || input.topic == page.file) return print(page.text);
    topics.push_back(page.topic);
  }
  const std::string meant = closest_word(input.topic, topics);
  return fail(Error(Code::usage, fmt::format("there is no page {}", input.topic))
                  .do_next(meant.empty() ? "`tollgate man --list` lists all pages"
                                         : fmt::format("did you mean `tollgate man {}`?", meant)));
}

}  // namespace

Command man_command() {
  auto input = std::make_shared<ManInput>();
  Command command;
  command.name = "man";
  command.summary = "Print a manual page as roff";
  command.examples =
      "tollgate man | man -l -\n"
      "tollgate man exec | man -l -\n"
      "tollgate man settings > tollgate-settings.5";
  command.positionals = {{"COMMAND", "A command, or settings. Default: the program's own page.", &input->topic, false}};
  command.options = {{"--list", "", "List the files of all pages instead.", &input->list}};
  command.run = [input](App&) {
    const auto done = show(*input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
