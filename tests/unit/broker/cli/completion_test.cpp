#include "broker/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tollgate::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;
using Words = std::vector<std::string>;

Words profiles() {
  return {"prod", "my prof", "a:b"};
}

Completions offer(const Words& words) {
  return complete(all_commands(), words, profiles);
}

Words values(const Completions& completions) {
  Words found;
  for (const Candidate& candidate : completions.candidates)
    found.push_back(candidate.value);
  return found;
}

Words values(const Words& words) {
  return values(offer(words));
}

TEST(Completion, OffersCommandsAndProfilesFirst) {
  const Words offered = values({""});
  EXPECT_THAT(offered, IsSupersetOf({"exec", "env", "shim", "profile", "config", "help", "prod"}));
  EXPECT_THAT(offered, Not(Contains("complete")));
  EXPECT_THAT(offered, Not(Contains("shim install")));
  EXPECT_EQ(std::count(offered.begin(), offered.end(), "shim"), 1);
  EXPECT_THAT(values(Words{}), Contains("exec"));
  EXPECT_THAT(values({"-"}), ElementsAre("--help", "--version"));
}

TEST(Completion, OffersSecondWords) {
  EXPECT_THAT(values({"shim", ""}), ElementsAre("install", "remove", "list"));
  EXPECT_THAT(values({"help", "shim", ""}), ElementsAre("install", "remove", "list"));
  EXPECT_THAT(values({"help", ""}), Contains("exec"));
}

// Every flag of every command, so that no new one is forgotten.
TEST(Completion, OffersEveryFlagOfEveryCommand) {
  for (const Command& command : all_commands()) {
    Words words;
    std::string_view rest = command.name;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      words.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    words.emplace_back("-");
    const Words offered = values(words);
    EXPECT_THAT(offered, Contains("--help")) << command.name;
    for (const Option& option : command.options) {
      for (std::size_t at = 0; at <= option.flags.size();) {
        const std::size_t end = std::min(option.flags.find(',', at), option.flags.size());
        EXPECT_THAT(offered, Contains(option.flags.substr(at, end - at))) << command.name;
        at = end + 1;
      }
      // A value of a kind that completion knows, or of a list, is offered behind the flag.
      if (option.value == "PROFILE" || !option.choices.empty()) {
        Words with_flag = words;
        with_flag.back() = option.flags.substr(option.flags.rfind(',') + 1);
        with_flag.emplace_back("");
        EXPECT_THAT(values(with_flag), Not(IsEmpty())) << command.name << " " << option.flags;
      }
    }
  }
}

TEST(Completion, OffersProfilesWhereOneIsWanted) {
  EXPECT_THAT(values({"exec", ""}), ElementsAre("prod", "my prof", "a:b"));
  EXPECT_THAT(values({"exec", "--region", "eu-west-1", ""}), Contains("prod"));
  EXPECT_THAT(values({"exec", "--lazy", ""}), Contains("prod"));
  EXPECT_THAT(values({"exec", "prod", ""}), ElementsAre("--"));
  EXPECT_THAT(values({"credential-process", "--profile", ""}), Contains("my prof"));
  EXPECT_THAT(values({"login", ""}), Contains("prod"));
  EXPECT_THAT(values({"login", "prod", ""}), IsEmpty());
}

TEST(Completion, OffersTheValuesThereAre) {
  EXPECT_THAT(values({"env", "--format", ""}), IsSupersetOf({"sh", "fish", "terragrunt"}));
  EXPECT_THAT(values({"env", "-f", "j"}), Contains("json"));
  EXPECT_THAT(values({"env", "--format=j"}), Contains("--format=json"));
  EXPECT_THAT(values({"env", "--no-such=j"}), IsEmpty());
  EXPECT_THAT(values({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(values({"man", ""}), Contains("exec"));
}

TEST(Completion, LeavesToTheShellWhatItKnowsBetter) {
  EXPECT_EQ(offer({"exec", "prod", "--", "terr"}).also, AlsoOffer::command_line);
  EXPECT_EQ(offer({"prod", "--", ""}).also, AlsoOffer::command_line);
  EXPECT_EQ(offer({"exec", "prod", "--", "terraform", "--"}).also, AlsoOffer::command_line);
  EXPECT_EQ(offer({"shim", "install", "--directory", ""}).also, AlsoOffer::directories);
  EXPECT_EQ(offer({"shim", "install", ""}).also, AlsoOffer::programs);
  EXPECT_EQ(offer({"exec", "--mfa-process", ""}).also, AlsoOffer::programs);
  EXPECT_EQ(offer({"exec", ""}).also, AlsoOffer::nothing);
  EXPECT_EQ(offer({"status", "--", ""}).also, AlsoOffer::nothing);
  EXPECT_THAT(values({"shim", "install", "terraform", ""}), Contains("aws"));
}

TEST(Completion, KnowsTheShortForm) {
  EXPECT_THAT(values({"prod", ""}), ElementsAre("--"));
  EXPECT_THAT(values({"prod", "x", ""}), IsEmpty());
}

TEST(Completion, AsksForProfilesOnlyWhereTheyAreWanted) {
  int asked = 0;
  const auto count = [&] {
    ++asked;
    return Words{};
  };
  complete(all_commands(), {"env", "--f"}, count);
  complete(all_commands(), {"shim", ""}, count);
  EXPECT_EQ(asked, 0);
  complete(all_commands(), {"exec", "p"}, count);
  EXPECT_EQ(asked, 1);
}

TEST(BashWords, ArePutTogether) {
  EXPECT_EQ(joined_bash_words({"env", "--format", "=", "js"}), (Words{"env", "--format=js"}));
  EXPECT_EQ(joined_bash_words({"env", "--format", "="}), (Words{"env", "--format="}));
  EXPECT_EQ(joined_bash_words({"exec", "a", ":", "b"}), (Words{"exec", "a:b"}));
  EXPECT_EQ(joined_bash_words({"exec", "my\\ pr"}), (Words{"exec", "my pr"}));
  EXPECT_EQ(joined_bash_words({"exec", "'my pr"}), (Words{"exec", "my pr"}));
  EXPECT_EQ(joined_bash_words({""}), (Words{""}));
}

TEST(BashCandidates, ContinueWhatIsTyped) {
  const auto fitted = [](const Words& words) {
    Completions completions = offer(words);
    fit_for_bash(completions, words.back());
    return values(completions);
  };
  EXPECT_THAT(fitted({"exec", "pr"}), ElementsAre("prod"));
  EXPECT_THAT(fitted({"env", "--format=js"}), ElementsAre("json"));
  EXPECT_THAT(fitted({"exec", "a:"}), ElementsAre("b"));
  EXPECT_THAT(fitted({"exec", "zz"}), IsEmpty());
}

TEST(CompletionLines, HoldNoControlCharacters) {
  Completions completions;
  completions.candidates = {{"a\nb", "x\ty"}, {"plain", ""}};
  completions.also = AlsoOffer::files;
  EXPECT_EQ(completion_lines(completions), "ab\txy\nplain\n:files\n");
}

TEST(CompletionScripts, AreThereForEachShell) {
  for (const std::string& shell : completion_shells())
    EXPECT_THAT(completion_script(shell), testing::HasSubstr("tollgate complete " + shell)) << shell;
  EXPECT_EQ(completion_script("tcsh"), "");
}

}  // namespace
}  // namespace tollgate::cli
