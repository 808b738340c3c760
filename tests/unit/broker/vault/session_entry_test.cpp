#include <gtest/gtest.h>

#include "broker/vault/session_cache.h"
#include "common/crypto/sealed_box.h"

namespace tollgate::vault {
namespace {

CacheKey name(std::string_view text) {
  return CacheKey::Builder("role").add("name", text).build();
}

Entry sample() {
  return {"role",
          Secret("{\"SecretAccessKey\":\"wJalrXUtnFEMI\"}"),
          from_unix_seconds(1767323045),
          from_unix_seconds(1767326645),
          {{"profile", "prod"}, {"role_arn", "arn:aws:iam::111111111111:role/x"}, {"empty", ""}}};
}

class SessionEntry : public ::testing::Test {
 protected:
  SystemRandom random_;
  const Secret key_ = crypto::generate_seal_key(random_);
};

TEST_F(SessionEntry, ComesBackAsItWasSealed) {
  const Entry entry = sample();
  const auto opened = open_entry(key_, name("a"), seal_entry(key_, name("a"), entry, random_));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->kind, entry.kind);
  EXPECT_TRUE(opened->payload == entry.payload);
  EXPECT_EQ(opened->created, entry.created);
  EXPECT_EQ(opened->expires, entry.expires);
  EXPECT_EQ(opened->labels, entry.labels);
}

TEST_F(SessionEntry, ShowsNothingAndIsNeverTheSameTwice) {
  const std::string file = seal_entry(key_, name("a"), sample(), random_);
  for (const char* text : {"wJalr", "prod", "role", "111111111111"}) {
    EXPECT_EQ(file.find(text), std::string::npos) << text;
  }
  EXPECT_NE(file, seal_entry(key_, name("a"), sample(), random_));
}

TEST_F(SessionEntry, TornAtEveryLengthIsRefused) {
  const std::string file = seal_entry(key_, name("a"), sample(), random_);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(open_entry(key_, name("a"), std::string_view(file).substr(0, size))) << size;
  }
  EXPECT_FALSE(open_entry(key_, name("a"), file + "x"));
}

TEST_F(SessionEntry, EveryChangedBitIsNoticed) {
  const std::string file = seal_entry(key_, name("a"), sample(), random_);
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = file;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (1U << bit));
      ASSERT_FALSE(open_entry(key_, name("a"), changed)) << at;
    }
  }
}

TEST_F(SessionEntry, UnderAnotherNameIsRefused) {
  const std::string file = seal_entry(key_, name("a"), sample(), random_);
  const auto opened = open_entry(key_, name("b"), file);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "sealed_box_refused");
}

TEST_F(SessionEntry, UnderAnotherKeyIsToldFromTampering) {
  const std::string file = seal_entry(key_, name("a"), sample(), random_);
  const auto opened = open_entry(crypto::generate_seal_key(random_), name("a"), file);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "another_key");
}

TEST_F(SessionEntry, OfAnotherVersionIsNone) {
  std::string file = seal_entry(key_, name("a"), sample(), random_);
  file[4] = 2;
  EXPECT_EQ(open_entry(key_, name("a"), file).error().reason, "not_an_entry");
}

TEST(CacheKey, DependsOnEveryInputItsNameItsPlaceAndItsBounds) {
  const auto build = [](std::initializer_list<std::pair<const char*, const char*>> inputs, const char* kind = "role") {
    CacheKey::Builder builder(kind);
    for (const auto& [input, value] : inputs)
      builder.add(input, value);
    return builder.build().hex();
  };
  const std::string key = build({{"a", "b"}, {"c", "d"}});
  EXPECT_EQ(key, build({{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(key.size(), 64U);
  EXPECT_NE(key, build({{"a", "b"}, {"c", "e"}}));
  EXPECT_NE(key, build({{"a", "b"}, {"x", "d"}}));
  EXPECT_NE(key, build({{"c", "d"}, {"a", "b"}}));
  EXPECT_NE(key, build({{"a", "bc"}, {"", "d"}}));
  EXPECT_NE(key, build({{"a", "b"}, {"c", "d"}, {"", ""}}));
  EXPECT_NE(key, build({{"a", "b"}, {"c", "d"}}, "session"));
}

TEST(CacheKey, IsReadFromItsFileNameOnly) {
  const std::string hex = CacheKey::Builder("role").build().hex();
  EXPECT_EQ(CacheKey::from_hex(hex)->hex(), hex);
  EXPECT_FALSE(CacheKey::from_hex(hex.substr(1)));
  EXPECT_FALSE(CacheKey::from_hex("A" + hex.substr(1)));
  EXPECT_FALSE(CacheKey::from_hex("." + hex.substr(1)));
  EXPECT_FALSE(CacheKey::from_hex(""));
}

struct Renewal {
  const char* name;
  int life_minutes;
  int left_seconds;
  int min_ttl_minutes;
  bool due;
};

class RenewalRule : public ::testing::TestWithParam<Renewal> {};

TEST_P(RenewalRule, IsAQuarterOfTheLifeButNoMoreThanFifteenMinutes) {
  const TimePoint created = from_unix_seconds(1000000);
  const TimePoint expires = created + std::chrono::minutes(GetParam().life_minutes);
  const TimePoint now = expires - std::chrono::seconds(GetParam().left_seconds);
  EXPECT_EQ(due_for_renewal(created, expires, now, std::chrono::minutes(GetParam().min_ttl_minutes)), GetParam().due);
}

INSTANTIATE_TEST_SUITE_P(Cases, RenewalRule,
                         ::testing::Values(Renewal{"hour_with_15_minutes_left", 60, 900, 0, false},
                                           Renewal{"hour_with_less_than_15", 60, 899, 0, true},
                                           Renewal{"quarter_hour_from_birth", 15, 900, 0, false},
                                           Renewal{"quarter_hour_at_a_quarter", 15, 225, 0, false},
                                           Renewal{"quarter_hour_below_a_quarter", 15, 224, 0, true},
                                           Renewal{"half_day_at_16_minutes", 720, 960, 0, false},
                                           Renewal{"half_day_at_14_minutes", 720, 840, 0, true},
                                           Renewal{"apply_wants_two_hours", 720, 7199, 120, true},
                                           Renewal{"apply_has_two_hours", 720, 7200, 120, false},
                                           Renewal{"expired", 60, 0, 0, true},
                                           Renewal{"long_expired", 60, -1000, 0, true},
                                           Renewal{"life_of_nothing", 0, 0, 0, true}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace tollgate::vault
