#include "server/page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace tollgate::page {
namespace {

constexpr std::array<WebFile, 3> kFiles{{
    {"/index.html", "text/html; charset=utf-8", "<!doctype html>", "", "\"i\""},
    {"/assets/page-1.js", "text/javascript; charset=utf-8", "let a;", "packed", "\"j\""},
    {"/icon.svg", "image/svg+xml", "<svg/>", "", "\"k\""},
}};

http::Request get(std::string target, http::Headers headers = {}) {
  http::Request request;
  request.method = "GET";
  request.target = std::move(target);
  request.headers = std::move(headers);
  return request;
}

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Page, EveryAddressThatThePageDrawsIsItsDocument) {
  for (const char* target : {"/", "/app", "/app/acme/net/runs/run-1?focus=code", "/app/settings/tokens", "/login",
                             "/settings/organization_variables"}) {
    const auto answered = answer(kFiles, get(target));
    ASSERT_TRUE(answered) << target;
    EXPECT_EQ(answered->body, "<!doctype html>") << target;
    EXPECT_EQ(header(*answered, "Cache-Control"), "no-cache");
  }
}

TEST(Page, TheDocumentsPolicyLetsNothingForeignAndNothingInlineIn) {
  const std::string policy = header(*answer(kFiles, get("/app")), "Content-Security-Policy");
  for (const char* part :
       {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'",
        "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"}) {
    EXPECT_THAT(policy, testing::HasSubstr(part));
  }
  EXPECT_THAT(policy, testing::Not(testing::HasSubstr("unsafe")));
  EXPECT_THAT(policy, testing::Not(testing::HasSubstr("http")));
}

TEST(Page, OtherAddressesAreNotThePages) {
  for (const char* target : {"/apps", "/application", "/api/v2/ping", "/assets/none.js", "/assets/", "/index", "//app",
                             "/assets/../index.html", "/icon.svg/"}) {
    EXPECT_FALSE(answer(kFiles, get(target))) << target;
  }
}

TEST(Page, FilesWithAHashInTheirNameAreKeptForever) {
  const auto script = answer(kFiles, get("/assets/page-1.js"));
  ASSERT_TRUE(script);
  EXPECT_EQ(script->body, "let a;");
  EXPECT_EQ(header(*script, "Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_THAT(header(*script, "Cache-Control"), testing::HasSubstr("immutable"));
  EXPECT_EQ(header(*answer(kFiles, get("/icon.svg")), "Cache-Control"), "no-cache");
}

TEST(Page, CompressedForWhoTakesIt) {
  const auto packed = answer(kFiles, get("/assets/page-1.js", {{"accept-encoding", "br, gzip, deflate"}}));
  EXPECT_EQ(packed->body, "packed");
  EXPECT_EQ(header(*packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(answer(kFiles, get("/assets/page-1.js", {{"Accept-Encoding", "gzip;q=0"}}))->body, "let a;");
  EXPECT_EQ(answer(kFiles, get("/icon.svg", {{"Accept-Encoding", "gzip"}}))->body, "<svg/>");
}

TEST(Page, WhatTheBrowserHasIsNotSentAgain) {
  const auto unchanged = answer(kFiles, get("/app", {{"If-None-Match", "\"i\""}}));
  EXPECT_EQ(unchanged->status, 304);
  EXPECT_EQ(unchanged->body, "");
  EXPECT_EQ(answer(kFiles, get("/app", {{"If-None-Match", "\"old\""}}))->status, 200);
}

TEST(Page, ChangesNothing) {
  http::Request request = get("/app");
  request.method = "POST";
  const auto refused = answer(kFiles, request);
  EXPECT_EQ(refused->status, 405);
  EXPECT_EQ(header(*refused, "Allow"), "GET, HEAD");
}

TEST(Page, AServerWithoutPageSaysSo) {
  const auto answered = answer({}, get("/app"));
  EXPECT_EQ(answered->status, 404);
  EXPECT_THAT(answered->body, testing::HasSubstr("TOLLGATE_WEB"));
  EXPECT_FALSE(answer({}, get("/favicon.ico")));
}

TEST(Page, ThisProgramHoldsTheDocumentItsScriptAndItsStyle) {
  const auto document = answer(web_files(), get("/app"));
  ASSERT_TRUE(document);
  if (web_files().empty()) GTEST_SKIP() << "built without the page";
  EXPECT_EQ(document->status, 200);
  for (const char* kind : {".js", ".css"}) {
    const auto end = document->body.find(std::string(kind) + "\"");
    ASSERT_NE(end, std::string::npos) << document->body;
    const auto start = document->body.rfind('"', end) + 1;
    const auto file = answer(web_files(), get(document->body.substr(start, end - start) + kind));
    ASSERT_TRUE(file);
    EXPECT_EQ(file->status, 200);
    EXPECT_GT(file->body.size(), 1000U);
  }
}

}  // namespace
}  // namespace tollgate::page
