#include "common/net/address.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tollgate::net {
namespace {

TEST(Address, OnlyTheInternetIsPublic) {
  for (const char* address : {"8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1",
                              "192.167.255.255", "223.255.255.255", "2001:4860:4860::8888", "2606:4700::1111",
                              "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}) {
    EXPECT_TRUE(is_public_address(address)) << address;
  }
  for (const char* address : {"0.0.0.0",
                              "0.1.2.3",
                              "10.0.0.1",
                              "10.255.255.255",
                              "100.64.0.1",
                              "127.0.0.1",
                              "127.255.255.254",
                              "169.254.169.254",
                              "169.254.170.2",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.0.0.8",
                              "192.0.2.1",
                              "192.88.99.1",
                              "192.168.1.1",
                              "198.18.0.1",
                              "198.19.255.255",
                              "198.51.100.7",
                              "203.0.113.9",
                              "224.0.0.1",
                              "239.255.255.255",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "::127.0.0.1",
                              "::ffff:127.0.0.1",
                              "::ffff:169.254.169.254",
                              "::ffff:10.0.0.1",
                              "64:ff9b::7f00:1",
                              "64:ff9b::a9fe:a9fe",
                              "64:ff9b:1::1",
                              "100::1",
                              "2001::1",
                              "2001:db8::1",
                              "2002:7f00:1::",
                              "2002:a00:1::1",
                              "3fff::1",
                              "fc00::1",
                              "fd00:ec2::254",
                              "fe80::1",
                              "fec0::1",
                              "ff02::1",
                              "",
                              "localhost",
                              "127.1",
                              "2130706433",
                              "0x7f000001"}) {
    EXPECT_FALSE(is_public_address(address)) << address;
  }
}

// What a person may write for this machine or for the metadata of clouds: whatever the resolver makes of it is looked
// at.
TEST(Address, EveryNotationLeadsToAnAddressThatIsNotPublic) {
  for (const std::string host : {"localhost",
                                 "127.0.0.1",
                                 "127.1",
                                 "127.0.1",
                                 "2130706433",
                                 "0x7f000001",
                                 "0x7f.1",
                                 "0177.0.0.1",
                                 "017700000001",
                                 "0",
                                 "0x0",
                                 "10.1",
                                 "0xa.0.0.1",
                                 "012.0.0.1",
                                 "2852039166",
                                 "0xa9fea9fe",
                                 "0251.0376.0251.0376",
                                 "169.254.43518",
                                 "::1",
                                 "::ffff:127.0.0.1",
                                 "0:0:0:0:0:ffff:7f00:1"}) {
    const auto found = resolve_host(host, 443);
    if (!found) continue;  // no notation of this resolver: nothing to connect to
    EXPECT_FALSE(std::all_of(found->begin(), found->end(), is_public_address)) << host << ": " << found->front();
  }
  EXPECT_EQ(resolve_host("127.0.0.1", 80).value(), std::vector<std::string>{"127.0.0.1"});
}

TEST(Address, AnUnknownNameIsUnavailable) {
  const auto found = resolve_host("no such host", 443);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::unavailable);
}

}  // namespace
}  // namespace tollgate::net
