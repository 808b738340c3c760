#include "aws/process_source.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace tollgate::aws {
namespace {

TimePoint now() {
  return test::ManualClock().now();
}  // 2026-01-02T03:04:05Z

// What the clients agree to accept.
TEST(ProcessSource, AcceptsWhatEveryClientAccepts) {
  struct Case {
    std::string name;
    std::string output;
    std::string token;
    std::optional<TimePoint> expiration;
  };
  const TimePoint later = now() + std::chrono::hours(1);
  const std::string keys = R"("AccessKeyId":"A","SecretAccessKey":"s")";
  const std::vector<Case> cases = {
      {"full", R"({"Version":1,)" + keys + R"(,"SessionToken":"t","Expiration":"2026-01-02T04:04:05Z"})", "t", later},
      {"keys_alone", R"({"Version":1,)" + keys + "}", "", std::nullopt},
      {"no_expiration", R"({"Version":1,)" + keys + R"(,"SessionToken":"t"})", "t", std::nullopt},
      {"nulls", R"({"Version":1,)" + keys + R"(,"SessionToken":null,"Expiration":null})", "", std::nullopt},
      {"offset", R"({"Version":1,)" + keys + R"(,"Expiration":"2026-01-02T09:34:05+05:30"})", "", later},
      {"fraction", R"({"Version":1,)" + keys + R"(,"Expiration":"2026-01-02T04:04:05.000Z"})", "", later},
      {"unknown_members", R"({"Version":1,)" + keys + R"(,"AccountId":"123456789012","Other":[1]})", "", std::nullopt},
      {"blanks_around", std::string(3 << 20, ' ') + R"({"Version":1,)" + keys + "}\r\n\n", "", std::nullopt},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    const auto credentials = parse_process_output(one.output, now());
    ASSERT_TRUE(credentials) << credentials.error().message;
    EXPECT_EQ(credentials->access_key_id, "A");
    EXPECT_EQ(credentials->secret_access_key.reveal(), "s");
    EXPECT_EQ(credentials->session_token.reveal(), one.token);
    EXPECT_EQ(credentials->expiration, one.expiration);
  }
}

TEST(ProcessSource, RefusesWhatSomeClientRefuses) {
  const std::string keys = R"("AccessKeyId":"A","SecretAccessKey":"s3cr3t")";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"empty", ""},
      {"not_json", "s3cr3t"},
      {"array", "[1]"},
      {"version_2", R"({"Version":2,)" + keys + "}"},
      {"version_text", R"({"Version":"1",)" + keys + "}"},
      {"no_version", "{" + keys + "}"},
      {"no_secret", R"({"Version":1,"AccessKeyId":"A"})"},
      {"no_id", R"({"Version":1,"SecretAccessKey":"s3cr3t"})"},
      {"empty_secret", R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":""})"},
      {"number_as_secret", R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":5})"},
      {"expired", R"({"Version":1,)" + keys + R"(,"Expiration":"2026-01-02T03:04:05Z"})"},
      {"tomorrow", R"({"Version":1,)" + keys + R"(,"Expiration":"tomorrow"})"},
      {"trailing_text", R"({"Version":1,)" + keys + "} extra"},
      {"byte_order_mark", "\xef\xbb\xbf" + (R"({"Version":1,)" + keys + "}")},
      {"too_large", std::string(kMaxProcessOutputBytes + 1, ' ')},
  };
  for (const auto& [name, output] : cases) {
    SCOPED_TRACE(name);
    const auto credentials = parse_process_output(output, now());
    ASSERT_FALSE(credentials);
    EXPECT_EQ(credentials.error().code, Code::invalid);
    EXPECT_EQ(credentials.error().message.find("s3cr3t"), std::string::npos) << "the output must not be quoted";
    EXPECT_FALSE(credentials.error().next.empty());
  }
}

TEST(ProcessSource, RunsThroughTheCallback) {
  const ProcessRunner good = [](const std::string& command, std::chrono::seconds timeout) -> Result<ProcessOutcome> {
    EXPECT_EQ(command, "/bin/x --y");
    EXPECT_EQ(timeout, kProcessTimeout);
    return ProcessOutcome{0, Secret(R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"s"})"), ""};
  };
  EXPECT_TRUE(fetch_process_credentials(good, "/bin/x --y", now()));
  const ProcessRunner failing = [](const std::string&, std::chrono::seconds) -> Result<ProcessOutcome> {
    return ProcessOutcome{3, Secret(R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"s"})"),
                          "warning\nno session\x1b[31m for prod\n\n"};
  };
  const auto failed = fetch_process_credentials(failing, "x", now());
  ASSERT_FALSE(failed) << "an exit status other than 0 counts, whatever was printed";
  EXPECT_EQ(failed.error().message, "the credential_process failed with exit status 3: no session [31m for prod");
  const ProcessRunner late = [](const std::string&, std::chrono::seconds) -> Result<ProcessOutcome> {
    return fail(Code::unavailable, "took longer than 60 s");
  };
  EXPECT_EQ(fetch_process_credentials(late, "x", now()).error().code, Code::unavailable);
}

}  // namespace
}  // namespace tollgate::aws
