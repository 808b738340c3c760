#include "server/api/jsonapi.h"

#include <gtest/gtest.h>

namespace tollgate::api {
namespace {

TEST(JsonApi, WritesAResourceWithItsRelationships) {
  Resource resource("runs", "run-1");
  resource.attribute("status", "pending").time("created-at", from_unix_seconds(0)).time("ended-at", std::nullopt);
  resource.to_one("plan", "plans", "plan-1").to_one("apply", "applies", "").to_many("comments", "comments", {"c-1"});
  EXPECT_EQ(document(200, std::move(resource).build()).body,
            R"({"data":{"id":"run-1","type":"runs","attributes":{"status":"pending",)"
            R"("created-at":"1970-01-01T00:00:00Z","ended-at":null},"relationships":{)"
            R"("plan":{"data":{"id":"plan-1","type":"plans"}},"apply":{"data":null},)"
            R"("comments":{"data":[{"id":"c-1","type":"comments"}]}}}})");
}

TEST(JsonApi, IncludesEachResourceOnce) {
  const json::Value user = Resource("users", "user-1").build();
  const http::Response response = document(200, json::Value(), {user, user});
  EXPECT_EQ(response.body, R"({"data":null,"included":[{"id":"user-1","type":"users","attributes":{}}]})");
}

TEST(JsonApi, ListsSayWhereTheyAre) {
  http::Request request;
  request.target = "/api/v2/x?q=a%20b&page[number]=2&page[size]=10";
  const auto parsed = json::parse(list_document({}, 25, {2, 10}, request).body);
  ASSERT_TRUE(parsed);
  const json::Value& pagination = *parsed->find("meta")->find("pagination");
  EXPECT_EQ(pagination, json::Value::object({{"current-page", 2},
                                             {"page-size", 10},
                                             {"prev-page", 1},
                                             {"next-page", 3},
                                             {"total-pages", 3},
                                             {"total-count", 25}}));
  EXPECT_EQ(*parsed->find("links")->find("next")->if_string(),
            "/api/v2/x?q=a%20b&page%5Bnumber%5D=3&page%5Bsize%5D=10");
}

TEST(JsonApi, APageBeyondTheEndIsEmptyWithTheSameTotal) {
  const auto part = cut_page(std::vector<int>{1, 2, 3}, {5, 2});
  EXPECT_TRUE(part.rows.empty());
  EXPECT_EQ(part.total, 3);
  EXPECT_EQ(cut_page(std::vector<int>{1, 2, 3}, {2, 2}).rows, std::vector<int>{3});
}

TEST(JsonApi, ReadsPagesWithinLimits) {
  EXPECT_EQ(read_page({})->size, 20);
  EXPECT_EQ(read_page({{"page[size]", "1000"}})->size, 100);
  EXPECT_EQ(read_page({{"page[number]", "0"}})->number, 1);
  for (const char* text : {"-1", "x", "1x", "99999999999999999999"}) {
    EXPECT_FALSE(read_page({{"page[number]", text}})) << text;
  }
}

TEST(JsonApi, ErrorsCarryStatusDetailAndPlace) {
  const http::Response response =
      error_document(Error(Code::invalid, "must be a string").at("/data/attributes/name").because("r"));
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.body,
            R"({"errors":[{"status":"422","title":"invalid attribute","detail":"name must be a string","code":"r",)"
            R"("source":{"pointer":"/data/attributes/name"}}]})");
}

TEST(JsonApi, WhatBrokeInsideIsNotTold) {
  const http::Response response = error_document(Error(Code::io, "/secret/path: no space"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("secret"), std::string::npos);
}

TEST(JsonApi, ReadsRequestsOfStockClients) {
  const auto body = RequestDocument::parse(
      R"({"data":{"type":"","attributes":{"a":1},"relationships":{"workspace":{"data":{"type":"workspaces","id":"ws-1"}},)"
      R"("empty":{"data":null}}}})",
      "runs");
  ASSERT_TRUE(body);
  EXPECT_EQ(*body->attributes().integer("a"), 1);
  EXPECT_EQ(body->relationship("workspace")->value(), "ws-1");
  EXPECT_FALSE(body->relationship("empty")->has_value());
  EXPECT_FALSE(body->relationship("missing")->has_value());
  EXPECT_TRUE(body->has("a"));
  EXPECT_FALSE(body->has("b"));
}

TEST(JsonApi, RefusesOtherDocuments) {
  for (const char* text : {"", "null", "[]", "1", "{}", R"({"data":null})", R"({"data":[]})", R"({"data":{"type":1}})",
                           R"({"data":{"type":"vars"}})", R"({"data":{"attributes":[]}})", "{\"data\":{}"}) {
    const auto body = RequestDocument::parse(text, "runs");
    ASSERT_FALSE(body) << text;
    EXPECT_EQ(body.error().code, Code::invalid) << text;
  }
  for (const char* text :
       {R"({"data":{"relationships":1}})", R"({"data":{"relationships":{"w":[]}}})",
        R"({"data":{"relationships":{"w":{"data":[]}}}})", R"({"data":{"relationships":{"w":{"data":{"id":1}}}}})"}) {
    const auto body = RequestDocument::parse(text, "");
    ASSERT_TRUE(body) << text;
    EXPECT_FALSE(body->relationship("w")) << text;
  }
}

TEST(JsonApi, ActionsTakeTheirCommentWithOrWithoutEnvelope) {
  EXPECT_TRUE(RequestDocument::parse_optional("", "x"));
  EXPECT_EQ(*RequestDocument::parse_optional(R"({"comment":"c"})", "x")->attributes().text("comment"), "c");
  EXPECT_EQ(
      *RequestDocument::parse_optional(R"({"data":{"attributes":{"comment":"c"}}})", "x")->attributes().text("comment"),
      "c");
  EXPECT_FALSE(RequestDocument::parse_optional("[]", "x"));
}

}  // namespace
}  // namespace tollgate::api
