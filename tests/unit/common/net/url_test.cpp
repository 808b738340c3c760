#include "common/net/url.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tollgate::net {
namespace {

TEST(Url, TakesUrlsApart) {
  struct Case {
    std::string text;
    std::string host;
    int port;
    std::string target;
    std::string authority;
  };
  const std::vector<Case> cases = {
      {"https://sts.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com", 443, "/", "sts.eu-west-1.amazonaws.com"},
      {"HTTP://LocalHost:5555/a/b?c=d", "localhost", 5555, "/a/b?c=d", "localhost:5555"},
      {"https://host:443/", "host", 443, "/", "host"},
      {"http://host:443/", "host", 443, "/", "host:443"},
      {"http://host:/", "host", 80, "/", "host"},
      {"http://host?a=b", "host", 80, "/?a=b", "host"},
      {"http://[fd00:EC2::23]/v1", "fd00:ec2::23", 80, "/v1", "[fd00:ec2::23]"},
      {"http://[::1]:8080", "::1", 8080, "/", "[::1]:8080"},
      {"http://host/a b", "host", 80, "/a b", "host"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    const auto url = parse_url(one.text);
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, one.host);
    EXPECT_EQ(url->port, one.port);
    EXPECT_EQ(url->target, one.target);
    EXPECT_EQ(url->authority(), one.authority);
    EXPECT_EQ(parse_url(url->text())->text(), url->text());
  }
}

TEST(Url, RefusesWhatIsNotPlainHttp) {
  for (const std::string text : {"",
                                 "host",
                                 "/path",
                                 "ftp://host/",
                                 "file:///etc/passwd",
                                 "https://",
                                 "https:///path",
                                 "https://user@host/",
                                 "https://user:secret@host/",
                                 "https://host/#part",
                                 "https://host:0/",
                                 "https://host:65536/",
                                 "https://host:8a/",
                                 "https://[::1/",
                                 "https://[host]/",
                                 "https://[::1]x/",
                                 "https://ho st/",
                                 "https://host/\r\nX: y",
                                 "https://h%6f/",
                                 "https://::1/"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, Code::invalid);
    EXPECT_EQ(url.error().message.find("secret"), std::string::npos);
  }
}

TEST(Url, KnowsThisMachine) {
  for (const std::string host :
       {"localhost", "a.localhost", "127.0.0.1", "127.255.0.3", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const std::string host : {"", "localhost.example.com", "127.0.0.1.nip.io", "126.0.0.1", "128.0.0.1", "0.0.0.0",
                                 "::", "::2", "::ffff:10.0.0.1", "127.1", "0x7f.0.0.1", "notlocalhost"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

}  // namespace
}  // namespace tollgate::net
