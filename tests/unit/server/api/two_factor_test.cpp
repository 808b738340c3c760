#include "server/api/two_factor.h"

#include "common/crypto/totp.h"
#include "server/api/setup.h"
#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

constexpr std::string_view kPath = "/api/web/v1/two-factor";
constexpr std::string_view kPassword = "a good password";
constexpr std::chrono::seconds kStep{crypto::kTotpPeriod};

class TwoFactorAuthentication : public ApiWorld {
 protected:
  // A phone with an authenticator app.
  std::string shown(int steps = 0) const {
    return crypto::totp(Secret(*base32_decode(secret)), clock.now() + steps * kStep);
  }
  std::string not_shown() const {
    for (int guess = 0;; ++guess) {
      const std::string code = fmt::format("{:06}", guess);
      if (code != shown(-1) && code != shown() && code != shown(1)) return code;
    }
  }
  static std::string json_of(json::Value value) { return json::to_text(value); }
  http::Response ask(const Browser& browser, std::string_view what, std::string_view code,
                     std::string_view password = kPassword) {
    return send(browser, "POST", fmt::format("{}/{}", kPath, what),
                json_of(json::Value::object({{"password", password}, {"code", code}})));
  }
  http::Response start(const Browser& browser) {
    const auto answer = send(browser, "POST", kPath);
    secret = member_of(answer, "secret");
    return answer;
  }
  static std::vector<std::string> codes_of(const http::Response& answer) {
    std::vector<std::string> codes;
    const auto document = json::parse(answer.body);
    for (const json::Value& code : *document->find("recovery-codes")->if_array())
      codes.push_back(*code.if_string());
    return codes;
  }
  // alice, with the factor on since a step ago.
  Browser enrolled() {
    const Browser browser = sign_in_as("alice");
    EXPECT_EQ(start(browser).status, 200);
    const auto answer = ask(browser, "enable", shown());
    EXPECT_EQ(answer.status, 200) << answer.body;
    recovery = codes_of(answer);
    clock.advance(kStep);
    return browser;
  }
  std::string ticket() {
    const auto answer = try_to_sign_in({}, "alice", kPassword);
    EXPECT_EQ(answer.status, 202) << answer.body;
    EXPECT_EQ(http::find_pair(answer.headers, "Set-Cookie"), nullptr);
    return member_of(answer, "ticket");
  }
  http::Response give(const std::string& to, std::string_view code) {
    return send(Browser{}, "POST", "/api/web/v1/session/code",
                json_of(json::Value::object({{"ticket", to}, {"code", code}})));
  }
  http::Response sign_in_with(std::string_view code) { return give(ticket(), code); }
  static std::string reason(const http::Response& answer) {
    const auto document = json::parse(answer.body);
    const json::Value* errors = document->find("errors");
    if (errors == nullptr) return "";
    const json::Value* code = errors->if_array()->at(0).find("code");
    return code != nullptr ? *code->if_string() : "";
  }
  std::int64_t count(std::string_view event) {
    std::int64_t found = 0;
    for (const AuditRecord& record : store.read([](Tables& tables) { return tables.audit().list("", 1, 1000); }))
      found += record.event == event ? 1 : 0;
    return found;
  }
  bool on(const Browser& browser) {
    const auto document = json::parse(send(browser, "GET", kPath).body);
    return *document->find("enabled")->if_bool();
  }

  std::string secret;
  std::vector<std::string> recovery;
};

TEST_F(TwoFactorAuthentication, CountsOnlyAfterACodeAndThePassword) {
  const Browser browser = sign_in_as("alice");
  EXPECT_FALSE(on(browser));
  EXPECT_EQ(reason(ask(browser, "enable", "123456")), "two_factor_not_begun");
  const auto begun = start(browser);
  EXPECT_EQ(begun.status, 200);
  EXPECT_EQ(base32_decode(secret)->size(), 20U);
  EXPECT_EQ(member_of(begun, "uri"), "otpauth://totp/tollgate:alice%40tollgate.example?secret=" + secret +
                                         "&issuer=tollgate&algorithm=SHA1&digits=6&period=30");
  EXPECT_EQ(*http::find_pair(begun.headers, "Cache-Control"), "no-store");
  EXPECT_EQ(try_to_sign_in({}, "alice", kPassword).status, 200) << "begun is not on";
  const auto wrong = ask(browser, "enable", not_shown());
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(reason(wrong), "code_refused");
  EXPECT_EQ(reason(ask(browser, "enable", shown(), "not the password")), "password_refused");
  EXPECT_FALSE(on(browser));
  const auto done = ask(browser, "enable", " " + shown().substr(0, 3) + " " + shown().substr(3));
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_TRUE(on(browser));
  EXPECT_EQ(codes_of(done).size(), 10U);
  EXPECT_EQ(codes_of(done).at(0).size(), 19U);
  EXPECT_EQ(count("two_factor.enabled"), 1);
  EXPECT_EQ(count("two_factor.refused"), 1);
  EXPECT_EQ(reason(send(browser, "POST", kPath)), "two_factor_enabled");
  EXPECT_EQ(reason(ask(browser, "enable", shown(1))), "two_factor_enabled");
}

TEST_F(TwoFactorAuthentication, ASecretThatNobodyConfirmedIsForgotten) {
  const Browser browser = sign_in_as("alice");
  start(browser);
  clock.advance(kEnrolmentLife + std::chrono::seconds(1));
  EXPECT_EQ(reason(ask(browser, "enable", shown())), "two_factor_not_begun");
  start(browser);
  const std::string first = shown();
  start(browser);
  EXPECT_EQ(reason(ask(browser, "enable", first)), "code_refused") << "of the secret that was shown before";
  EXPECT_EQ(ask(browser, "enable", shown()).status, 200);
}

TEST_F(TwoFactorAuthentication, TurningItOnEndsTheOtherSessions) {
  const Browser other = sign_in_as("alice");
  const Browser bob = sign_in_as("bob");
  const Browser here = enrolled();
  EXPECT_EQ(send(here, "GET", "/api/web/v1/session").status, 200);
  EXPECT_EQ(send(other, "GET", "/api/web/v1/session").status, 401);
  EXPECT_EQ(send(bob, "GET", "/api/web/v1/session").status, 200);
}

TEST_F(TwoFactorAuthentication, SigningInNeedsTheCodeToo) {
  enrolled();
  const std::string to = ticket();
  const auto wrong = give(to, not_shown());
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(reason(wrong), "code_refused");
  EXPECT_EQ(http::find_pair(wrong.headers, "Set-Cookie"), nullptr);
  EXPECT_EQ(http::find_pair(wrong.headers, "WWW-Authenticate"), nullptr);
  const auto right = give(to, shown());
  EXPECT_EQ(right.status, 200) << right.body;
  Browser browser;
  follow(browser, right);
  EXPECT_EQ(text_of(send(browser, "GET", path("account/details")), "username"), "alice");
  EXPECT_EQ(count("two_factor.refused"), 1);
  clock.advance(kStep);
  EXPECT_EQ(reason(give(to, shown())), kTicketOver) << "a ticket is good once";
}

TEST_F(TwoFactorAuthentication, ACodeIsGoodOnceAndSoIsNoneBeforeIt) {
  enrolled();  // used the code of the step before
  EXPECT_EQ(reason(sign_in_with(shown(-1))), "code_refused");
  EXPECT_EQ(reason(sign_in_with(shown(2))), "code_refused");
  const std::string code = shown(1);
  EXPECT_EQ(sign_in_with(code).status, 200);
  EXPECT_EQ(reason(sign_in_with(code)), "code_refused");
  EXPECT_EQ(reason(sign_in_with(shown())), "code_refused");
  clock.advance(2 * kStep);
  EXPECT_EQ(reason(sign_in_with(code)), "code_refused");
  EXPECT_EQ(sign_in_with(shown()).status, 200);
  // All told the same.
  const auto told = [](const std::string& body) { return body.substr(0, body.find("\"id\":")); };
  EXPECT_EQ(told(sign_in_with(code).body), told(sign_in_with("no code at all").body));
}

TEST_F(TwoFactorAuthentication, OnlyItsOwnersCodesAndTicketsCount) {
  enrolled();
  const std::string alices = secret;
  const std::string alices_code = recovery[0];
  const Browser bob = sign_in_as("bob");
  start(bob);
  EXPECT_EQ(ask(bob, "enable", shown()).status, 200);
  clock.advance(kStep);
  EXPECT_EQ(reason(sign_in_with(shown())), "code_refused") << "of bob's phone";
  const std::string bobs_ticket = member_of(try_to_sign_in({}, "bob", kPassword), "ticket");
  EXPECT_EQ(reason(give(bobs_ticket, alices_code)), "code_refused");
  secret = alices;
  EXPECT_EQ(reason(give(bobs_ticket, shown())), "code_refused");
  EXPECT_EQ(reason(give("tgt.nothing", shown())), kTicketOver);
  EXPECT_EQ(reason(give(owner, shown())), kTicketOver) << "a token is no ticket";
  EXPECT_EQ(sign_in_with(shown()).status, 200);
}

TEST_F(TwoFactorAuthentication, WrongCodesAreFailedSignIns) {
  enrolled();
  const std::string to = ticket();
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(give(to, not_shown()).status, 401) << i;
  const auto refused = give(to, shown());
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(*http::find_pair(refused.headers, "Retry-After"), "360");
  EXPECT_EQ(try_to_sign_in({}, "alice", kPassword).status, 429) << "the same tries as the password's";
  EXPECT_EQ(count("two_factor.refused"), 10);
  clock.advance(std::chrono::minutes(6));
  EXPECT_EQ(sign_in_with(shown()).status, 200);
}

// Knowing the password, 10,000 guesses at the code within an hour.
TEST_F(TwoFactorAuthentication, FewGuessesOfManyAreEvaluated) {
  int guesses = 0;
  for (int i = 0; i < 10'000; ++i) {
    // What only costs time is left out.
    if (sign_in.check(kSignIn, "user-alice", fmt::format("10.0.{}.{}", i / 250, i % 250), [] { return false; })
            .answer == SignIn::Answer::wrong) {
      ++guesses;
    }
    clock.advance(std::chrono::milliseconds(359));
  }
  EXPECT_LE(guesses, 20);
  EXPECT_GE(guesses, 10);
}

TEST_F(TwoFactorAuthentication, ATicketIsOfThePasswordAndOfFiveMinutes) {
  enrolled();
  std::string to = ticket();
  clock.advance(kSignInTicketLife);
  EXPECT_EQ(reason(give(to, shown())), kTicketOver);
  to = ticket();
  set_password("alice", "another good password");
  EXPECT_EQ(reason(give(to, shown())), kTicketOver);
}

TEST_F(TwoFactorAuthentication, ARecoveryCodeIsGoodOnce) {
  const Browser browser = enrolled();
  EXPECT_EQ(sign_in_with(recovery[3]).status, 200);
  EXPECT_EQ(reason(sign_in_with(recovery[3])), "code_refused");
  std::string typed = recovery[4];
  std::erase(typed, '-');
  for (char& c : typed)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  EXPECT_EQ(sign_in_with(" " + typed + " ").status, 200);
  EXPECT_EQ(count("two_factor.recovery_code_used"), 2);
  const auto document = json::parse(send(browser, "GET", kPath).body);
  EXPECT_EQ(*document->find("recovery-codes-left")->if_integer(), 8);
}

TEST_F(TwoFactorAuthentication, NewRecoveryCodesTakeThePlaceOfTheOldOnes) {
  const Browser browser = enrolled();
  EXPECT_EQ(reason(ask(browser, "recovery-codes", not_shown())), "code_refused");
  const auto answer = ask(browser, "recovery-codes", shown());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(reason(sign_in_with(recovery[0])), "code_refused");
  EXPECT_EQ(sign_in_with(codes_of(answer).at(0)).status, 200);
  EXPECT_EQ(count("two_factor.recovery_codes_made"), 1);
}

TEST_F(TwoFactorAuthentication, IsTurnedOffByPasswordAndCodeAlone) {
  const Browser browser = enrolled();
  EXPECT_EQ(reason(ask(browser, "disable", shown(), "not the password")), "password_refused");
  EXPECT_EQ(reason(ask(browser, "disable", not_shown())), "code_refused");
  EXPECT_EQ(reason(ask(browser, "disable", "")), "code_refused");
  EXPECT_TRUE(on(browser));
  EXPECT_EQ(ask(browser, "disable", shown()).status, 204);
  EXPECT_FALSE(on(browser));
  EXPECT_EQ(try_to_sign_in({}, "alice", kPassword).status, 200);
  EXPECT_EQ(reason(ask(browser, "disable", shown(1))), "two_factor_disabled");
  EXPECT_EQ(count("two_factor.disabled"), 1);
}

TEST_F(TwoFactorAuthentication, IsTurnedOffByARecoveryCode) {
  const Browser browser = enrolled();
  EXPECT_EQ(ask(browser, "disable", recovery[9]).status, 204);
  EXPECT_FALSE(on(browser));
}

TEST_F(TwoFactorAuthentication, TriesOfWhoIsSignedInAreLimitedToo) {
  const Browser browser = enrolled();
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(ask(browser, "disable", not_shown()).status, 403);
  EXPECT_EQ(ask(browser, "disable", shown()).status, 429);
  EXPECT_TRUE(on(browser));
  EXPECT_EQ(sign_in_with(shown()).status, 200) << "those of coming in are others";
}

TEST_F(TwoFactorAuthentication, TokensHaveNoneAndNeedNone) {
  enrolled();
  EXPECT_EQ(text_of(send("GET", path("account/details"), owner), "username"), "alice");
  for (const std::string& token : {owner, organization_token}) {
    EXPECT_EQ(send("GET", kPath, token).status, 403);
    EXPECT_EQ(send("POST", kPath, token).status, 403);
  }
}

TEST_F(TwoFactorAuthentication, ASetUpLinkIsNoWayAroundIt) {
  enrolled();
  const auto link = [&] {
    const auto made = store.write([&](Tables& tables) -> Result<Secret> {
      return make_setup_link(tables, context.token_key, random, context.base_url, "user-alice", clock.now());
    });
    return std::string(made->reveal().substr(made->reveal().find('#') + 1));
  };
  const auto answer = send(Browser{}, "POST", "/api/web/v1/setup",
                           json_of(json::Value::object({{"token", link()}, {"password", "correct horse battery"}})));
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(http::find_pair(answer.headers, "Set-Cookie"), nullptr);
  EXPECT_EQ(give(member_of(answer, "ticket"), shown()).status, 200);
  const auto form =
      send(Browser{}, "POST", "/setup",
           fmt::format("token={}&password=correct+horse+b&again=correct+horse+b", percent_encode(link())));
  EXPECT_EQ(form.status, 200);
  EXPECT_EQ(http::find_pair(form.headers, "Set-Cookie"), nullptr);
}

TEST_F(TwoFactorAuthentication, TheWayOfTerraformLoginAsksForItToo) {
  enrolled();
  const std::string page = "/app/settings/tokens";
  const auto step = send(Browser{}, "POST", page, "username=alice&password=a+good+password");
  EXPECT_EQ(step.status, 200);
  EXPECT_EQ(http::find_pair(step.headers, "Set-Cookie"), nullptr);
  EXPECT_NE(step.body.find("one-time-code"), std::string::npos);
  EXPECT_EQ(step.body.find("good password"), std::string::npos);
  const std::string marker = "name=\"ticket\" value=\"";
  const std::size_t at = step.body.find(marker) + marker.size();
  const std::string to = step.body.substr(at, step.body.find('"', at) - at);
  const auto wrong = send(Browser{}, "POST", page, fmt::format("ticket={}&code={}", to, not_shown()));
  EXPECT_EQ(wrong.status, 401);
  EXPECT_NE(wrong.body.find("name=\"ticket\""), std::string::npos);
  const auto right = send(Browser{}, "POST", page, fmt::format("ticket={}&code={}", to, shown()));
  EXPECT_EQ(right.status, 303);
  EXPECT_NE(http::find_pair(right.headers, "Set-Cookie"), nullptr);
  const auto over = send(Browser{}, "POST", page, fmt::format("ticket={}&code={}", to, shown(1)));
  EXPECT_EQ(over.status, 401);
  EXPECT_NE(over.body.find("current-password"), std::string::npos);
}

TEST_F(TwoFactorAuthentication, NothingOfItLiesInTheAudit) {
  enrolled();
  const std::string wrong = not_shown();
  sign_in_with(wrong);
  sign_in_with(recovery[0]);
  for (const AuditRecord& record : store.read([](Tables& tables) { return tables.audit().list("", 1, 1000); })) {
    for (const std::string& text : {wrong, recovery[0], secret})
      EXPECT_EQ(record.details.find(text), std::string::npos) << record.event;
  }
}

}  // namespace
}  // namespace tollgate::api::test
