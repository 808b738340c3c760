#include "broker/cli/man.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/cli/configuration.h"

namespace tollgate::cli {
namespace {

using testing::HasSubstr;

const ManualPage* page_of(const std::vector<ManualPage>& pages, std::string_view topic) {
  for (const ManualPage& page : pages) {
    if (page.topic == topic) return &page;
  }
  return nullptr;
}

// Every flag of every command, as help has it.
TEST(ManualPages, HaveEveryFlagOfEveryCommand) {
  const std::vector<ManualPage> pages = manual_pages(all_commands());
  for (const Command& command : all_commands()) {
    const std::string topic = command.name.substr(0, command.name.find(' '));
    const ManualPage* page = page_of(pages, topic);
    ASSERT_EQ(page != nullptr, !command.hidden) << command.name;
    if (page == nullptr) continue;
    EXPECT_THAT(page->text, HasSubstr(roff_escaped("tollgate " + command.name))) << command.name;
    for (const Option& option : command.options) {
      for (std::size_t at = 0; at <= option.flags.size();) {
        const std::size_t end = std::min(option.flags.find(',', at), option.flags.size());
        EXPECT_THAT(page->text, HasSubstr(roff_escaped(option.flags.substr(at, end - at)))) << command.name;
        at = end + 1;
      }
      EXPECT_THAT(page->text, HasSubstr(roff_escaped(option.help))) << command.name << option.flags;
    }
    for (const Positional& positional : command.positionals)
      EXPECT_THAT(page->text, HasSubstr("\n.B " + roff_escaped(positional.name) + "\n")) << command.name;
  }
}

TEST(ManualPages, ListEveryCommandInTheProgramsOwn) {
  const std::vector<ManualPage> pages = manual_pages(all_commands());
  ASSERT_EQ(pages.front().file, "tollgate.1");
  for (const Command& command : all_commands()) {
    if (command.hidden) continue;
    EXPECT_THAT(pages.front().text, HasSubstr("\n.B " + roff_escaped(command.name) + "\n"));
  }
}

TEST(ManualPages, HaveEverySetting) {
  const std::vector<ManualPage> pages = manual_pages(all_commands());
  const ManualPage* page = page_of(pages, "settings");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->file, "tollgate-settings.5");
  for (const KeyInfo& key : configuration_keys()) {
    EXPECT_THAT(page->text, HasSubstr("\n.B " + roff_escaped(key.name) + "\n"));
    EXPECT_THAT(page->text, HasSubstr(variable_of(key)));
  }
}

TEST(ManualPages, HoldNothingButAscii) {
  for (const ManualPage& page : manual_pages(all_commands())) {
    for (const char c : page.text)
      ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << page.file << ": " << static_cast<int>(c);
  }
}

TEST(Roff, ShowsTextAsItIs) {
  EXPECT_EQ(roff_escaped("a-b\\c"), "a\\-b\\ec");
  EXPECT_EQ(roff_escaped(".x\n'y"), "\\&.x\n\\&\\(aqy");
  EXPECT_EQ(roff_escaped("x.y ~`^"), "x.y \\(ti\\(ga\\(ha");
}

}  // namespace
}  // namespace tollgate::cli
