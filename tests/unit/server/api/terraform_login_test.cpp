#include "server/api/terraform_login.h"

#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

constexpr std::string_view kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";   // RFC 7636 appendix B
constexpr std::string_view kChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";  // the same
constexpr std::string_view kRedirect = "http://localhost:10003/login";

class TerraformLogin : public ApiWorld {
 protected:
  static std::string address(http::Pairs changed = {}) {
    http::Pairs query{{"client_id", "terraform-cli"},           {"response_type", "code"},
                      {"redirect_uri", std::string(kRedirect)}, {"code_challenge", std::string(kChallenge)},
                      {"code_challenge_method", "S256"},        {"state", "st&te 1"}};
    std::string text = "/oauth/authorize?";
    for (auto& [name, value] : query) {
      for (const auto& [other, replacement] : changed) {
        if (other == name) value = replacement;
      }
      text += fmt::format("{}={}&", name, percent_encode(value));
    }
    return text;
  }
  http::Response post(const Browser& browser, std::string_view target, const http::Pairs& fields) {
    std::string form;
    for (const auto& [name, value] : fields)
      form += fmt::format("{}={}&", name, percent_encode(value));
    return send(browser, "POST", target, form);
  }
  http::Response decide(const Browser& browser, std::string_view decision) {
    return post(browser, address(), {{"csrf", browser.csrf}, {"decision", std::string(decision)}});
  }
  static std::string location(const http::Response& answer) {
    const std::string* value = http::find_pair(answer.headers, "Location");
    return value != nullptr ? *value : "";
  }
  // What terraform finds behind its redirect address.
  static std::string query_of(const http::Response& answer, std::string_view name) {
    const std::string target = location(answer);
    const auto pairs = http::parse_form(target.substr(target.find('?') + 1));
    const std::string* value = http::find_pair(*pairs, name);
    return value != nullptr ? *value : "";
  }
  http::Response exchange(const std::string& code, std::string_view verifier = kVerifier,
                          std::string_view redirect = kRedirect) {
    Browser terraform;
    terraform.origin.clear();
    return post(terraform, "/oauth/token",
                {{"grant_type", "authorization_code"},
                 {"client_id", "terraform-cli"},
                 {"code", code},
                 {"code_verifier", std::string(verifier)},
                 {"redirect_uri", std::string(redirect)}});
  }
};

TEST_F(TerraformLogin, IsPublishedByDiscovery) {
  const auto document = json::parse(send("GET", "/.well-known/terraform.json", "").body);
  const json::Value* service = document->find("login.v1");
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(*service->find("authz")->if_string(), "/oauth/authorize");
  EXPECT_EQ(*service->find("client")->if_string(), "terraform-cli");
}

TEST_F(TerraformLogin, SignInConsentCodeToken) {
  set_password("alice", "a good password");
  Browser browser;
  const auto form = send(browser, "GET", address());
  EXPECT_EQ(form.status, 200);
  EXPECT_NE(form.body.find("current-password"), std::string::npos);
  EXPECT_EQ(post(browser, address(), {{"username", "alice"}, {"password", "wrong"}}).status, 401);
  const auto signed_in = post(browser, address(), {{"username", "alice"}, {"password", "a good password"}});
  EXPECT_EQ(signed_in.status, 303);
  EXPECT_EQ(location(signed_in), address());
  follow(browser, signed_in);
  const auto consent = send(browser, "GET", address());
  const std::string policy = *http::find_pair(consent.headers, "Content-Security-Policy");
  EXPECT_NE(policy.find("form-action 'self' http://localhost:10003;"), std::string::npos) << policy;
  EXPECT_EQ(policy.find("script-src"), std::string::npos);
  const std::string marker = "name=\"csrf\" value=\"";
  const std::size_t at = consent.body.find(marker) + marker.size();
  browser.csrf = consent.body.substr(at, consent.body.find('"', at) - at);
  const auto allowed = decide(browser, "allow");
  EXPECT_EQ(allowed.status, 303);
  EXPECT_EQ(location(allowed).rfind("http://localhost:10003/login?code=", 0), 0U);
  EXPECT_EQ(query_of(allowed, "state"), "st&te 1");
  const auto token = exchange(query_of(allowed, "code"));
  ASSERT_EQ(token.status, 200) << token.body;
  EXPECT_EQ(member_of(token, "token_type"), "bearer");
  EXPECT_EQ(text_of(send("GET", path("account/details"), member_of(token, "access_token")), "username"), "alice");
}

TEST_F(TerraformLogin, ACodeIsGoodOnceForAMinuteAndForWhoAskedForIt) {
  const Browser browser = sign_in_as("alice");
  const auto code = [&] { return query_of(decide(browser, "allow"), "code"); };
  std::string text = code();
  EXPECT_EQ(exchange(text).status, 200);
  EXPECT_EQ(exchange(text).status, 400);
  // A wrong proof uses it up too.
  text = code();
  EXPECT_EQ(exchange(text, std::string(43, 'x')).status, 400);
  EXPECT_EQ(exchange(text).status, 400);
  text = code();
  EXPECT_EQ(exchange(text, kVerifier, "http://localhost:10004/login").status, 400);
  EXPECT_EQ(exchange(text).status, 400);
  text = code();
  clock.advance(std::chrono::seconds(60));
  const auto late = exchange(text);
  EXPECT_EQ(late.status, 400);
  EXPECT_EQ(member_of(late, "error"), "invalid_grant");
  // A set-up link or a token is no code.
  EXPECT_EQ(exchange(owner).status, 400);
}

TEST_F(TerraformLogin, LeadsNowhereButToTerraformOnThisComputer) {
  const Browser browser = sign_in_as("alice");
  for (const std::string redirect :
       {"https://evil.example/login", "http://localhost.evil.example:10003/login", "http://localhost:10003/login/..",
        "http://localhost:80/login", "http://localhost:10011/login", "http://localhost:010003/login",
        "http://localhost:10003@evil.example/login", "http://127.0.0.1:10003/login", "http://localhost:/login",
        "http://localhost:10003/login?x=/login", "//evil.example", ""}) {
    const auto page = send(browser, "GET", address({{"redirect_uri", redirect}}));
    EXPECT_EQ(page.status, 400) << redirect;
    const auto allowed =
        post(browser, address({{"redirect_uri", redirect}}), {{"csrf", browser.csrf}, {"decision", "allow"}});
    EXPECT_EQ(allowed.status, 400) << redirect;
    EXPECT_EQ(location(allowed), "") << redirect;
  }
}

TEST_F(TerraformLogin, NeedsTheClientAChallengeAndAState) {
  for (const http::Pairs& wrong : std::vector<http::Pairs>{{{"client_id", "other"}},
                                                           {{"response_type", "token"}},
                                                           {{"code_challenge", ""}},
                                                           {{"code_challenge", "short"}},
                                                           {{"code_challenge_method", "plain"}},
                                                           {{"state", ""}},
                                                           {{"state", std::string(2000, 's')}}}) {
    EXPECT_EQ(send(Browser{}, "GET", address(wrong)).status, 400) << wrong[0].first;
  }
}

TEST_F(TerraformLogin, AnotherSiteCannotConsent) {
  Browser browser = sign_in_as("alice");
  browser.origin = "https://evil.example";
  EXPECT_EQ(decide(browser, "allow").status, 403);
  browser.origin = context.base_url;
  const std::string good = std::exchange(browser.csrf, "guess");
  EXPECT_EQ(post(browser, address(), {{"csrf", "guess"}, {"decision", "allow"}}).status, 403);
  browser.csrf = good;
  EXPECT_EQ(decide(browser, "allow").status, 303);
}

TEST_F(TerraformLogin, NoMeansNoAndAnotherPersonMaySignIn) {
  const Browser browser = sign_in_as("alice");
  const auto denied = decide(browser, "deny");
  EXPECT_EQ(member_of(exchange(query_of(denied, "code")), "error"), "access_denied");
  EXPECT_EQ(location(decide(browser, "other")), address());
  EXPECT_NE(send(browser, "GET", address()).body.find("current-password"), std::string::npos);
}

TEST_F(TerraformLogin, TheClientMayNameItselfInABasicHeader) {
  const Browser browser = sign_in_as("alice");
  http::Request request;
  request.method = "POST";
  request.target = "/oauth/token";
  request.headers.emplace_back("Authorization", "Basic " + base64_encode("terraform-cli:"));
  request.body =
      fmt::format("grant_type=authorization_code&code={}&code_verifier={}&redirect_uri={}",
                  percent_encode(query_of(decide(browser, "allow"), "code")), kVerifier, percent_encode(kRedirect));
  EXPECT_EQ(api.handle(request).status, 200);
}

TEST_F(TerraformLogin, TokensCanBeMadeAndTakenBackOnAPage) {
  constexpr std::string_view kPage = "/app/settings/tokens?source=terraform-login";
  const Browser browser = sign_in_as("alice");
  EXPECT_NE(send(Browser{}, "GET", kPage).body.find("current-password"), std::string::npos);
  EXPECT_EQ(send(browser, "GET", kPage).body.find("id=\"token\""), std::string::npos);
  EXPECT_EQ(post(browser, kPage, {{"csrf", "guess"}, {"action", "create"}}).status, 403);
  const auto made = post(browser, kPage, {{"csrf", browser.csrf}, {"action", "create"}, {"description", "<b>lap</b>"}});
  ASSERT_EQ(made.status, 200);
  EXPECT_EQ(made.body.find("<b>lap"), std::string::npos);
  const std::string marker = "<pre id=\"token\">";
  const std::size_t at = made.body.find(marker) + marker.size();
  const std::string token = made.body.substr(at, made.body.find('<', at) - at);
  EXPECT_EQ(send("GET", path("account/details"), token).status, 200);
  const auto rows = store.read([](Tables& tables) { return tables.tokens().of_user("user-alice"); });
  const auto row =
      std::find_if(rows.begin(), rows.end(), [](const Token& one) { return one.description == "<b>lap</b>"; });
  ASSERT_NE(row, rows.end());
  const Browser bob = sign_in_as("bob");
  (void)post(bob, kPage, {{"csrf", bob.csrf}, {"action", "delete"}, {"token", row->id}});
  EXPECT_EQ(send("GET", path("account/details"), token).status, 200);
  EXPECT_EQ(post(browser, kPage, {{"csrf", browser.csrf}, {"action", "delete"}, {"token", row->id}}).status, 303);
  EXPECT_EQ(send("GET", path("account/details"), token).status, 401);
}

}  // namespace
}  // namespace tollgate::api::test
