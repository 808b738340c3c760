#include "server/api/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tollgate::api {
namespace {

Result<http::Response> nothing(const Call&) {
  return http::Response{};
}

Route row(std::string_view method, std::string_view pattern) {
  return {method, pattern, Permission::anyone, nothing, "a test"};
}

TEST(Router, FindsParametersAndDecodesThem) {
  const Router router({row("GET", "/a/:name/b")});
  const Match match = router.match("GET", "/a/x%2Fy/b");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.parameters, (http::Pairs{{"name", "x/y"}}));
}

TEST(Router, LiteralSegmentsWinOverParameters) {
  const Router router({row("GET", "/runs/:id"), row("GET", "/runs/queue")});
  ASSERT_NE(router.match("GET", "/runs/queue").route, nullptr);
  EXPECT_EQ(router.match("GET", "/runs/queue").route->pattern, "/runs/queue");
  EXPECT_EQ(router.match("GET", "/runs/run-1").route->pattern, "/runs/:id");
}

TEST(Router, NamesTheMethodsOfAPathThatHasNotThisOne) {
  const Router router({row("GET", "/a"), row("POST", "/a")});
  const Match match = router.match("DELETE", "/a");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "GET, POST");
  EXPECT_NE(router.match("HEAD", "/a").route, nullptr);
}

TEST(Router, HasNothingForOtherPaths) {
  const Router router({row("GET", "/a/:name")});
  for (const std::string_view path : {"", "/", "/a", "/a/", "/a/b/", "/a/b/c", "//a/b", "/a/%zz"}) {
    EXPECT_EQ(router.match("GET", path).route, nullptr) << path;
  }
}

TEST(Router, RefusesATableWithMistakes) {
  EXPECT_THROW(Router({row("GET", "/a"), row("GET", "/a")}), std::logic_error);
  EXPECT_THROW(Router({row("GET", "a")}), std::logic_error);
  EXPECT_THROW(Router({Route{"GET", "/a", Permission::anyone, nullptr, "a test"}}), std::logic_error);
}

}  // namespace
}  // namespace tollgate::api
