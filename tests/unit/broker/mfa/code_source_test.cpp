#include "broker/mfa/code_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "tests/support/forked.h"
#include "tests/support/manual_clock.h"

namespace tollgate::mfa {
namespace {

CodePrompt prompt() {
  CodePrompt asked;
  asked.serial = "arn:aws:iam::111111111111:mfa/ana";
  asked.user_label = "key …MPLE";
  asked.profile = "prod";
  asked.role_arn = "arn:aws:iam::222222222222:role/deploy";
  asked.asked_by = "terraform plan";
  return asked;
}

struct Typed {
  const char* name;
  std::string_view text;
  bool good;
};

class CodeForm : public ::testing::TestWithParam<Typed> {};

TEST_P(CodeForm, IsSixDigits) {
  const auto code = normalize_code(GetParam().text);
  EXPECT_EQ(code.has_value(), GetParam().good);
  if (code) {
    EXPECT_EQ(code->reveal(), "123456");
  }
}

INSTANTIATE_TEST_SUITE_P(Texts, CodeForm,
                         ::testing::Values(Typed{"plain", "123456", true}, Typed{"as_shown", "123 456", true},
                                           Typed{"with_newline", " 123456\r\n", true}, Typed{"short", "12345", false},
                                           Typed{"long", "1234567", false}, Typed{"letter", "12345a", false},
                                           Typed{"minus", "-12345", false}, Typed{"empty", "", false},
                                           Typed{"wide_digits", "１２３４５６", false},
                                           Typed{"nul", std::string_view("12345\0", 6), false}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(PromptText, SaysWhoAsksForWhatInEightyColumns) {
  const std::string text = prompt_text(prompt());
  EXPECT_EQ(text,
            "tollgate: terraform plan needs a one-time code\n"
            "  profile  prod\n"
            "  role     arn:aws:iam::222222222222:role/deploy\n"
            "  device   arn:aws:iam::111111111111:mfa/ana\n"
            "  of       key …MPLE\n");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(line.size(), 80U);
}

TEST(PromptText, LeavesOutWhatIsUnknownAndWhatWouldMoveTheCursor) {
  CodePrompt asked;
  asked.profile = "pro\x1b[2Jd";
  asked.refusal = "AWS refused\x07 it";
  EXPECT_EQ(prompt_text(asked), "tollgate: a one-time code is needed\n  profile  pro[2Jd\nAWS refused it\n");
}

TEST(TerminalCodeSource, AsksAgainForAWrongFormWithoutATry) {
  test::OnTerminal person([] {
    TerminalCodeSource source;
    const auto code = source.ask(prompt());
    return code && code->reveal() == "123456" ? 0 : 1;
  });
  person.wait_for("mfa/ana");
  person.wait_for("Code: ");
  person.type("12345\n");
  person.wait_for("A code has six digits.\r\nCode: ");
  person.type(std::string(2000, '1') + "\n");
  person.wait_for("A code has six digits.\r\nCode: ");
  person.type("123 456\n");
  EXPECT_EQ(person.exit_code(), 0);
}

TEST(TerminalCodeSource, SaysWhyItAsksAgain) {
  test::OnTerminal person([] {
    TerminalCodeSource source;
    CodePrompt asked = prompt();
    asked.attempt = 2;
    asked.refusal = "AWS refused the code.";
    return source.ask(asked) ? 0 : 1;
  });
  person.wait_for("AWS refused the code.\r\nCode (try 2 of 3): ");
  person.type("123456\n");
  EXPECT_EQ(person.exit_code(), 0);
}

TEST(TerminalCodeSource, WithoutATerminalSaysWhatToDo) {
  test::Forked nobody([] {
    setsid();
    TerminalCodeSource source;
    const auto code = source.ask(prompt());
    return !code && code.error().code == Code::needs_person && code.error().reason == "mfa_needed" &&
                   code.error().next == "run `tollgate login prod` in a terminal first"
               ? exit_status(code.error().code)
               : 1;
  });
  EXPECT_EQ(nobody.exit_code(), 77);
}

TEST(NoCodeSource, AnswersAtOnceInOneLine) {
  NoCodeSource source("--no-input was given");
  const auto begin = std::chrono::steady_clock::now();
  const auto code = source.ask(prompt());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(100));
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().message, "profile prod needs a one-time code, and --no-input was given");
  EXPECT_EQ(code.error().next, "run `tollgate login prod` in a terminal first");
  EXPECT_EQ(exit_status(code.error().code), 77);
}

class ProgramCodeSourceTest : public ::testing::Test {
 protected:
  Result<Secret> run(const std::string& script, Duration limit = Duration(20000)) {
    ProgramOptions options;
    options.command = script;
    options.environment.set("PATH", "/usr/bin:/bin");
    options.time_limit = limit;
    ProgramCodeSource source(options, clock_);
    return source.ask(prompt());
  }
  test::ManualClock clock_;
};

TEST_F(ProgramCodeSourceTest, TakesWhatAProgramPrints) {
  EXPECT_EQ(run("echo 123456")->reveal(), "123456");
  EXPECT_EQ(run("printf ' 123 456 \\n\\n'")->reveal(), "123456");
  EXPECT_EQ(
      run("test \"$TOLLGATE_PROFILE $TOLLGATE_MFA_SERIAL\" = 'prod arn:aws:iam::111111111111:mfa/ana' && echo 123456")
          ->reveal(),
      "123456");
}

TEST_F(ProgramCodeSourceTest, GetsNoInputOfOurs) {
  EXPECT_EQ(run("cat; echo 123456")->reveal(), "123456");
}

TEST_F(ProgramCodeSourceTest, RefusesOtherOutputWithoutRepeatingIt) {
  for (const char* script : {"echo 12345", "echo 'code: 918273'", "true", "yes 918273"}) {
    const auto code = run(script);
    ASSERT_FALSE(code) << script;
    EXPECT_EQ(code.error().text().find("918273"), std::string::npos) << script;
  }
  EXPECT_EQ(run("echo nonsense").error().code, Code::invalid);
}

TEST_F(ProgramCodeSourceTest, SaysHowAProgramFailed) {
  EXPECT_EQ(run("echo 123456; exit 3").error().message, "the MFA program failed with exit code 3");
  EXPECT_EQ(run("there-is-no-such-program 2>/dev/null").error().message, "the MFA program failed with exit code 127");
  EXPECT_EQ(run("kill -INT $$").error().code, Code::cancelled);
  EXPECT_EQ(run("sleep 100", Duration(100)).error().reason, "timed_out");
}

TEST(FixedCodeSource, HandsItsCodeOutOnce) {
  auto source = FixedCodeSource::from_text(Secret("123 456"), "--mfa-token");
  ASSERT_TRUE(source);
  EXPECT_EQ(source->ask(prompt())->reveal(), "123456");
  const auto again = source->ask(prompt());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::needs_person);
  EXPECT_EQ(again.error().place, "--mfa-token");
}

TEST(FixedCodeSource, RefusesAWrongFormWithoutRepeatingIt) {
  const auto source = FixedCodeSource::from_text(Secret("91827364"), "--mfa-token");
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().text(), "--mfa-token: a one-time code has six digits");
  EXPECT_EQ(exit_status(source.error().code), 64);
}

TEST(FixedCodeSource, ReadsOneLineOfADescriptor) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "123456\nrest", 11), 11);
  auto source = FixedCodeSource::from_descriptor(ends[0], Duration(20000));
  ASSERT_TRUE(source);
  EXPECT_EQ(source->ask(prompt())->reveal(), "123456");
  EXPECT_EQ(FixedCodeSource::from_descriptor(ends[0], Duration(50)).error().reason, "timed_out");
  ASSERT_EQ(write(ends[1], std::string(200, '1').data(), 200), 200);
  EXPECT_EQ(FixedCodeSource::from_descriptor(ends[0], Duration(20000)).error().code, Code::usage);
  EXPECT_EQ(FixedCodeSource::from_descriptor(-1, Duration(50)).error().place, "file descriptor -1");
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace tollgate::mfa
