#include "broker/mfa/device_gate.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/forked.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::mfa {
namespace {

const DeviceKey kDevice{"arn:aws:iam::111111111111:mfa/ana", "AKIAEXAMPLE"};

Secret gate_key() {
  return Secret("a key of thirty-two bytes, or so");
}

// Gives what it was told to; waiting moves the clock.
class ScriptedSource final : public CodeSource {
 public:
  ScriptedSource(std::deque<Result<Secret>> answers, const Clock& clock, Kind kind = Kind::person)
      : answers_(std::move(answers)), clock_(&clock), kind_(kind) {}
  Kind kind() const override { return kind_; }
  Result<Secret> ask(const CodePrompt& prompt) override {
    prompts.push_back(prompt);
    if (answers_.empty()) return fail(Code::internal, "asked too often");
    auto answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  Result<void> wait(Duration duration, std::string_view) override {
    waits.push_back(duration);
    if (cancel_waits) return fail(Error(Code::cancelled, "cancelled").because("cancelled"));
    clock_->sleep_for(duration);
    return {};
  }
  std::vector<CodePrompt> prompts;
  std::vector<Duration> waits;
  bool cancel_waits = false;

 private:
  std::deque<Result<Secret>> answers_;
  const Clock* clock_;
  Kind kind_;
};

Result<Secret> code(std::string_view digits) {
  return Secret(digits);
}
Result<Secret> cancelled() {
  return fail(Error(Code::cancelled, "cancelled at the terminal").because("cancelled"));
}

class DeviceGateTest : public ::testing::Test {
 protected:
  DeviceGateTest() : directory_(std::move(*os::PrivateDirectory::open(outside_.path()))) {}

  Result<GateOutcome> pass(CodeSource& source, std::deque<Attempt> attempts, GateOptions options = {}) {
    UsedCodes codes(directory_, gate_key(), clock_);
    DeviceGate gate(directory_, source, codes, clock_, options);
    GateCallbacks callbacks;
    callbacks.recheck = [this] { return cached_; };
    callbacks.spend = [this, &attempts](const Secret& spent) {
      spent_.emplace_back(spent.reveal());
      Attempt attempt = attempts.front();
      attempts.pop_front();
      return attempt;
    };
    CodePrompt prompt;
    prompt.serial = kDevice.serial;
    prompt.asked_by = "terraform plan";
    return gate.pass(kDevice, prompt, callbacks);
  }

  test::TemporaryDirectory outside_;
  os::PrivateDirectory directory_;
  test::ManualClock clock_;
  bool cached_ = false;
  std::vector<std::string> spent_;
};

using Codes = std::vector<std::string>;

TEST_F(DeviceGateTest, AsksOnceAndSpendsTheCode) {
  ScriptedSource source({code("111111")}, clock_);
  EXPECT_EQ(pass(source, {Attempt::accepted()}), GateOutcome::passed);
  EXPECT_EQ(spent_, Codes{"111111"});
  EXPECT_EQ(source.prompts.at(0).attempt, 1);
  EXPECT_EQ(source.prompts.at(0).tries, 3);
  EXPECT_TRUE(source.waits.empty());
}

TEST_F(DeviceGateTest, AsksNobodyWhereTheCacheHasItByNow) {
  cached_ = true;
  ScriptedSource source({}, clock_);
  EXPECT_EQ(pass(source, {}), GateOutcome::already_there);
  EXPECT_TRUE(source.prompts.empty());
}

TEST_F(DeviceGateTest, ARefusedCodeIsTriedAgainWithTheReason) {
  ScriptedSource source({code("111111"), code("222222")}, clock_);
  EXPECT_EQ(pass(source, {Attempt::refused("AWS says no."), Attempt::accepted()}), GateOutcome::passed);
  EXPECT_EQ(source.prompts.at(1).attempt, 2);
  EXPECT_EQ(source.prompts.at(1).refusal, "AWS says no.");
  EXPECT_TRUE(source.waits.empty()) << "a slip of the finger costs no waiting";
}

TEST_F(DeviceGateTest, ThreeRefusalsAreTheEnd) {
  ScriptedSource source({code("111111"), code("222222"), code("333333"), code("444444")}, clock_);
  const auto result = pass(source, {Attempt::refused("no"), Attempt::refused("no"), Attempt::refused("still no")});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "mfa_code_refused");
  EXPECT_EQ(result.error().message, "still no");
  EXPECT_EQ(exit_status(result.error().code), 77);
  EXPECT_EQ(spent_.size(), 3U);
}

TEST_F(DeviceGateTest, AUsedCodeIsRefusedHereAndWaitedOutWithoutATry) {
  ScriptedSource first({code("111111")}, clock_);
  ASSERT_TRUE(pass(first, {Attempt::refused("no"), Attempt::accepted()}).error().code == Code::internal);
  spent_.clear();
  ScriptedSource second({code("111111"), code("222222")}, clock_);
  EXPECT_EQ(pass(second, {Attempt::accepted()}), GateOutcome::passed);
  EXPECT_EQ(spent_, Codes{"222222"});
  EXPECT_EQ(second.waits, std::vector<Duration>{Duration(25000)}) << "to the end of the step";
  EXPECT_EQ(second.prompts.at(1).attempt, 1);
  EXPECT_FALSE(second.prompts.at(1).refusal.empty());
}

TEST_F(DeviceGateTest, AfterAnAcceptedCodeTheNextStepIsWaitedForBeforeAsking) {
  ScriptedSource first({code("111111")}, clock_);
  ASSERT_TRUE(pass(first, {Attempt::accepted()}));
  ScriptedSource second({code("222222")}, clock_);
  ASSERT_TRUE(pass(second, {Attempt::accepted()}));
  EXPECT_EQ(second.waits, std::vector<Duration>{Duration(25000)});
  clock_.advance(Duration(30000));
  ScriptedSource third({code("333333")}, clock_);
  ASSERT_TRUE(pass(third, {Attempt::accepted()}));
  EXPECT_TRUE(third.waits.empty());
}

TEST_F(DeviceGateTest, AProgramStuckOnOneCodeIsGivenUp) {
  ScriptedSource first({code("111111")}, clock_);
  ASSERT_TRUE(pass(first, {Attempt::accepted()}));
  clock_.advance(Duration(30000));
  ScriptedSource stuck({code("111111"), code("111111"), code("111111"), code("111111"), code("111111"), code("111111")},
                       clock_, CodeSource::Kind::program);
  // After two minutes AWS would not take it either, but by then it is a new code as far as anyone can tell.
  const auto result = pass(stuck, {Attempt::accepted()});
  EXPECT_LE(stuck.waits.size(), 4U);
  EXPECT_LE(spent_.size(), 2U);
}

TEST_F(DeviceGateTest, AFixedCodeIsNotWaitedForAndNotSentTwice) {
  ScriptedSource first({code("111111")}, clock_);
  ASSERT_TRUE(pass(first, {Attempt::accepted()}));
  ScriptedSource fixed({code("111111")}, clock_, CodeSource::Kind::fixed);
  const auto result = pass(fixed, {Attempt::accepted()});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "mfa_code_used");
  EXPECT_TRUE(fixed.waits.empty());
  ScriptedSource other({code("222222"), code("333333")}, clock_, CodeSource::Kind::fixed);
  EXPECT_EQ(pass(other, {Attempt::refused("no")}).error().reason, "mfa_code_refused");
  EXPECT_EQ(other.prompts.size(), 1U);
}

TEST_F(DeviceGateTest, AFailureEndsItAndOnlyAnUnsentCodeStaysGood) {
  ScriptedSource first({code("111111")}, clock_);
  const auto unsent = pass(first, {Attempt::failed(Error(Code::unavailable, "no route"), true)});
  EXPECT_EQ(unsent.error().message, "no route");
  ScriptedSource second({code("111111")}, clock_);
  EXPECT_EQ(pass(second, {Attempt::failed(Error(Code::unknown, "no answer"))}).error().code, Code::unknown);
  EXPECT_EQ(spent_, (Codes{"111111", "111111"}));
  ScriptedSource third({code("111111"), code("222222")}, clock_);
  EXPECT_TRUE(pass(third, {Attempt::accepted()}));
  EXPECT_EQ(spent_.back(), "222222");
}

TEST_F(DeviceGateTest, ACancelledQuestionAnswersForSomeSeconds) {
  ScriptedSource first({cancelled()}, clock_);
  EXPECT_EQ(pass(first, {}).error().code, Code::cancelled);
  clock_.advance(Duration(9000));
  ScriptedSource second({}, clock_);
  const auto result = pass(second, {});
  EXPECT_EQ(result.error().code, Code::cancelled);
  EXPECT_EQ(exit_status(result.error().code), 130);
  EXPECT_NE(result.error().message.find("terraform plan"), std::string::npos);
  EXPECT_TRUE(second.prompts.empty());
  clock_.advance(Duration(1000));
  ScriptedSource third({code("111111")}, clock_);
  EXPECT_EQ(pass(third, {Attempt::accepted()}), GateOutcome::passed);
}

TEST_F(DeviceGateTest, ACommandJustTypedAsksAgainAfterACancelledOne) {
  ScriptedSource first({cancelled()}, clock_);
  EXPECT_FALSE(pass(first, {}));
  clock_.advance(Duration(1));
  GateOptions options;
  options.fresh_request = true;
  ScriptedSource second({code("111111")}, clock_);
  EXPECT_EQ(pass(second, {Attempt::accepted()}, options), GateOutcome::passed);
}

TEST_F(DeviceGateTest, ANetworkThatFailedIsNoAnswerForOthers) {
  ScriptedSource first({code("111111")}, clock_);
  EXPECT_FALSE(pass(first, {Attempt::failed(Error(Code::unavailable, "no route"), true)}));
  ScriptedSource second({code("111111")}, clock_);
  EXPECT_EQ(pass(second, {Attempt::accepted()}), GateOutcome::passed);
}

TEST_F(DeviceGateTest, AQuestionNobodyAnsweredAnswersForSomeSeconds) {
  ScriptedSource first({fail(Error(Code::needs_person, "nobody answered").because("timed_out"))}, clock_);
  EXPECT_FALSE(pass(first, {}));
  ScriptedSource second({}, clock_);
  EXPECT_EQ(pass(second, {}).error().code, Code::needs_person);
}

TEST_F(DeviceGateTest, NobodyToAskLeavesTheGateOpen) {
  NoCodeSource nobody;
  EXPECT_EQ(pass(nobody, {}).error().reason, "mfa_needed");
  ScriptedSource second({code("111111")}, clock_);
  EXPECT_EQ(pass(second, {Attempt::accepted()}), GateOutcome::passed);
}

TEST_F(DeviceGateTest, ACancelledCountdownCancels) {
  ScriptedSource first({code("111111")}, clock_);
  ASSERT_TRUE(pass(first, {Attempt::accepted()}));
  ScriptedSource second({}, clock_);
  second.cancel_waits = true;
  EXPECT_EQ(pass(second, {}).error().code, Code::cancelled);
}

// What happens between processes, with the system's clock.

class BetweenProcesses : public ::testing::Test {
 protected:
  BetweenProcesses() : directory_(std::move(*os::PrivateDirectory::open(outside_.path()))) {}

  // Appends one byte: a counter that processes share.
  void count(const std::string& name) const {
    const int fd = open(outside_.file(name).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    static_cast<void>(!write(fd, "x", 1));
    close(fd);
  }
  int counted(const std::string& name) const {
    struct stat info {};
    return stat(outside_.file(name).c_str(), &info) == 0 ? static_cast<int>(info.st_size) : 0;
  }

  // 0 passed, 1 shared, 2 cancelled, 3 prompt elsewhere, 9 anything else.
  int pass(const std::function<Result<Secret>()>& ask, GateOptions options = {}) {
    class Source final : public CodeSource {
     public:
      explicit Source(const std::function<Result<Secret>()>& answer) : answer_(answer) {}
      Kind kind() const override { return Kind::person; }
      Result<Secret> ask(const CodePrompt&) override { return answer_(); }
      Result<void> wait(Duration, std::string_view) override { return {}; }

     private:
      const std::function<Result<Secret>()>& answer_;
    };
    const SystemClock clock;
    Source source(ask);
    UsedCodes codes(directory_, gate_key(), clock);
    DeviceGate gate(directory_, source, codes, clock, options);
    GateCallbacks callbacks;
    callbacks.recheck = [this] { return counted("cache") > 0; };
    callbacks.spend = [this](const Secret&) {
      count("spent");
      count("cache");
      return Attempt::accepted();
    };
    CodePrompt prompt;
    prompt.serial = kDevice.serial;
    prompt.asked_by = "terraform plan";
    count("started");
    const auto result = gate.pass(kDevice, prompt, callbacks);
    if (result) return *result == GateOutcome::passed ? 0 : 1;
    if (result.error().code == Code::cancelled) return 2;
    if (result.error().reason == "mfa_prompt_elsewhere" &&
        result.error().message.find("terraform plan (process ") == 0) {
      return 3;
    }
    std::fprintf(stderr, "%s\n", result.error().text().c_str());
    return 9;
  }

  test::TemporaryDirectory outside_;
  os::PrivateDirectory directory_;
};

TEST_F(BetweenProcesses, FiftyAskOnceAndSpendOneCode) {
  constexpr int kProcesses = 50;
  std::vector<test::Forked> processes;
  for (int i = 0; i < kProcesses; ++i) {
    processes.emplace_back([&] {
      return pass([&]() -> Result<Secret> {
        count("asked");
        // The person is slower than all the others are at starting.
        if (!test::eventually([&] { return counted("started") == kProcesses; })) return fail(Code::internal, "late");
        return Secret("123456");
      });
    });
  }
  int passed = 0;
  for (test::Forked& process : processes) {
    const int outcome = process.exit_code();
    EXPECT_TRUE(outcome == 0 || outcome == 1) << outcome;
    passed += outcome == 0 ? 1 : 0;
  }
  EXPECT_EQ(passed, 1);
  EXPECT_EQ(counted("asked"), 1);
  EXPECT_EQ(counted("spent"), 1);
}

TEST_F(BetweenProcesses, AKilledHolderIsFollowedWithinASecond) {
  test::Forked holder([&] {
    return pass([&]() -> Result<Secret> {
      count("asked");
      pause();
      return fail(Code::internal, "continued");
    });
  });
  ASSERT_TRUE(test::eventually([&] { return counted("asked") == 1; }));
  test::Forked waiter([&] {
    return pass([&]() -> Result<Secret> {
      count("asked");
      return Secret("123456");
    });
  });
  ASSERT_TRUE(test::eventually([&] { return counted("started") == 2; }));
  const auto begin = std::chrono::steady_clock::now();
  holder.kill(SIGKILL);
  EXPECT_TRUE(test::eventually([&] { return counted("spent") == 1; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_EQ(waiter.exit_code(), 0);
}

TEST_F(BetweenProcesses, OneCancelledQuestionAnswersFortyWaiters) {
  constexpr int kProcesses = 40;
  std::vector<test::Forked> processes;
  for (int i = 0; i < kProcesses; ++i) {
    processes.emplace_back([&] {
      return pass([&]() -> Result<Secret> {
        count("asked");
        test::eventually([&] { return counted("started") == kProcesses; });
        return cancelled();
      });
    });
  }
  for (test::Forked& process : processes)
    EXPECT_EQ(process.exit_code(), 2);
  EXPECT_EQ(counted("asked"), 1);
  EXPECT_EQ(counted("spent"), 0);
}

TEST_F(BetweenProcesses, AWaiterGivesUpInTimeAndSaysWhoAsks) {
  test::Forked holder([&] {
    return pass([&]() -> Result<Secret> {
      count("asked");
      pause();
      return fail(Code::internal, "continued");
    });
  });
  ASSERT_TRUE(test::eventually([&] { return counted("asked") == 1; }));
  GateOptions options;
  options.patience = Duration(200);
  EXPECT_EQ(pass([]() -> Result<Secret> { return fail(Code::internal, "asked twice"); }, options), 3);
}

}  // namespace
}  // namespace tollgate::mfa
