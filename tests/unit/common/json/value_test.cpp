#include "common/json/value.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/referees.h"

namespace tollgate::json {
namespace {

TEST(JsonValue, KeepsOrderAndRoundTrips) {
  const std::string text = R"({"z":1,"a":[true,null,-2,0.5,"\u00e9\n"],"m":{}})";
  const auto value = parse(text);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(to_text(*value), "{\"z\":1,\"a\":[true,null,-2,5E-1,\"é\\n\"],\"m\":{}}");
}

TEST(JsonValue, RefusesWhatMisleadsReaders) {
  for (const char* text :
       {R"({"a":1,"a":2})", "[1] x", "", "[1,]", "{'a':1}", "\xef\xbb\xbf{}", "[\"\\ud800\"]", "nan"}) {
    EXPECT_FALSE(parse(text)) << text;
  }
}

TEST(JsonValue, BadUtf8IsReplacedOnWriting) {
  EXPECT_EQ(to_text(Value(std::string("a\xff\xed\xa0\x80z\x01"))),
            "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\\u0001\"");
}

TEST(JsonReader, ErrorsCarryThePointer) {
  const auto value = parse(R"({"data":{"a/b":[{"n":"x"}]}})");
  ASSERT_TRUE(value);
  const auto data = Reader(*value).member("data");
  ASSERT_TRUE(data);
  const auto items = data->member("a/b")->items();
  ASSERT_TRUE(items);
  EXPECT_EQ((*items)[0].integer("n").error().place, "/data/a~1b/0/n");
  EXPECT_EQ((*items)[0].text("gone").error().message, "is missing");
  EXPECT_EQ(Reader(*value).optional_text("none")->has_value(), false);
}

// y_ files must be read, n_ files refused; i_ files are free. Known differences: none.
TEST(JsonValue, JsonTestSuite) {
  const auto folder = test::referees_folder();
  if (!folder) GTEST_SKIP() << "referee data JSONTestSuite is not on this machine";
  int read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder + "/JSONTestSuite/test_parsing")) {
    const std::string name = entry.path().filename().string();
    const bool ok = parse(test::read_whole_file(entry.path().string())).has_value();
    // RFC 8259 4 says names SHOULD be unique and warns of what follows where they are not: refused here on purpose.
    const bool duplicate_key = name.find("duplicated_key") != std::string::npos;
    if (name.starts_with("y_")) {
      EXPECT_EQ(ok, !duplicate_key) << name;
    } else if (name.starts_with("n_")) {
      EXPECT_FALSE(ok) << name;
    }
    ++read;
  }
  EXPECT_GT(read, 300);
}

}  // namespace
}  // namespace tollgate::json
