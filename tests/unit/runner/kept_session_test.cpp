// When a role is assumed again, what becomes of a refusal, and when a phase has to stop.
#include "runner/kept_session.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>

#include "tests/support/manual_clock.h"

namespace tollgate::runner {
namespace {

using std::chrono::minutes;

class KeptSessionTest : public testing::Test {
 protected:
  AwsSession hour() const {
    AwsSession session;
    session.keys = {"ASIA0", Secret("secret 0"), Secret("token 0")};
    session.expires_at = clock.now() + minutes(60);
    return session;
  }
  KeptSession::Assume assume() {
    return [this]() -> aws::AwsResult<aws::Credentials> {
      ++calls;
      if (refuse) {
        aws::MappedError refusal;
        refusal.error = Error(Code::forbidden, fmt::format("the role is gone [request {}]", calls.load()));
        return tl::unexpected(std::move(refusal));
      }
      aws::Credentials next;
      next.access_key_id = fmt::format("ASIA{}", calls.load());
      next.secret_access_key = Secret(fmt::format("secret {}", calls.load()));
      next.session_token = Secret("token");
      next.expiration = clock.now() + minutes(60);
      return next;
    };
  }
  // What is due happens, calls to AWS included.
  static KeptSession::News settle(KeptSession& session) {
    KeptSession::News news = session.look();
    pollfd ended{session.fd(), POLLIN, 0};
    EXPECT_EQ(poll(&ended, 1, 60000), 1);
    return session.look();
  }

  test::ManualClock clock;
  std::atomic<int> calls{0};
  std::atomic<bool> refuse{false};
};

TEST_F(KeptSessionTest, ARoleIsAssumedAgainAQuarterOfAnHourAhead) {
  KeptSession session(hour(), assume(), clock);
  EXPECT_TRUE(session.renewable());
  EXPECT_EQ(session.due(), clock.now() + minutes(45));
  clock.advance(minutes(44));
  EXPECT_TRUE(session.look().secrets.empty());
  EXPECT_EQ(calls, 0);
  for (int round = 1; round <= 5; ++round) {
    clock.advance(minutes(round == 1 ? 1 : 45));
    const auto news = settle(session);
    EXPECT_EQ(calls, round);
    ASSERT_EQ(news.secrets.size(), 3u);
    EXPECT_EQ(news.secrets[1].reveal(), fmt::format("secret {}", round));
    EXPECT_TRUE(news.note.empty());
    EXPECT_NE(session.document().reveal().find(fmt::format("\"AccessKeyId\":\"ASIA{}\"", round)), std::string::npos);
    EXPECT_EQ(session.due(), clock.now() + minutes(45));
    EXPECT_FALSE(session.is_over());
  }
}

TEST_F(KeptSessionTest, ARefusalIsToldOnceAskedAboutAgainAndEndsThePhaseInTime) {
  refuse = true;
  KeptSession session(hour(), assume(), clock);
  const TimePoint end = clock.now() + minutes(60);
  clock.advance(minutes(45));
  const auto news = settle(session);
  EXPECT_NE(news.note.find("could not be renewed: the role is gone [request 1]"), std::string::npos) << news.note;
  EXPECT_NE(news.note.find(format_iso8601(end)), std::string::npos);
  for (int minute = 46; minute < 59; ++minute) {
    clock.advance(minutes(1));
    EXPECT_TRUE(settle(session).note.empty());
    EXPECT_FALSE(session.is_over());
  }
  EXPECT_EQ(calls, 14);
  clock.advance(minutes(1));
  EXPECT_TRUE(session.is_over());
  EXPECT_EQ(session.stop_at(), end - minutes(1));
  EXPECT_EQ(session.end_text(),
            fmt::format("its AWS session ends at {} and could not be renewed: the role is gone [request 14]",
                        format_iso8601(end)));
  EXPECT_FALSE(session.document().empty()) << "what is under way may still end well";
  clock.advance(minutes(1));
  EXPECT_TRUE(session.document().empty());
}

TEST_F(KeptSessionTest, ALateSuccessIsASuccess) {
  refuse = true;
  KeptSession session(hour(), assume(), clock);
  clock.advance(minutes(50));
  settle(session);
  refuse = false;
  clock.advance(minutes(1));
  const auto news = settle(session);
  EXPECT_NE(news.note.find("was renewed"), std::string::npos);
  clock.advance(minutes(20));
  EXPECT_FALSE(session.is_over());
  EXPECT_EQ(session.end_text().find("could not"), std::string::npos);
}

TEST_F(KeptSessionTest, WhatCannotBeRenewedIsNeverAskedFor) {
  KeptSession session(hour(), {}, clock);
  EXPECT_FALSE(session.renewable());
  EXPECT_EQ(session.due(), session.stop_at());
  clock.advance(minutes(59));
  EXPECT_TRUE(session.look().note.empty());
  EXPECT_TRUE(session.is_over());
  // A long-term key has no end.
  AwsSession key;
  key.keys = {"AKIA", Secret("secret"), Secret()};
  const KeptSession forever(key, {}, clock);
  clock.advance(std::chrono::hours(100000));
  EXPECT_FALSE(forever.is_over());
  EXPECT_FALSE(forever.due());
}

TEST_F(KeptSessionTest, SessionsOfSecondsAreKeptToo) {
  AwsSession session = hour();
  session.expires_at = clock.now() + std::chrono::seconds(12);
  KeptSession kept(session, assume(), clock);
  EXPECT_EQ(kept.due(), clock.now() + std::chrono::seconds(6));
  EXPECT_EQ(kept.stop_at(), clock.now() + Duration(10500));
}

TEST_F(KeptSessionTest, ABrokenCallIsARefusal) {
  KeptSession session(
      hour(), []() -> aws::AwsResult<aws::Credentials> { throw std::runtime_error("no curl"); }, clock);
  clock.advance(minutes(45));
  EXPECT_NE(settle(session).note.find("no curl"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::runner
