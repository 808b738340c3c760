#include "broker/cli/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tollgate::cli {
namespace {

using testing::HasSubstr;

void expect_80_columns(std::string_view text, std::string_view what) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    EXPECT_LE(end, 80U) << what << ": " << text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

TEST(Help, FitsEightyColumns) {
  const std::vector<Command> commands = all_commands();
  expect_80_columns(overview_text(commands), "overview");
  for (const Command& command : commands) {
    expect_80_columns(help_text(command), command.name);
    const std::string group = command.name.substr(0, command.name.find(' '));
    if (group != command.name) expect_80_columns(group_text(group, commands), group);
  }
}

TEST(Help, ShowsEveryOptionOfEveryCommand) {
  for (const Command& command : all_commands()) {
    const std::string text = help_text(command);
    EXPECT_THAT(text, HasSubstr(command.summary.substr(0, 20)));
    for (const Option& option : command.options) {
      const std::string last = option.flags.substr(option.flags.rfind(',') + 1);
      EXPECT_THAT(text, HasSubstr(last)) << command.name;
      EXPECT_FALSE(option.help.empty()) << command.name << " " << option.flags;
    }
    for (const Positional& positional : command.positionals)
      EXPECT_THAT(text, HasSubstr(positional.name)) << command.name;
  }
}

TEST(Help, ListsEveryCommandThatIsNotHidden) {
  const std::vector<Command> commands = all_commands();
  const std::string text = overview_text(commands);
  for (const Command& command : commands)
    EXPECT_EQ(text.find("\n  " + command.name + " ") != std::string::npos, !command.hidden) << command.name;
}

TEST(Commands, AreDistinctAndComplete) {
  std::set<std::string> names;
  for (const Command& command : all_commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_TRUE(command.run) << command.name;
    EXPECT_FALSE(command.summary.empty()) << command.name;
    EXPECT_FALSE(command.summary.ends_with('.')) << command.name;
    EXPECT_TRUE(command.hidden || !command.examples.empty() || command.name == "version") << command.name;
    for (const Option& option : command.options) {
      const bool is_switch = std::holds_alternative<bool*>(option.target);
      EXPECT_EQ(is_switch, option.value.empty()) << command.name << " " << option.flags;
    }
  }
}

TEST(Wrapping, BreaksBetweenWords) {
  EXPECT_EQ(wrapped("one two three", 0, 7), "one two\nthree");
  EXPECT_EQ(wrapped("one two three", 2, 7), "one\n  two\n  three");
  EXPECT_EQ(wrapped("unbreakable", 0, 4), "unbreakable");
  EXPECT_EQ(wrapped("", 0), "");
}

TEST(Suggestions, AreForNearMisses) {
  const std::vector<Command> commands = all_commands();
  EXPECT_THAT(suggestion("exce", commands), HasSubstr("tollgate exec"));
  EXPECT_THAT(suggestion("credental-proces", commands), HasSubstr("tollgate credential-process"));
  EXPECT_THAT(suggestion("zebra", commands), HasSubstr("tollgate help"));
  EXPECT_EQ(closest_word("jsn", {"sh", "json", "ini"}), "json");
  EXPECT_EQ(closest_word("zebra", {"sh", "json"}), "");
  EXPECT_EQ(closest_word("x", {}), "");
}

TEST(UsageLine, NamesWhatRepeatsAndWhatMayBeLeftOut) {
  std::vector<std::string> many;
  Command command;
  command.name = "shim install";
  command.positionals = {{"PROGRAM", "", nullptr, true, &many}};
  EXPECT_EQ(usage_line(command), "shim install PROGRAM...");
}

}  // namespace
}  // namespace tollgate::cli
