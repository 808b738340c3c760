#include "server/api/setup.h"

#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class SetUp : public ApiWorld {
 protected:
  std::string link(std::string_view user = "user-alice") {
    const auto made = store.write([&](Tables& tables) -> Result<Secret> {
      return make_setup_link(tables, context.token_key, random, context.base_url, user, clock.now());
    });
    return std::string(made->reveal());
  }
  std::string token(std::string_view user = "user-alice") {
    const std::string whole = link(user);
    return whole.substr(whole.find('#') + 1);
  }
  http::Response use(const std::string& text, std::string_view password) {
    return send(Browser{}, "POST", "/api/web/v1/setup",
                json::to_text(json::Value::object({{"token", text}, {"password", password}})));
  }
  http::Response submit(const std::string& text, std::string_view password, std::string_view again) {
    return send(Browser{}, "POST", "/setup",
                fmt::format("token={}&password={}&again={}", percent_encode(text), percent_encode(password),
                            percent_encode(again)));
  }
};

TEST_F(SetUp, TheLinkHoldsItsSecretWhereBrowsersKeepIt) {
  EXPECT_EQ(link().rfind("https://tollgate.example/setup#tgs.", 0), 0U);
}

TEST_F(SetUp, APasswordOnceAndASession) {
  const std::string text = token();
  const auto answer = use(text, "correct horse battery");
  ASSERT_EQ(answer.status, 200) << answer.body;
  Browser browser;
  follow(browser, answer);
  EXPECT_EQ(text_of(send(browser, "GET", path("account/details")), "username"), "alice");
  EXPECT_EQ(try_to_sign_in({}, "alice", "correct horse battery").status, 200);
  const auto again = use(text, "another good password");
  EXPECT_EQ(again.status, 404);
  EXPECT_NE(again.body.find("setup_link_invalid"), std::string::npos);
  EXPECT_EQ(try_to_sign_in({}, "alice", "another good password").status, 401);
}

TEST_F(SetUp, IsOverAfterAQuarterOfAnHour) {
  const std::string text = token();
  clock.advance(kSetupLinkLife);
  EXPECT_EQ(use(text, "correct horse battery").status, 404);
  EXPECT_EQ(use("", "correct horse battery").status, 404);
  EXPECT_EQ(use(owner, "correct horse battery").status, 404);
}

TEST_F(SetUp, AWeakPasswordLeavesTheLinkGood) {
  const std::string text = token();
  for (const std::string_view weak : {"", "short", "aaaaaaaaaaaaaaaa", "alice@example.com"}) {
    const auto refused = use(text, weak);
    EXPECT_EQ(refused.status, 422) << weak;
    EXPECT_NE(refused.body.find("password_too_weak"), std::string::npos);
  }
  EXPECT_EQ(use(text, std::string(2000, 'x')).status, 422);
  EXPECT_EQ(use(text, "correct horse battery").status, 200);
}

TEST_F(SetUp, ANewPasswordEndsTheSessionsOfTheOldOne) {
  const Browser browser = sign_in_as("alice");
  const Browser bob = sign_in_as("bob");
  EXPECT_EQ(use(token(), "correct horse battery").status, 200);
  EXPECT_EQ(send(browser, "GET", path("account/details")).status, 401);
  EXPECT_EQ(send(bob, "GET", path("account/details")).status, 200);
}

TEST_F(SetUp, OnlyFromOurOwnPages) {
  Browser foreign_page;
  foreign_page.origin = "https://evil.example";
  const std::string text = token();
  EXPECT_EQ(
      send(foreign_page, "POST", "/setup", "token=" + text + "&password=correct+horse+battery&again=" + text).status,
      403);
  EXPECT_EQ(use(text, "correct horse battery").status, 200);
}

TEST_F(SetUp, ThePageWorksWithoutAScript) {
  const auto page = send(Browser{}, "GET", "/setup");
  EXPECT_EQ(page.status, 200);
  const std::string policy = *http::find_pair(page.headers, "Content-Security-Policy");
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_NE(policy.find("form-action 'self';"), std::string::npos);
  const std::string text = token();
  EXPECT_EQ(submit(text, "correct horse battery", "correct horse batter").status, 422);
  EXPECT_EQ(submit(text, "short", "short").status, 422);
  const auto done = submit(text, "correct horse battery", "correct horse battery");
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_NE(http::find_pair(done.headers, "Set-Cookie"), nullptr);
  EXPECT_EQ(submit(text, "correct horse battery", "correct horse battery").status, 404);
}

TEST_F(SetUp, WhatIsTypedComesBackAsTextAndNeverAsMarkup) {
  const auto page = submit("\"><script>alert(1)</script>", "one", "another");
  EXPECT_EQ(page.status, 422);
  EXPECT_EQ(page.body.find("<script>alert"), std::string::npos);
  EXPECT_NE(page.body.find("&quot;&gt;&lt;script&gt;"), std::string::npos);
}

TEST_F(SetUp, ChangingAPasswordNeedsTheOldOneJustTyped) {
  const Browser other = sign_in_as("alice");
  Browser browser = sign_in_as("alice");
  const auto change = [&](std::string_view password) {
    return send(browser, "POST", "/api/web/v1/password", json::to_text(json::Value::object({{"password", password}})));
  };
  clock.advance(std::chrono::minutes(6));
  EXPECT_EQ(change("a new good password").status, 403);
  follow(browser, send(browser, "POST", "/api/web/v1/session/reauthenticate", R"({"password":"a good password"})"));
  EXPECT_EQ(change("short").status, 422);
  EXPECT_EQ(change("a new good password").status, 204);
  EXPECT_EQ(send(browser, "GET", path("account/details")).status, 200);
  EXPECT_EQ(send(other, "GET", path("account/details")).status, 401);
  EXPECT_EQ(try_to_sign_in({}, "alice", "a new good password").status, 200);
}

}  // namespace
}  // namespace tollgate::api::test
