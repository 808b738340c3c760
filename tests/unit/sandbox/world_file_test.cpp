#include "sandbox/world_file.h"

#include <gtest/gtest.h>

#include "tests/unit/sandbox/sandbox_world.h"

namespace tollgate::sandbox {
namespace {

Result<WorldFile> read(const std::string& text) {
  return read_world(text, "world.toml", TimePoint());
}

constexpr const char* kAccount = "[[account]]\nid = \"111111111111\"\n";

TEST(WorldFile, AnEmptyFileIsAnEmptyWorld) {
  const auto file = read("");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->port, kDefaultPort);
  EXPECT_TRUE(file->world.users.all().empty());
  EXPECT_TRUE(file->world.managed.has("arn:aws:iam::aws:policy/AdministratorAccess"));
}

TEST(WorldFile, ReadsWhatPeopleWrite) {
  const auto file = read(std::string(R"(port = 0
lifetime_divisor = 720
)") + kAccount + R"(alias = "x"
[[policy]]
account = "111111111111"
name = "own"
document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
[[user]]
account = "111111111111"
name = "u"
path = "/a/b/"
attached_policies = ["arn:aws:iam::111111111111:policy/own"]
permissions_boundary = "arn:aws:iam::aws:policy/AdministratorAccess"
tags = { team = "t" }
[[user.mfa_device]]
serial = "GAHT12345678"
seed = "gezd gnbv-gy3t qojq"
[[access_key]]
account = "111111111111"
id = "AKIAROOT"
secret = "s"
[[fault]]
kind = "clock"
offset_seconds = -60
[[fault]]
action = "sts:*"
kind = "503"
count = 3
delay_ms = 10
)");
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(file->port, 0);
  EXPECT_EQ(file->world.lifetime_divisor, 720);
  const User* user = file->world.users.find("111111111111/u");
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(user->arn(), "arn:aws:iam::111111111111:user/a/b/u");
  EXPECT_EQ(user->tags.at("team"), "t");
  EXPECT_EQ(user->id.size(), 21U);
  EXPECT_EQ(file->world.devices.find("GAHT12345678")->seed, Secret("1234567890"));
  EXPECT_EQ(file->world.access_keys.find("AKIAROOT")->user, "") << "the root user's";
  ASSERT_EQ(file->faults.size(), 2U);
  EXPECT_EQ(file->faults[0].offset_seconds, -60);
  EXPECT_FALSE(file->faults[0].count);
  EXPECT_EQ(file->faults[1].count, 3);
  EXPECT_EQ(file->faults[1].delay_ms, 10);
}

TEST(WorldFile, SaysWhichLineIsWrong) {
  struct Case {
    const char* name;
    std::string text;
    int line;
    const char* part;
  };
  const std::string account = kAccount;
  const std::string user = account + "[[user]]\naccount = \"111111111111\"\nname = \"u\"\n";
  for (const auto& c : std::vector<Case>{
           {"not toml", "port = \n", 1, ""},
           {"unknown setting", "prot = 1\n", 1, "has no setting prot"},
           {"unknown in user", user + "nmae = \"x\"\n", 6, "has no setting nmae"},
           {"wrong type", "port = \"80\"\n", 1, "whole number"},
           {"out of range", "lifetime_divisor = 0\n", 1, "from 1 to"},
           {"one bracket", "[account]\nid = \"111111111111\"\n", 1, "two brackets"},
           {"account number", "[[account]]\nid = \"12\"\n", 1, "twelve digits"},
           {"no account", "[[user]]\naccount = \"999999999999\"\nname = \"u\"\n", 1, "there is no [[account]]"},
           {"missing name", account + "[[user]]\naccount = \"111111111111\"\n", 3, "needs name"},
           {"path", user + "path = \"a\"\n", 3, "begin and end with /"},
           {"twice", user + "[[user]]\naccount = \"111111111111\"\nname = \"u\"\n", 6, "twice"},
           {"seed", user + "[[user.mfa_device]]\nserial = \"123456789\"\nseed = \"0189\"\n", 6, "base32"},
           {"policy", user + "[[user.policy]]\nname = \"p\"\ndocument = \"{}\"\n", 8, "document"},
           {"policy json", user + "[[user.policy]]\nname = \"p\"\ndocument = \"no\"\n", 8, "document"},
           {"trust", account + "[[role]]\naccount = \"111111111111\"\nname = \"r\"\n", 3, "needs trust_policy"},
           {"managed", user + "attached_policies = [\"arn:aws:iam::aws:policy/Nope\"]\n", 3, "no managed policy"},
           {"fault", "[[fault]]\nkind = \"rain\"\n", 1, "known are delay, 500"},
       }) {
    const auto file = read(c.text);
    ASSERT_FALSE(file) << c.name;
    EXPECT_EQ(file.error().code, Code::config) << c.name;
    EXPECT_EQ(file.error().place, fmt::format("world.toml:{}", c.line)) << c.name << ": " << file.error().message;
    EXPECT_NE(file.error().message.find(c.part), std::string::npos) << c.name << ": " << file.error().message;
  }
}

}  // namespace
}  // namespace tollgate::sandbox
