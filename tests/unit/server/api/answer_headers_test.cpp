// What every answer carries, whoever asks for whatever.
#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class AnswerHeaders : public ApiWorld {};

TEST_F(AnswerHeaders, OfEveryRouteAndEveryRefusal) {
  std::vector<std::pair<std::string, std::string>> asked{{"GET", "/api/v2/nothing"}, {"PUT", "/api/v2/ping"}};
  for (const Route& route : api.routes()) {
    std::string target;
    std::string_view rest = route.pattern.substr(1);
    while (!rest.empty()) {
      const std::string_view piece = rest.substr(0, rest.find('/'));
      target += fmt::format("/{}", piece.front() == ':' ? "acme" : piece);
      rest.remove_prefix(std::min(piece.size() + 1, rest.size()));
    }
    asked.emplace_back(route.method, target);
  }
  for (const auto& [method, target] : asked) {
    for (const std::string& token : {std::string(), owner}) {
      const auto answer = send(method, target, token);
      const std::string name = fmt::format("{} {}", method, target);
      const auto value = [&](std::string_view header) {
        const std::string* found = http::find_pair(answer.headers, header);
        return found != nullptr ? *found : "";
      };
      EXPECT_EQ(value("Cache-Control"), "no-store") << name;
      EXPECT_EQ(value("X-Content-Type-Options"), "nosniff") << name;
      EXPECT_EQ(value("X-Frame-Options"), "DENY") << name;
      EXPECT_TRUE(value("Strict-Transport-Security").starts_with("max-age=31536000")) << name;
      EXPECT_EQ(value("Cross-Origin-Opener-Policy"), "same-origin") << name;
      EXPECT_EQ(value("Cross-Origin-Resource-Policy"), "same-origin") << name;
      EXPECT_FALSE(value("X-Request-Id").empty()) << name;
      const std::string policy = value("Content-Security-Policy");
      EXPECT_TRUE(policy.starts_with("default-src 'none';")) << name;
      EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << name;
      EXPECT_NE(policy.find("base-uri 'none'"), std::string::npos) << name;
      EXPECT_EQ(policy.find("unsafe"), std::string::npos) << name;
      // Pages with a form have to say where the form comes from, but only to us.
      const bool page = value("Content-Type").starts_with("text/html");
      EXPECT_EQ(value("Referrer-Policy"), page ? "same-origin" : "no-referrer") << name;
      for (const std::string_view header : {"Cache-Control", "Content-Security-Policy", "X-Request-Id"}) {
        EXPECT_EQ(std::count_if(answer.headers.begin(), answer.headers.end(),
                                [&](const auto& pair) { return pair.first == header; }),
                  1)
            << name << " " << header;
      }
    }
  }
}

TEST_F(AnswerHeaders, ErrorsOfADocumentCarryTheRequestsId) {
  for (const std::string target : {"/api/v2/nothing", "/api/v2/organizations/acme", "/api/v2/organizations/other"}) {
    for (const std::string& token : {std::string(), owner}) {
      const auto answer = send("GET", target, token);
      if (answer.status < 400) continue;
      const auto document = json::parse(answer.body);
      ASSERT_TRUE(document) << answer.body;
      for (const json::Value& error : *document->find("errors")->if_array())
        EXPECT_EQ(*error.find("id")->if_string(), *http::find_pair(answer.headers, "X-Request-Id")) << target;
    }
  }
}

TEST_F(AnswerHeaders, ARequestIsKnownByItsRouteAndItsPerson) {
  http::Request request;
  request.method = "GET";
  request.target = "/api/v2/organizations/acme/workspaces/nowhere?x=1";
  request.headers.emplace_back("Authorization", "Bearer " + owner);
  Exchange exchange;
  exchange.request_id = "req-1";
  EXPECT_EQ(api.handle(request, exchange).status, 404);
  EXPECT_EQ(exchange.route, "/api/v2/organizations/:organization/workspaces/:workspace");
  EXPECT_FALSE(exchange.user_id.empty());
  EXPECT_FALSE(exchange.token_id.empty());
}

TEST_F(AnswerHeaders, ARequestIdThatLooksLikeOneComesBack) {
  const auto ask = [&](const std::string& id) {
    http::Request request;
    request.method = "GET";
    request.target = "/api/v2/ping";
    request.headers.emplace_back("X-Request-Id", id);
    return *http::find_pair(api.handle(request).headers, "X-Request-Id");
  };
  EXPECT_EQ(ask("0f8fad5b-d9cb-469f-a165-70867728950e"), "0f8fad5b-d9cb-469f-a165-70867728950e");
  for (const std::string bad : {"short", "with blank in it", "<script>alert</script>", "a\nb-12345678"})
    EXPECT_NE(ask(bad), bad);
}

}  // namespace
}  // namespace tollgate::api::test
