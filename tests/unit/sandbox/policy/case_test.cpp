#include "sandbox/policy/case.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/agreement.h"
#include "tests/support/referees.h"

namespace tollgate::policy {
namespace {

constexpr const char* kMatrix = "observed/iam-trust-matrix.json";

TEST(EvaluateCaseTest, AgreesWithTheIndependentEvaluator) {
  TG_SKIP_WITHOUT_REFEREE(kMatrix);
  const auto matrix = test::read_referee_json(kMatrix);
  ASSERT_TRUE(matrix);
  const auto cases = json::Reader(*matrix).member("cases").value().items().value();
  int agreeing = 0;
  std::vector<std::pair<std::string, std::string>> deviations;
  for (const json::Reader& one : cases) {
    const std::string name = one.text("name").value();
    const std::string oracle = one.text("oracle").value();
    const auto decision = evaluate_case(json::to_text(one.value()));
    const std::string ours = decision ? std::string(outcome_name(decision->outcome)) : decision.error().text();
    EXPECT_EQ(ours, oracle) << name << ": " << (decision ? decision->reason : "");
    if (ours == oracle) {
      ++agreeing;
    } else {
      deviations.emplace_back(name, ours);
    }
  }
  EXPECT_EQ(cases.size(), 77U);
  test::record_agreement("iam-trust-matrix", static_cast<int>(cases.size()), agreeing, deviations);
}

std::string record(const std::string& members) {
  return R"({"principal":"arn:aws:iam::123456789012:user/ana","role":"arn:aws:iam::123456789012:role/deploy")" +
         members + "}";
}

constexpr const char* kTrustAna =
    R"(,"trustPolicy":{"Version":"2012-10-17","Statement":{"Effect":"Allow",
       "Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole",
       "Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]},"NumericLessThan":{"age":10},
                    "StringEquals":{"aws:username":"ana"}}}})";
constexpr const char* kAllow =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}})";
constexpr const char* kDeny =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:*","Resource":"*"}})";

TEST(EvaluateCaseTest, TakesListsNumbersAndTheCallersOwnKeys) {
  const std::string allow = std::string(R"(,"identityPolicy":)") + kAllow + kTrustAna;
  EXPECT_TRUE(evaluate_case(record(R"(,"context":{"aws:TagKeys":["a"],"age":9})" + allow))->allowed());
  EXPECT_FALSE(evaluate_case(record(R"(,"context":{"aws:TagKeys":["a","c"],"age":9})" + allow))->allowed());
  EXPECT_FALSE(evaluate_case(record(R"(,"context":{"age":9,"aws:username":"bob"})" + allow))->allowed());
}

TEST(EvaluateCaseTest, TakesBoundaryAndSessionPolicy) {
  const std::string allow = std::string(R"(,"context":{"age":1},"identityPolicy":)") + kAllow + std::string(kTrustAna);
  EXPECT_EQ(evaluate_case(record(allow + R"(,"permissionsBoundary":)" + kDeny))->outcome, Outcome::explicitly_denied);
  EXPECT_EQ(evaluate_case(record(allow + R"(,"sessionPolicy":)" + kDeny))->outcome, Outcome::explicitly_denied);
  EXPECT_TRUE(evaluate_case(record(allow + R"(,"sessionPolicy":)" + kAllow))->allowed());
}

struct Broken {
  std::string text;
  std::string place;
};

TEST(EvaluateCaseTest, SaysWhereARecordIsWrong) {
  for (const Broken& broken :
       {Broken{R"({"role":"x"})", "/principal"}, Broken{R"({"principal":"ana","role":"x"})", "/principal"},
        Broken{record(R"(,"context":{"a":{}})"), "/context/a"},
        Broken{record(R"(,"context":{"a":["x",null]})"), "/context/a/1"},
        Broken{record(R"(,"trustPolicy":{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}})"),
               "/trustPolicy/Statement"},
        Broken{record(R"(,"identityPolicy":"x")"), "/identityPolicy"}}) {
    const auto decision = evaluate_case(broken.text);
    ASSERT_FALSE(decision) << broken.text;
    EXPECT_EQ(decision.error().place, broken.place) << decision.error().text();
  }
  EXPECT_FALSE(evaluate_case("nonsense"));
}

}  // namespace
}  // namespace tollgate::policy
