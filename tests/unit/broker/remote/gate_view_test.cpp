#include "broker/remote/gate_view.h"

#include <gtest/gtest.h>

namespace tollgate::remote {
namespace {

GateView read(const std::string& text) {
  const auto document = json::parse(text);
  EXPECT_TRUE(document) << document.error().text();
  auto gate = parse_gate(*document);
  EXPECT_TRUE(gate);
  return gate ? std::move(*gate) : GateView();
}

constexpr const char* kWaiting = R"({"level": "plans-and-applies", "phase": "apply", "state": "waiting",
  "gate-id": "gate-1", "since": "2026-01-02T03:00:00Z", "deadline": "2026-01-02T03:15:00Z", "by": null, "refusal": null,
  "tries-left": 5, "next-code-in": null,
  "identity": {"kind": "personal", "owner": "ana", "account": "111122223333", "arn": "arn:aws:iam::111122223333:user/ana"},
  "you": {"can": true, "serial": "arn:aws:iam::111122223333:mfa/ana", "reason": null}})";

const TimePoint kNow = *parse_iso8601("2026-01-02T03:01:00Z");

TEST(GateView, NothingGatedIsNoGate) {
  EXPECT_FALSE(parse_gate(json::Value()));
  EXPECT_FALSE(parse_gate(json::Value("x")));
}

TEST(GateView, AWaitingGateSaysWhatUntilWhenWhoAndWhose) {
  const GateView gate = read(kWaiting);
  EXPECT_TRUE(gate.open() && gate.answers());
  EXPECT_EQ(gate_words(gate, kNow), "apply waits for an AWS MFA code, 14m 00s left");
  EXPECT_EQ(gate_words(gate, kNow + std::chrono::hours(1)), "apply waits for an AWS MFA code, its time is over");
  EXPECT_EQ(who_may_answer(gate), "you, with the device arn:aws:iam::111122223333:mfa/ana");
  EXPECT_EQ(identity_words(gate, "bob"),
            "bob's configuration will run with ana's AWS session (arn:aws:iam::111122223333:user/ana)");
}

TEST(GateView, TheOtherStates) {
  GateView gate = read(kWaiting);
  gate.state = "refused";
  gate.refusal = "AWS does not accept the code";
  gate.tries_left = 1;
  EXPECT_TRUE(gate.answers());
  EXPECT_EQ(gate_words(gate, kNow),
            "apply waits for an AWS MFA code, 14m 00s left; the last one was refused: AWS does "
            "not accept the code (1 try left)");
  gate.state = "locked";
  EXPECT_TRUE(gate.open());
  EXPECT_FALSE(gate.answers());
  EXPECT_EQ(who_may_answer(gate), "an owner of the organization has to unlock it");
  gate.state = "passed";
  gate.passed_by = "ana";
  EXPECT_FALSE(gate.open());
  EXPECT_EQ(gate_words(gate, kNow), "apply was authenticated with MFA by ana");
  gate.session_expires = kNow;
  EXPECT_EQ(gate_words(gate, kNow), "apply was authenticated with MFA by ana, whose session ends 2026-01-02T03:01:00Z");
  for (const char* state : {"not-yet", "checking", "expired", "closed"}) {
    gate.state = state;
    EXPECT_FALSE(gate.answers()) << state;
    EXPECT_FALSE(gate_words(gate, kNow).empty()) << state;
  }
  gate.state = "of another time";
  EXPECT_EQ(gate_words(gate, kNow), "");
}

TEST(GateView, WhoMayNotIsToldWhy) {
  GateView gate = read(kWaiting);
  gate.you_can = false;
  gate.your_reason = "You have no AWS identity here; add one on your account's page.";
  EXPECT_FALSE(gate.answers());
  EXPECT_EQ(who_may_answer(gate), gate.your_reason);
}

TEST(GateView, TheOrganizationsIdentity) {
  GateView gate = read(kWaiting);
  gate.identity_kind = "organization";
  gate.identity_arn.clear();
  EXPECT_EQ(identity_words(gate, ""), "this configuration will run with the organization's AWS session (111122223333)");
  gate.identity_kind.clear();
  EXPECT_EQ(identity_words(gate, "bob"), "");
}

}  // namespace
}  // namespace tollgate::remote
