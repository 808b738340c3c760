// Answers of the real IAM, recorded by others: the same calls here must give the same status, code, message, and the
// same elements. Values that change from run to run were replaced in the record by <...>.
#include <algorithm>
#include <functional>

#include "common/base/encoding.h"
#include "common/json/value.h"
#include "tests/support/agreement.h"
#include "tests/support/referees.h"
#include "tests/unit/sandbox/iam_fixture.h"

namespace tollgate::sandbox {
namespace {

constexpr const char* kSnapshot = "localstack/iam.snapshot.json";
constexpr const char* kEc2Trust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]})";
constexpr const char* kLambdaTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]})";
constexpr const char* kEncodedTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceArn":"arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Faaeeieije"}}}]})";
constexpr const char* kEncodedPolicy =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["apigatway:PUT"],"Resource":["arn:aws:apigateway:us-east-1::/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Faaeeieije"]}]})";

// Objects without regard to the order of members.
bool same(const json::Value& a, const json::Value& b) {
  const auto* left = a.if_object();
  const auto* right = b.if_object();
  if (left == nullptr || right == nullptr) {
    const auto* x = a.if_array();
    const auto* y = b.if_array();
    if (x == nullptr || y == nullptr) return a == b;
    return std::equal(x->begin(), x->end(), y->begin(), y->end(), same);
  }
  return left->size() == right->size() && std::all_of(left->begin(), left->end(), [&](const json::Member& one) {
           const json::Value* other = b.find(one.first);
           return other != nullptr && same(one.second, *other);
         });
}

bool is_document(std::string_view name) {
  return name == "AssumeRolePolicyDocument" || name == "PolicyDocument";
}

// The answer's XML in the form that a client makes of it, guided by the record for what is a list and what is empty.
json::Value as_client_sees(const aws::XmlElement& xml, const json::Value* recorded) {
  if (is_document(xml.name)) return json::parse(percent_decode(xml.text).value()).value();
  if (recorded != nullptr && recorded->is_array()) {
    json::Value list = json::Value::array();
    for (std::size_t i = 0; i < xml.children.size(); ++i) {
      const json::Array& items = *recorded->if_array();
      list.push(as_client_sees(xml.children[i], i < items.size() ? &items[i] : nullptr));
    }
    return list;
  }
  if (xml.children.empty() && (recorded == nullptr || !recorded->is_object())) {
    if (recorded != nullptr && recorded->if_bool() != nullptr) return xml.text == "true";
    if (recorded != nullptr && recorded->if_integer() != nullptr) return std::int64_t{std::stoll(xml.text)};
    return xml.text;
  }
  json::Value object = json::Value::object();
  for (const aws::XmlElement& child : xml.children) {
    object.set(child.name, as_client_sees(child, recorded == nullptr ? nullptr : recorded->find(child.name)));
  }
  return object;
}

// Replaces in `ours` every text whose counterpart in the record holds <...>, if the parts outside the brackets agree.
void forget_what_changes(json::Value& ours, const json::Value& recorded) {
  if (auto* members = ours.if_object()) {
    for (json::Member& member : *members) {
      if (const json::Value* other = recorded.find(member.first)) forget_what_changes(member.second, *other);
    }
  } else if (auto* items = ours.if_array()) {
    const auto* others = recorded.if_array();
    for (std::size_t i = 0; others != nullptr && i < std::min(items->size(), others->size()); ++i) {
      forget_what_changes((*items)[i], (*others)[i]);
    }
  } else if (const auto* text = ours.if_string(); text != nullptr && recorded.if_string() != nullptr) {
    const std::string& pattern = *recorded.if_string();
    std::string_view rest = *text;
    bool matches = true;
    for (std::size_t at = 0; at < pattern.size() && matches;) {
      const std::size_t open = std::min(pattern.find('<', at), pattern.size());
      const std::string_view literal = std::string_view(pattern).substr(at, open - at);
      const std::size_t found = rest.find(literal);
      matches = found != std::string_view::npos && (found == 0 || at != 0);
      if (matches) rest.remove_prefix(found + literal.size());
      at = open == pattern.size() ? open : pattern.find('>', open) + 1;
    }
    if (matches && pattern.find('<') != std::string::npos) ours = recorded;
  }
}

class IamRecordedTest : public IamTest {
 protected:
  // Compares one recorded answer with ours.
  void compare(const std::string& test, const std::string& step, const Answer& answer) {
    ++cases_;
    const json::Value* record = find_test(test);
    ASSERT_NE(record, nullptr) << test;
    const json::Value* recorded = record->find("recorded-content")->find(step);
    ASSERT_NE(recorded, nullptr) << test << " " << step;
    json::Value expected = *recorded;
    auto* members = expected.if_object();
    members->erase(std::remove_if(members->begin(), members->end(),
                                  [](const json::Member& one) { return one.first == "ResponseMetadata"; }),
                   members->end());
    json::Value ours = json::Value::object();
    const std::int64_t status = *recorded->find("ResponseMetadata")->find("HTTPStatusCode")->if_integer();
    if (answer.failed()) {
      ours.set("Error", json::Value::object({{"Code", answer.code}, {"Message", answer.message}, {"Type", "Sender"}}));
    } else {
      ours = as_client_sees(tree(answer), &expected);
    }
    forget_what_changes(ours, expected);
    const bool agrees = same(ours, expected) && answer.status == status;
    EXPECT_TRUE(agrees) << test << " " << step << "\nours:     " << json::to_text(ours)
                        << "\nrecorded: " << json::to_text(expected) << "\nstatus " << answer.status;
    if (agrees) {
      ++agreeing_;
    } else {
      deviations_.emplace_back(test + " " + step, json::to_text(ours));
    }
  }

  const json::Value* find_test(const std::string& name) {
    if (!snapshot_) snapshot_ = test::read_referee_json(kSnapshot);
    for (const json::Member& one : *snapshot_->if_object()) {
      if (one.first.size() > name.size() && one.first.substr(one.first.size() - name.size()) == name)
        return &one.second;
    }
    return nullptr;
  }

  void attachments(const std::string& test, const std::string& noun) {
    const auto attach = [&](const std::string& arn) {
      return call("Attach" + noun + "Policy", {{noun + "Name", "ana"}, {"PolicyArn", arn}});
    };
    compare(test, "create_policy_response",
            call("CreatePolicy", {{"PolicyName", "p-" + noun}, {"PolicyDocument", kAllowAll}}));
    compare(test, "non_existent_malformed_policy_arn", attach("longpolicynamebutnoarn"));
    compare(test, "existing_policy_name_provided", attach("p-" + noun));
    compare(test, "valid_arn_not_existent", attach("arn:aws:iam::111111111111:policy/p123"));
    compare(test, "valid_policy_arn", attach("arn:aws:iam::111111111111:policy/p-" + noun));
  }

  std::optional<json::Value> snapshot_;
  int cases_ = 0;
  int agreeing_ = 0;
  std::vector<std::pair<std::string, std::string>> deviations_;
};

TEST_F(IamRecordedTest, AgreesWithTheAnswersOfTheRealIam) {
  TG_SKIP_WITHOUT_REFEREE(kSnapshot);
  // The record replaces its account by this number.
  caller_account_ = "111111111111";
  add_user("admin", kAllowAll, caller_account_);
  add_user("ana", "", caller_account_);
  const auto create = [&](const std::string& name, const std::string& path, const char* trust) {
    return call("CreateRole", {{"RoleName", name}, {"Path", path}, {"AssumeRolePolicyDocument", trust}});
  };

  std::string test = "::test_create_role_with_malformed_assume_role_policy_document";
  compare(test, "invalid-json", create("r", "/", "{\"Version\":\"2012-10-17\",\"Statement\":[{}"));

  test = "::test_update_assume_role_policy";
  const char* listed_trust =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com"]},"Action":["sts:AssumeRole"]}]})";
  compare(test, "created_role", create("r1", "/", listed_trust));
  compare(test, "updated_policy",
          call("UpdateAssumeRolePolicy", {{"RoleName", "r1"}, {"PolicyDocument", listed_trust}}));

  test = "::test_list_roles_with_permission_boundary";
  compare(test, "created_role", create("r2", "/bound/", kEc2Trust));
  call("CreatePolicy", {{"PolicyName", "limit"}, {"PolicyDocument", kAllowAll}});
  expect_done(call("PutRolePermissionsBoundary",
                   {{"RoleName", "r2"}, {"PermissionsBoundary", "arn:aws:iam::111111111111:policy/limit"}}));
  compare(test, "list_roles_result", call("ListRoles", {{"PathPrefix", "/bound/"}}));

  test = "::test_create_describe_role";
  compare(test, "create_role_result", create("r3", "/describe/", kEc2Trust));
  compare(test, "get_role_result", call("GetRole", {{"RoleName", "r3"}}));
  compare(test, "list_roles_result", call("ListRoles", {{"PathPrefix", "/describe/"}}));

  test = "::test_role_with_path_lifecycle";
  compare(test, "create-role-response", create("r4", "/path/", kLambdaTrust));
  compare(test, "get-role-response", call("GetRole", {{"RoleName", "r4"}}));
  compare(test, "delete-role-response", call("DeleteRole", {{"RoleName", "r4"}}));

  test = "::test_role_with_tags";
  compare(test, "create-role-response",
          call("CreateRole", {{"RoleName", "r5"},
                              {"Path", "/role-with-tags/"},
                              {"AssumeRolePolicyDocument", kEc2Trust},
                              {"Tags.member.1.Key", "test"},
                              {"Tags.member.1.Value", "value"}}));
  compare(test, "get-role-response", call("GetRole", {{"RoleName", "r5"}}));
  compare(test, "list-role-response", call("ListRoles", {{"PathPrefix", "/role-with-tags/"}}));

  create("ana", "/", kEc2Trust);
  attachments("::test_role_attach_policy", "Role");
  attachments("::test_user_attach_policy", "User");

  test = "::test_put_user_policy_encoding";
  expect_done(call("PutUserPolicy", {{"UserName", "ana"}, {"PolicyName", "e"}, {"PolicyDocument", kEncodedPolicy}}));
  compare(test, "get-policy-response", call("GetUserPolicy", {{"UserName", "ana"}, {"PolicyName", "e"}}));

  test = "::test_put_role_policy_encoding";
  compare(test, "create-role-response", create("r6", "/encoded/", kEncodedTrust));
  expect_done(call("PutRolePolicy", {{"RoleName", "r6"}, {"PolicyName", "e"}, {"PolicyDocument", kEncodedPolicy}}));
  compare(test, "get-policy-response", call("GetRolePolicy", {{"RoleName", "r6"}, {"PolicyName", "e"}}));
  compare(test, "get-role-response", call("GetRole", {{"RoleName", "r6"}}));

  test = "::test_delete_non_existent_policy_returns_no_such_entity";
  compare(test, "delete-non-existent-policy-exc",
          call("DeletePolicy", {{"PolicyArn", "arn:aws:iam::111111111111:policy/non-existent-policy"}}));

  test::record_agreement("iam-recorded-answers", cases_, agreeing_, deviations_);
}

}  // namespace
}  // namespace tollgate::sandbox
