#include "sandbox/iam_account.h"

#include "tests/unit/sandbox/iam_fixture.h"

namespace tollgate::sandbox {
namespace {

using IamAccountTest = IamTest;

TEST_F(IamAccountTest, SummaryCountsWhatIsThere) {
  const aws::XmlElement summary = tree(call("GetAccountSummary"));
  std::map<std::string, std::string> entries;
  for (const aws::XmlElement& entry : summary.find("SummaryMap")->children) {
    entries[std::string(entry.text_of("key"))] = entry.text_of("value");
  }
  EXPECT_EQ(entries["Users"], "2");
  EXPECT_EQ(entries["AccessKeysPerUserQuota"], "2");
  EXPECT_EQ(call_as("ana", "GetAccountSummary").code, "AccessDenied");
}

TEST_F(IamAccountTest, Aliases) {
  EXPECT_EQ(text(call("ListAccountAliases"), {"AccountAliases", "member"}), "example");
}

TEST_F(IamAccountTest, WhatDoesNotExistHereIsEmpty) {
  for (const auto& [action, list] : std::map<std::string, std::string>{{"ListGroupsForUser", "Groups"},
                                                                       {"ListSSHPublicKeys", "SSHPublicKeys"},
                                                                       {"ListSigningCertificates", "Certificates"}}) {
    const Answer answer = call(action, {{"UserName", "ana"}});
    EXPECT_EQ(text(answer, {list}), "") << action;
    EXPECT_EQ(text(answer, {"IsTruncated"}), "false") << action;
    EXPECT_EQ(call(action, {{"UserName", "nobody"}}).code, "NoSuchEntity");
  }
  expect_refused(call("DeleteLoginProfile", {{"UserName", "ana"}}), 404, "NoSuchEntity",
                 "Login Profile for User ana cannot be found.");
}

}  // namespace
}  // namespace tollgate::sandbox
