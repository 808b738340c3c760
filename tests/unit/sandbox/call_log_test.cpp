#include "sandbox/call_log.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace tollgate::sandbox {
namespace {

LogEntry entry() {
  LogEntry entry;
  entry.time = "2026-01-02T03:04:05Z";
  entry.request_id = "r-1";
  entry.principal = "arn:aws:iam::111111111111:user/ana";
  entry.access_key = "…WXYZ";
  entry.action = "sts:AssumeRole";
  entry.resource = "arn:aws:iam::222222222222:role/team/deploy";
  entry.mfa = "yes";
  entry.mfa_age = 12;
  entry.decision = "denied";
  entry.status = 403;
  entry.code = "AccessDenied";
  entry.reason = "because \"x\"";
  entry.source_ip = "127.0.0.1";
  entry.user_agent = "aws-cli/1";
  return entry;
}

TEST(CallLog, HasAStableSchema) {
  EXPECT_EQ(
      to_json_line(entry()),
      "{\"time\":\"2026-01-02T03:04:05Z\",\"request_id\":\"r-1\",\"principal\":\"arn:aws:iam::111111111111:user/"
      "ana\",\"access_key\":\"…WXYZ\",\"action\":\"sts:AssumeRole\",\"resource\":\"arn:aws:iam::222222222222:role/"
      "team/deploy\",\"mfa\":\"yes\",\"mfa_age\":12,\"decision\":\"denied\",\"status\":403,\"code\":\"AccessDenied\","
      "\"reason\":\"because \\\"x\\\"\",\"source_ip\":\"127.0.0.1\",\"user_agent\":\"aws-cli/1\"}");
}

TEST(CallLog, IsReadAsItWasWritten) {
  tollgate::test::TemporaryDirectory folder;
  const auto state = os::PrivateDirectory::create(folder.file("state"));
  EXPECT_TRUE(read_call_log(*state)->empty());
  auto log = CallLog::open(*state);
  ASSERT_TRUE(log);
  log->append(entry());
  LogEntry other = entry();
  other.mfa_age.reset();
  other.mfa = "absent";
  other.fault = "clock";
  log->append(other);
  const auto lines = read_call_log(*state);
  ASSERT_EQ(lines->size(), 2U);
  EXPECT_EQ(to_json_line(*log_entry_from_json((*lines)[0])), to_json_line(entry()));
  EXPECT_EQ(to_json_line(*log_entry_from_json((*lines)[1])), to_json_line(other));
}

TEST(CallLog, TextIsSafeForATerminal) {
  LogEntry hostile = entry();
  hostile.resource = "arn:aws:s3:::b/\x1b[2J\n";
  const std::string text = to_text_line(hostile);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_NE(text.find("mfa 12s"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::sandbox
