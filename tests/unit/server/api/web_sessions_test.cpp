#include "server/api/web_sessions.h"

#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

constexpr std::string_view kSession = "/api/web/v1/session";

class WebSessions : public ApiWorld {
 protected:
  std::vector<std::string> events() {
    std::vector<std::string> names;
    for (const AuditRecord& record : store.read([](Tables& tables) { return tables.audit().list("", 1, 1000); }))
      names.push_back(record.event);
    return names;
  }
  std::int64_t count(std::string_view event) {
    const auto all = events();
    return std::count(all.begin(), all.end(), event);
  }
  int who(const Browser& browser) { return send(browser, "GET", kSession).status; }
};

TEST_F(WebSessions, ASignedInBrowserIsThePerson) {
  const Browser browser = sign_in_as("alice");
  EXPECT_EQ(browser.cookie.rfind("__Host-tollgate-session=", 0), 0U);
  const auto shown = send(browser, "GET", kSession);
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(member_of(shown, "username"), "alice");
  EXPECT_EQ(member_of(shown, "csrf-token"), browser.csrf);
  EXPECT_EQ(text_of(send(browser, "GET", path("account/details")), "username"), "alice");
  EXPECT_EQ(count("session.created"), 1);
}

TEST_F(WebSessions, TheCookieIsHeldAsBrowsersCanHoldItBest) {
  set_password("alice", "a good password");
  const auto answer = try_to_sign_in({}, "alice", "a good password");
  const std::string cookie = *http::find_pair(answer.headers, "Set-Cookie");
  const std::string value = cookie.substr(cookie.find('=') + 1, cookie.find(';') - cookie.find('=') - 1);
  EXPECT_EQ(base64url_decode(value)->size(), 32U);
  for (const std::string_view part : {"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"})
    EXPECT_NE(cookie.find(part), std::string::npos) << part;
  EXPECT_EQ(cookie.find("Domain"), std::string::npos);
  EXPECT_EQ(*http::find_pair(answer.headers, "Cache-Control"), "no-store");
  // The database knows neither of them.
  const auto rows = store.read([](Tables& tables) { return tables.web_sessions().of_user("user-alice"); });
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].hash, value);
}

TEST_F(WebSessions, AnUnknownUserAWrongPasswordAndAUserWithoutOneAreToldTheSame) {
  set_password("alice", "a good password");
  const auto wrong = try_to_sign_in({}, "alice", "another");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(http::find_pair(wrong.headers, "Set-Cookie"), nullptr);
  EXPECT_EQ(http::find_pair(wrong.headers, "WWW-Authenticate"), nullptr);
  // Each answer has the id of its own request, and is otherwise the same.
  const auto told = [](const std::string& body) { return body.substr(0, body.find("\"id\":")); };
  ASSERT_NE(wrong.body.find("\"id\":"), std::string::npos);
  EXPECT_EQ(told(try_to_sign_in({}, "nobody", "another").body), told(wrong.body));
  EXPECT_EQ(told(try_to_sign_in({}, "bob", "another").body), told(wrong.body));  // has no password
  EXPECT_EQ(told(try_to_sign_in({}, std::string(1000, 'x'), "another").body), told(wrong.body));
  EXPECT_EQ(told(try_to_sign_in({}, "alice@example.com", "another").body), told(wrong.body));
  EXPECT_EQ(try_to_sign_in({}, "alice@example.com", "a good password").status, 200);
  EXPECT_EQ(count("session.refused"), 4);
  for (const AuditRecord& record : store.read([](Tables& tables) { return tables.audit().list("", 1, 1000); })) {
    EXPECT_EQ(record.details.find("another"), std::string::npos);
    EXPECT_EQ(record.details.find("nobody"), std::string::npos);
  }
}

TEST_F(WebSessions, TooManyFailuresAreTurnedAwayForKnownAndUnknownAlike) {
  set_password("alice", "a good password");
  for (const std::string name : {"alice", "nobody"}) {
    for (int i = 0; i < 10; ++i)
      EXPECT_EQ(try_to_sign_in({}, name, "guess").status, 401);
    const auto refused = try_to_sign_in({}, name, "a good password");
    EXPECT_EQ(refused.status, 429) << refused.body;
    EXPECT_EQ(*http::find_pair(refused.headers, "Retry-After"), "360");
    EXPECT_NE(refused.body.find("too_many_attempts"), std::string::npos);
  }
  EXPECT_EQ(count("session.refused"), 20);  // not one for each that nobody evaluated
  clock.advance(std::chrono::minutes(6));
  EXPECT_EQ(try_to_sign_in({}, "alice", "a good password").status, 200);
}

TEST_F(WebSessions, SignsInOnlyFromItsOwnPages) {
  set_password("alice", "a good password");
  for (const std::string origin : {"", "null", "https://evil.example", "https://tollgate.example.evil.example"}) {
    Browser browser;
    browser.origin = origin;
    EXPECT_EQ(try_to_sign_in(browser, "alice", "a good password").status, 403) << origin;
  }
}

TEST_F(WebSessions, ChangesNeedOriginAndToken) {
  const Browser good = sign_in_as("alice");
  const auto change = [&](const Browser& browser) {
    return send(browser, "POST", path("organizations/acme/workspaces"),
                body("workspaces", json::Value::object({{"name", "made"}})));
  };
  Browser bad = good;
  bad.csrf.clear();
  EXPECT_EQ(change(bad).status, 403);
  bad.csrf = std::string(good.csrf.size(), 'x');
  EXPECT_EQ(change(bad).status, 403);
  bad = good;
  bad.origin = "https://evil.example";
  EXPECT_EQ(change(bad).status, 403);
  EXPECT_EQ(change(good).status, 201);
}

TEST_F(WebSessions, SigningInAgainEndsTheSessionBefore) {
  Browser browser = sign_in_as("alice");
  const Browser before = browser;
  // Without the token too: whoever knows the password needs no proof of the session.
  browser.csrf.clear();
  const auto answer = try_to_sign_in(browser, "alice", "a good password");
  ASSERT_EQ(answer.status, 200) << answer.body;
  follow(browser, answer);
  EXPECT_NE(browser.cookie, before.cookie);
  EXPECT_EQ(who(before), 401);
  EXPECT_EQ(who(browser), 200);
}

TEST_F(WebSessions, SigningOutEndsItForEverybodyWhoKnowsTheCookie) {
  const Browser browser = sign_in_as("alice");
  const auto answer = send(browser, "DELETE", kSession);
  EXPECT_EQ(answer.status, 204);
  EXPECT_NE(http::find_pair(answer.headers, "Set-Cookie")->find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(who(browser), 401);
  EXPECT_EQ(send(browser, "DELETE", kSession).status, 401);
  EXPECT_EQ(count("session.ended"), 1);
}

TEST_F(WebSessions, EndsAfterAnHourWithoutUseAndAfterTwelveAnyway) {
  const Browser idle = sign_in_as("alice");
  clock.advance(std::chrono::minutes(59));
  EXPECT_EQ(who(idle), 200);
  clock.advance(std::chrono::minutes(61));
  EXPECT_EQ(who(idle), 401);
  const Browser busy = sign_in_as("alice");
  for (int minutes = 0; minutes < 12 * 60; minutes += 30) {
    EXPECT_EQ(who(busy), 200) << minutes;
    clock.advance(std::chrono::minutes(30));
  }
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(who(busy), 401);
}

TEST_F(WebSessions, TypingThePasswordAgainChangesTheCookie) {
  Browser browser = sign_in_as("alice");
  const Browser before = browser;
  clock.advance(std::chrono::minutes(30));
  const auto type = [&](std::string_view password) {
    return send(browser, "POST", "/api/web/v1/session/reauthenticate",
                json::to_text(json::Value::object({{"password", password}})));
  };
  EXPECT_EQ(type("wrong").status, 401);
  EXPECT_EQ(who(browser), 200);
  const auto answer = type("a good password");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(member_of(answer, "authenticated-at"), format_iso8601(clock.now()));
  follow(browser, answer);
  EXPECT_EQ(who(before), 401);
  EXPECT_EQ(who(browser), 200);
  EXPECT_EQ(count("session.reauthenticated"), 1);
}

// Somebody who tries names from outside does not keep those who are signed in from what needs their password.
TEST_F(WebSessions, TriesFromOutsideAreNotThoseOfWhoIsSignedIn) {
  Browser browser = sign_in_as("alice");
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(try_to_sign_in({}, "alice", "guess").status, 401);
  EXPECT_EQ(try_to_sign_in({}, "alice", "a good password").status, 429);
  EXPECT_EQ(send(browser, "POST", "/api/web/v1/session/reauthenticate", R"({"password":"a good password"})").status,
            200);
}

TEST_F(WebSessions, ListedAndEndedByTheirOwnerAlone) {
  const Browser here = sign_in_as("alice");
  clock.advance(std::chrono::seconds(1));
  const Browser there = sign_in_as("alice");
  const Browser bob = sign_in_as("bob");
  const auto list = send(here, "GET", "/api/web/v1/sessions");
  EXPECT_EQ(list.status, 200);
  const auto document = json::parse(list.body);
  const json::Array& rows = *document->find("data")->if_array();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(*rows[0].find("attributes")->find("current")->if_bool(), true);
  EXPECT_EQ(*rows[1].find("attributes")->find("current")->if_bool(), false);
  EXPECT_EQ(list.body.find(here.csrf), std::string::npos);
  const std::string other = "/api/web/v1/sessions/" + *rows[1].find("id")->if_string();
  EXPECT_EQ(send(bob, "DELETE", other).status, 404);
  EXPECT_EQ(who(there), 200);
  EXPECT_EQ(send(here, "DELETE", other).status, 204);
  EXPECT_EQ(who(there), 401);
  EXPECT_EQ(who(here), 200);
}

TEST_F(WebSessions, APersonHasSoManyAndTheOldestGo) {
  const Browser first = sign_in_as("alice");
  for (int i = 0; i < 20; ++i) {
    clock.advance(std::chrono::seconds(1));
    (void)sign_in_as("alice");
  }
  EXPECT_EQ(who(first), 401);
  EXPECT_EQ(store.read([](Tables& tables) { return tables.web_sessions().of_user("user-alice"); }).size(), 20U);
}

TEST_F(WebSessions, TokensHaveNone) {
  for (const std::string& token : {owner, organization_token}) {
    EXPECT_EQ(send("GET", kSession, token).status, 403);
    EXPECT_EQ(send("GET", "/api/web/v1/sessions", token).status, 403);
    EXPECT_EQ(send("DELETE", kSession, token).status, 403);
  }
  EXPECT_NE(send("GET", kSession, owner).body.find("web_session_required"), std::string::npos);
  EXPECT_EQ(send("GET", kSession, "").status, 401);
}

TEST_F(WebSessions, WhatNeedsAFreshPasswordSaysSo) {
  const auto needs = [&](const http::Request& request) {
    Call call{context, request, {}, {}, {}, {}, clock.now()};
    call.principal = *store.read([&](Tables& tables) { return authenticate(tables, context, request); });
    const auto answer = require_recent_authentication(call);
    return answer ? std::string() : answer.error().reason;
  };
  http::Request by_token;
  by_token.method = "GET";
  by_token.headers.emplace_back("Authorization", "Bearer " + owner);
  EXPECT_EQ(needs(by_token), "web_session_required");
  http::Request by_browser;
  by_browser.method = "GET";
  by_browser.headers.emplace_back("Cookie", sign_in_as("alice").cookie);
  EXPECT_EQ(needs(by_browser), "");
  clock.advance(std::chrono::minutes(5));
  EXPECT_EQ(needs(by_browser), "");
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(needs(by_browser), "reauthentication_required");
}

}  // namespace
}  // namespace tollgate::api::test
