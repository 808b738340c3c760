#include "broker/remote/api_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"
#include "tests/unit/broker/remote/fake_network.h"

namespace tollgate::remote {
namespace {

using testing::HasSubstr;

class ApiClientTest : public testing::Test {
 protected:
  void answer(int status, std::string body) {
    network.answer = [=](const net::Request&) { return FakeNetwork::response(status, body); };
  }
  Error refused(int status, const std::string& body = "") {
    answer(status, body);
    const auto got = api.get("runs/run-1");
    EXPECT_FALSE(got);
    return got ? Error() : got.error();
  }

  FakeNetwork network;
  ApiClient api{network, "h.test", "https://h.test/api/v2/", {Secret("sesame"), "TF_TOKEN_h_test"}};
};

TEST_F(ApiClientTest, SendsTheTokenAndReadsTheDocument) {
  answer(200, R"({"data": {"id": "run-1"}})");
  const auto got = api.get("runs/run-1");
  ASSERT_TRUE(got);
  EXPECT_EQ(json::to_text(*got), R"({"data":{"id":"run-1"}})");
  ASSERT_EQ(network.requests.size(), 1U);
  EXPECT_EQ(network.requests[0].url, "https://h.test/api/v2/runs/run-1");
  EXPECT_EQ(*net::find_header(network.requests[0].headers, "authorization"), "Bearer sesame");
  EXPECT_EQ(net::find_header(network.requests[0].headers, "content-type"), nullptr);
}

TEST_F(ApiClientTest, PostsDocumentsAndTakesEmptyAnswers) {
  answer(202, "");
  const auto done = api.post("runs/run-1/actions/apply", json::Value::object({{"comment", "x"}}));
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->is_null());
  EXPECT_EQ(network.requests[0].body, R"({"comment":"x"})");
  EXPECT_EQ(*net::find_header(network.requests[0].headers, "content-type"), "application/vnd.api+json");
}

TEST_F(ApiClientTest, SignedAddressesGetNoToken) {
  answer(200, "bytes");
  EXPECT_EQ(*api.read_signed("https://elsewhere.test/log?x=1"), "bytes");
  EXPECT_EQ(net::find_header(network.requests[0].headers, "authorization"), nullptr);
}

TEST_F(ApiClientTest, RefusalsSayWhatToDo) {
  const Error unauthorized = refused(401);
  EXPECT_EQ(unauthorized.code, Code::unauthorized);
  EXPECT_THAT(unauthorized.next, HasSubstr("`terraform login h.test`"));
  EXPECT_THAT(unauthorized.next, HasSubstr("TF_TOKEN_h_test"));
  EXPECT_EQ(refused(404).code, Code::not_found);
  EXPECT_EQ(refused(403, R"({"errors": [{"title": "forbidden", "detail": "no"}]})").code, Code::forbidden);
  const Error conflict = refused(409, R"({"errors": [{"status": "409", "title": "conflict", "detail": "run is applied",
                                                     "code": "stale"}]})");
  EXPECT_EQ(conflict.code, Code::conflict);
  EXPECT_EQ(conflict.message, "run is applied");
  EXPECT_EQ(conflict.reason, "stale");
  EXPECT_EQ(refused(429).code, Code::config);  // no document: not our server
  EXPECT_EQ(refused(429, R"({"errors": [{"title": "too many"}]})").code, Code::throttled);
  EXPECT_EQ(refused(503).code, Code::unavailable);
  EXPECT_EQ(refused(502).code, Code::unknown);
  EXPECT_EQ(refused(200, "<html>").reason, "not_the_api");
}

TEST_F(ApiClientTest, NoErrorHoldsTheToken) {
  for (const int status : {400, 401, 403, 404, 409, 422, 423, 429, 500, 502, 503}) {
    const Error error = refused(status, R"({"errors": [{"detail": "d"}]})");
    EXPECT_EQ((error.text() + error.next).find("sesame"), std::string::npos) << status;
  }
}

TEST_F(ApiClientTest, AnUntrustedCertificateNamesSslCertFile) {
  network.answer = [](const net::Request&) {
    return FakeNetwork::failure(net::Delivery::not_sent,
                                Error(Code::unavailable, "h.test cannot be reached: certificate")
                                    .do_next("x")
                                    .because(std::string(net::kNotTrusted)));
  };
  const auto got = api.get("runs/run-1");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::unavailable);
  EXPECT_THAT(got.error().next, HasSubstr("SSL_CERT_FILE"));
}

class FindApiTest : public testing::Test {
 protected:
  Result<std::string> find(int status, const std::string& body) {
    network.answer = [=](const net::Request&) { return FakeNetwork::response(status, body); };
    return find_api(network, "h.test", settings);
  }
  FakeNetwork network;
  TerraformSettings settings;
};

TEST_F(FindApiTest, AsksTheHostAsTerraformDoes) {
  EXPECT_EQ(*find(200, R"({"tfe.v2": "/api/v2/"})"), "https://h.test/api/v2/");
  EXPECT_EQ(network.requests[0].url, "https://h.test/.well-known/terraform.json");
  EXPECT_TRUE(net::find_header(network.requests[0].headers, "authorization") == nullptr);
  EXPECT_EQ(*find(200, R"({"tfe.v2": "https://api.h.test/v2"})"), "https://api.h.test/v2/");
}

TEST_F(FindApiTest, RefusesWhatIsNoServerAndWhatHasNoTls) {
  EXPECT_EQ(find(404, "").error().reason, "not_the_api");
  EXPECT_EQ(find(200, "<html>").error().reason, "not_the_api");
  EXPECT_EQ(find(200, R"({"tfe.v2": 1})").error().reason, "not_the_api");
  EXPECT_EQ(find(200, R"({"modules.v1": "/x"})").error().reason, "not_the_api");
  EXPECT_EQ(find(301, "").error().reason, "not_the_api");
  EXPECT_FALSE(find(200, R"({"tfe.v2": "http://h.test/api/v2/"})"));
  EXPECT_TRUE(find(200, R"({"tfe.v2": "http://127.0.0.1:8080/api/v2/"})"));
  EXPECT_EQ(find(503, "").error().code, Code::unavailable);
}

TEST_F(FindApiTest, TheSettingsAnswerForAHostWithoutAsking) {
  test::TemporaryDirectory home;
  test::write_test_file(home.file("rc"), "host \"h.test\" { services = { \"tfe.v2\" = \"http://10.0.0.1/api/v2\" } }");
  os::Environment environment;
  environment.set("TF_CLI_CONFIG_FILE", home.file("rc"));
  settings = *TerraformSettings::read(environment);
  EXPECT_EQ(*find(500, ""), "http://10.0.0.1/api/v2/");
  EXPECT_TRUE(network.requests.empty());
}

}  // namespace
}  // namespace tollgate::remote
