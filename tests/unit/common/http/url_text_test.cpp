#include "common/http/url_text.h"

#include <gtest/gtest.h>

namespace tollgate::http {
namespace {

TEST(HttpForm, KeepsOrderAndRepeatsAndDecodesOnce) {
  struct Case {
    const char* text;
    Pairs pairs;
  };
  for (const auto& [text, pairs] : std::vector<Case>{
           {"", {}},
           {"&&", {}},
           {"a=1&b=2&a=3", {{"a", "1"}, {"b", "2"}, {"a", "3"}}},
           {"page%5Bsize%5D=20&q=a+b%2Bc", {{"page[size]", "20"}, {"q", "a b+c"}}},
           {"flag&empty=&=x&a=b=c", {{"flag", ""}, {"empty", ""}, {"", "x"}, {"a", "b=c"}}},
           {"x=%2525", {{"x", "%25"}}},
           {"n=%00", {{"n", std::string(1, '\0')}}},
       }) {
    const auto parsed = parse_form(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, pairs) << text;
  }
}

TEST(HttpForm, RefusesBrokenEscapesAndTooMany) {
  for (const char* text : {"a=%", "a=%2", "%zz=1", "ok=1&b=%g0"})
    EXPECT_EQ(parse_form(text).error().code, Code::invalid) << text;
  EXPECT_TRUE(parse_form("a&b", 2));
  EXPECT_EQ(parse_form("a&b&c", 2).error().code, Code::invalid);
}

TEST(HttpCookies, ReadsWhatBrowsersSend) {
  const Pairs cookies = parse_cookies("__Host-session=abc; theme=dark;x=a=b ; lonely; =nameless; theme=light");
  EXPECT_EQ(cookies, (Pairs{{"__Host-session", "abc"}, {"theme", "dark"}, {"x", "a=b"}, {"theme", "light"}}));
  EXPECT_EQ(*find_pair(cookies, "theme"), "dark");
  EXPECT_EQ(find_pair(cookies, "__host-session"), nullptr);
  EXPECT_TRUE(parse_cookies("").empty());
}

TEST(HttpCookies, WritesSafeDefaults) {
  Cookie cookie;
  cookie.name = "__Host-session";
  cookie.value = "abc";
  EXPECT_EQ(*format_set_cookie(cookie), "__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax");
  cookie.max_age = std::chrono::seconds(-5);
  cookie.same_site = Cookie::SameSite::strict;
  EXPECT_EQ(*format_set_cookie(cookie), "__Host-session=abc; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
}

TEST(HttpCookies, RefusesWhatABrowserWouldDropOrMisread) {
  using SameSite = Cookie::SameSite;
  struct Case {
    const char* name;
    const char* value;
    const char* path;
    bool secure;
    SameSite same_site;
  };
  for (const auto& c : std::vector<Case>{
           {"", "v", "/", true, SameSite::lax},
           {"a b", "v", "/", true, SameSite::lax},
           {"a=b", "v", "/", true, SameSite::lax},
           {"a", "x; Domain=evil", "/", true, SameSite::lax},
           {"a", "x\r\nSet-Cookie: b=c", "/", true, SameSite::lax},
           {"a", "\xc3\xa4", "/", true, SameSite::lax},
           {"a", "v", "no/slash", true, SameSite::lax},
           {"a", "v", "/; Domain=evil", true, SameSite::lax},
           {"__Host-a", "v", "/", false, SameSite::lax},
           {"__HOST-a", "v", "/app", true, SameSite::lax},
           {"__Secure-a", "v", "/app", false, SameSite::lax},
           {"a", "v", "/", false, SameSite::none},
       }) {
    Cookie cookie;
    cookie.name = c.name;
    cookie.value = c.value;
    cookie.path = c.path;
    cookie.secure = c.secure;
    cookie.same_site = c.same_site;
    const auto text = format_set_cookie(cookie);
    ASSERT_FALSE(text) << c.name << " " << c.value;
    EXPECT_EQ(text.error().code, Code::invalid);
  }
}

}  // namespace
}  // namespace tollgate::http
