#include "server/api/event_feed.h"

#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

TEST(EventHistory, GivesWhatCameAfterAnIdAndOfEachThingTheNewest) {
  EventHistory history("e", 3);
  EXPECT_EQ(history.last_id(), "e.0");
  EXPECT_TRUE(history.after("e.0")->empty());
  EXPECT_EQ(history.add({"a", "org", "run", "1", false}), "event: run\nid: e.1\ndata: 1\n\n");
  history.add({"b", "org", "run", "2", false});
  history.add({"a", "org", "run", "3", false});
  EXPECT_EQ(history.size(), 2U);
  const auto all = history.after("e.0");
  ASSERT_EQ(all->size(), 2U);
  EXPECT_NE(all->at(0).text.find("data: 2"), std::string::npos);
  EXPECT_NE(all->at(1).text.find("data: 3"), std::string::npos);
  EXPECT_EQ(history.after("e.2")->size(), 1U);
  EXPECT_TRUE(history.after("e.3")->empty());
}

TEST(EventHistory, SaysSoWhereItDoesNotKnowAnyMore) {
  EventHistory history("e", 2);
  for (const std::string about : {"a", "b", "c"})
    history.add({about, "org", "run", about, false});
  EXPECT_FALSE(history.after("e.0"));
  EXPECT_EQ(history.after("e.1")->size(), 2U);
  for (const std::string_view id : {"e.4", "f.1", "e", "e.", "e.1x", "", ".", "e.-1", "e.99999999999999999999"})
    EXPECT_FALSE(history.after(id)) << id;
}

class EventFeedTest : public ApiWorld {
 protected:
  EventFeedTest() {
    context.events = &feed;
    workspace = new_workspace("net", owner);
    run = new_run(workspace, owner);
    foreign_run = new_run(new_workspace("far", foreign, "other"), foreign);
    feed.step();
  }
  using Stream = std::shared_ptr<http::ResponseStream>;

  http::Response ask(const std::string& token, std::string_view last = "") {
    http::Request request;
    request.method = "GET";
    request.target = "/api/web/v1/events";
    request.headers.emplace_back("Authorization", "Bearer " + token);
    if (!last.empty()) request.headers.emplace_back("Last-Event-ID", last);
    return api.handle(request);
  }
  Stream open(const std::string& token, std::string_view last = "") {
    const auto answer = ask(token, last);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_NE(answer.stream, nullptr);
    return answer.stream;
  }
  // Its number of events of that kind, taken.
  static std::string taken(const Stream& stream) { return stream->take().bytes; }
  static int count(std::string_view text, std::string_view piece) {
    int found = 0;
    for (std::size_t at = 0; (at = text.find(piece, at)) != text.npos; at += piece.size())
      ++found;
    return found;
  }
  static std::string last_id(const std::string& text) {
    const std::size_t at = text.rfind("id: ");
    return at == text.npos ? "" : text.substr(at + 4, text.find('\n', at) - at - 4);
  }
  void happens(const std::string& run_id, const std::string& organization = "org-acme") {
    bus.publish({organization, workspace, run_id, "planning", "planning"});
  }

  runs::EventBus bus;
  EventFeedOptions options = [] {
    EventFeedOptions few;
    few.streams_per_person = 3;
    few.most_pending = 4096;
    return few;
  }();
  EventFeed feed{{store, logs, bus, clock, random, nullptr}, options};
  std::string workspace, run, foreign_run;
};

TEST_F(EventFeedTest, ARunsEventSaysItsStateAndOnlyToThoseWhoMaySeeIt) {
  const Stream own = open(member);
  const Stream other = open(foreign);
  EXPECT_EQ(count(taken(own), "event:"), 0);
  taken(other);
  happens(run);
  happens(run);
  feed.step();
  const std::string text = taken(own);
  EXPECT_EQ(count(text, "event: run\n"), 1) << "what comes together is told once: " << text;
  EXPECT_NE(text.find("\"organization\":\"acme\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"run-id\":\"" + run + "\""), std::string::npos);
  EXPECT_NE(text.find("\"status\":\"pending\",\"plan-status\":\"pending\",\"apply-status\":\"pending\""),
            std::string::npos);
  EXPECT_EQ(taken(other), "");
  happens(foreign_run, "org-other");
  feed.step();
  EXPECT_EQ(taken(own), "");
  EXPECT_EQ(count(taken(other), "event: run\n"), 1);
}

TEST_F(EventFeedTest, AnOrganizationsTokenSeesItsOwnAndARunsTokenNothing) {
  const Stream stream = open(organization_token);
  taken(stream);
  happens(run);
  happens(foreign_run, "org-other");
  feed.step();
  EXPECT_EQ(count(taken(stream), "event: run\n"), 1);
  Token token;
  token.kind = TokenKind::run;
  token.run_id = run;
  EXPECT_EQ(ask(add_token(token)).status, 403);
  EXPECT_EQ(ask("").status, 401);
}

TEST_F(EventFeedTest, LogsTellHowFarTheyAreAndNotMoreOftenThanTheInterval) {
  const auto stored = *store.read([&](Tables& tables) { return tables.runs().find(run); });
  const Stream stream = open(member);
  taken(stream);
  logs.open(stored.plan.id);
  logs.grown(stored.plan.id);
  feed.step();
  EXPECT_NE(taken(stream).find("{\"run-id\":\"" + run + "\",\"phase\":\"plan\",\"offset\":1}"), std::string::npos);
  logs.append_output(stored.plan.id, 0, "abc");
  logs.grown(stored.plan.id);
  EXPECT_EQ(feed.step(), clock.now() + options.log_interval) << "it knows when to go on";
  EXPECT_EQ(taken(stream), "");
  clock.advance(options.log_interval);
  feed.step();
  EXPECT_NE(taken(stream).find("\"offset\":4}"), std::string::npos);
  logs.grown("plan-unknown");
  feed.step();
  EXPECT_EQ(taken(stream), "");
}

TEST_F(EventFeedTest, WorkspacesAreToldToo) {
  const Stream stream = open(member);
  taken(stream);
  bus.publish({"org-acme", workspace, "", "state", ""});
  feed.step();
  EXPECT_NE(taken(stream).find("event: workspace\n"), std::string::npos);
}

TEST_F(EventFeedTest, WhoComesBackGetsWhatItMissedOrIsToldToStartOver) {
  std::string id = last_id(taken(open(member)));
  EXPECT_FALSE(id.empty());
  happens(run);
  happens(foreign_run, "org-other");
  feed.step();
  const std::string missed = taken(open(member, id));
  EXPECT_EQ(count(missed, "event: run\n"), 1) << missed;
  EXPECT_EQ(count(missed, "resync"), 0);
  const std::string now = last_id(missed);
  EXPECT_NE(now, id);
  const std::string nothing = taken(open(foreign, now));
  EXPECT_EQ(count(nothing, "event:"), 0) << nothing;
  const std::string lost = taken(open(foreign, "another.3"));
  EXPECT_EQ(count(lost, "event: resync\n"), 1) << lost;
  EXPECT_EQ(last_id(lost), now);
}

TEST_F(EventFeedTest, AHeartbeatEachFifteenSeconds) {
  const Stream stream = open(member);
  taken(stream);
  EXPECT_EQ(feed.step() - clock.now(), options.heartbeat);
  clock.advance(options.heartbeat - std::chrono::milliseconds(1));
  feed.step();
  EXPECT_EQ(taken(stream), "");
  clock.advance(std::chrono::milliseconds(1));
  feed.step();
  EXPECT_EQ(taken(stream), ": \n\n");
  feed.step();
  EXPECT_EQ(taken(stream), "");
}

TEST_F(EventFeedTest, ItEndsWithItsToken) {
  const Stream stream = open(member);
  const auto tokens = store.read([&](Tables& tables) { return tables.tokens().of_user("user-bob"); });
  ASSERT_EQ(tokens.size(), 1U);
  ASSERT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    tables.tokens().erase(tokens[0].id);
    return {};
  }));
  EXPECT_FALSE(stream->over());
  feed.recheck();
  feed.step();
  EXPECT_TRUE(stream->over());
  EXPECT_EQ(feed.open_streams(), 0U);
}

TEST_F(EventFeedTest, ItEndsWithItsSession) {
  WebSession session;
  session.id = "ws_session-one";
  session.user_id = "user-bob";
  session.created_at = session.last_seen_at = clock.now();
  session.hash = token_hash(context.token_key, "cookie");
  ASSERT_TRUE(store.write([&](Tables& tables) { return tables.web_sessions().insert(session); }));
  http::Request request;
  request.method = "GET";
  request.target = "/api/web/v1/events";
  request.headers.emplace_back("Cookie", fmt::format("{}=cookie", kSessionCookie));
  const Stream stream = api.handle(request).stream;
  ASSERT_NE(stream, nullptr);
  clock.advance(kSessionIdleLimit);
  feed.step();
  EXPECT_FALSE(stream->over());
  clock.advance(options.heartbeat);
  feed.step();
  EXPECT_TRUE(stream->over());
}

TEST_F(EventFeedTest, WhoIsNoMemberAnyMoreHearsNothingMore) {
  const Stream stream = open(member);
  taken(stream);
  ASSERT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    tables.memberships().erase("ou-bob");
    return {};
  }));
  // Looked at again before something is sent, though not at every event.
  clock.advance(std::chrono::seconds(2));
  happens(run);
  feed.step();
  EXPECT_EQ(taken(stream), "");
  EXPECT_FALSE(stream->over());
}

TEST_F(EventFeedTest, APersonHasOnlySoMany) {
  std::vector<Stream> streams;
  for (int i = 0; i < 3; ++i)
    streams.push_back(open(member));
  const auto refused = ask(member);
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_EQ(open(owner)->over(), false) << "others are not concerned";
  streams.back()->end();
  EXPECT_FALSE(open(member)->over());
}

TEST_F(EventFeedTest, ASlowReaderIsEndedAndTheOthersGoOn) {
  const Stream slow = open(member);
  const Stream quick = open(member);
  while (!slow->over()) {
    happens(run);
    feed.step();
    EXPECT_EQ(count(taken(quick), "event: run\n"), 1);
  }
  EXPECT_EQ(taken(slow), "event: resync\ndata: {}\n\n");
  clock.advance(options.heartbeat);
  feed.step();
  EXPECT_EQ(feed.open_streams(), 1U);
}

TEST_F(EventFeedTest, AnAnswerThatWasNeverSentIsForgotten) {
  (void)ask(member);
  EXPECT_EQ(feed.open_streams(), 1U);
  clock.advance(options.heartbeat);
  feed.step();
  EXPECT_EQ(feed.open_streams(), 0U);
}

TEST_F(EventFeedTest, StoppingEndsAll) {
  feed.start();
  const Stream stream = open(member);
  happens(run);
  feed.stop();
  EXPECT_TRUE(stream->over());
}

}  // namespace
}  // namespace tollgate::api::test
