// A small world for the tests of the IAM imitation: account 123456789012 with the user "admin" who may do everything
// and the user "ana" who may do nothing yet. Calls go to the operations directly, without HTTP and signatures.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "aws/xml.h"
#include "common/base/random.h"
#include "sandbox/call.h"
#include "sandbox/world.h"

namespace tollgate::sandbox {

inline constexpr const char* kAccount = "123456789012";
inline constexpr const char* kAllowAll =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";
inline constexpr const char* kTrustAccount =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]})";

// Bytes that count up: every id and key differs, and each run gives the same.
class CountingRandom final : public RandomSource {
 public:
  std::string bytes(std::size_t count) override {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i)
      bytes += static_cast<char>(next_ + i);
    ++next_;
    return bytes;
  }

 private:
  std::size_t next_ = 0;
};

class IamTest : public testing::Test {
 protected:
  using Arguments = std::initializer_list<std::pair<std::string, std::string>>;

  IamTest() {
    world_.accounts.put({kAccount, "example"});
    world_.accounts.put({"999999999999", ""});
    add_user("admin", kAllowAll);
    add_user("ana", "");
    now_ = *parse_iso8601("2026-01-02T03:04:05Z");
  }

  void add_user(const std::string& name, const std::string& policy, const std::string& account = kAccount) {
    User user;
    user.account = account;
    user.name = name;
    user.id = derived_id("AIDA", user.arn());
    if (!policy.empty()) user.policies = {{"own", policy}};
    world_.users.put(std::move(user));
  }
  // Gives a user of the account this one statement.
  void permit(const std::string& name, const std::string& statement) {
    User user = *world_.users.find(std::string(kAccount) + "/" + name);
    user.policies = {{"own", R"({"Version":"2012-10-17","Statement":)" + statement + "}"}};
    world_.users.put(std::move(user));
  }

  Answer call_as(const Principal& principal, std::string action, const Parameters& parameters) {
    Call call;
    call.principal = principal;
    call.service = "iam";
    call.action = std::move(action);
    call.parameters = parameters;
    call.region = "us-east-1";
    call.now = now_;
    call.random = &random_;
    for (const Operation& operation : iam_operations()) {
      if (operation.action == call.action) return operation.handler(world_, call);
    }
    ADD_FAILURE() << "no operation " << call.action;
    return {};
  }
  Answer call_as(const std::string& user, std::string action, Arguments arguments = {}) {
    return call_as(principal(user, caller_account_), std::move(action), Parameters(arguments.begin(), arguments.end()));
  }
  Answer call(std::string action, Arguments arguments = {}) { return call_as("admin", std::move(action), arguments); }

  // A user of the account by long-term key.
  static Principal principal(const std::string& user, const std::string& account = kAccount) {
    Principal principal;
    principal.account = account;
    principal.name = user;
    principal.arn = "arn:aws:iam::" + account + ":user/" + user;
    return principal;
  }
  static Principal root() {
    Principal principal;
    principal.kind = Principal::Kind::root;
    principal.account = kAccount;
    principal.arn = "arn:aws:iam::123456789012:root";
    return principal;
  }

  // The result of an answer as a tree; the root is an element made for it.
  static aws::XmlElement tree(const Answer& answer) {
    EXPECT_FALSE(answer.failed()) << answer.code << ": " << answer.message;
    auto parsed = aws::parse_xml("<Result>" + answer.result + "</Result>");
    EXPECT_TRUE(parsed) << answer.result;
    return parsed ? *parsed : aws::XmlElement{};
  }
  static std::string text(const Answer& answer, std::initializer_list<std::string_view> path) {
    const aws::XmlElement root = tree(answer);
    const aws::XmlElement* found = root.at(path);
    return found == nullptr ? "(absent)" : found->text;
  }
  static std::size_t members(const Answer& answer, std::string_view list) {
    const aws::XmlElement root = tree(answer);
    const aws::XmlElement* found = root.find(list);
    return found == nullptr ? 0 : found->children.size();
  }

  static void expect_refused(const Answer& answer, int status, std::string_view code, std::string_view message) {
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.code, code);
    EXPECT_EQ(answer.message, message);
  }
  static void expect_done(const Answer& answer) {
    EXPECT_FALSE(answer.failed()) << answer.code << ": " << answer.message;
  }

  std::string caller_account_ = kAccount;
  World world_;
  CountingRandom random_;
  TimePoint now_{};
};

}  // namespace tollgate::sandbox
