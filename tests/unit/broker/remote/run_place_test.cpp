#include "broker/remote/run_place.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temporary_directory.h"

namespace tollgate::remote {
namespace {

TEST(RunReferences, AreIdsOrAddresses) {
  EXPECT_EQ(parse_run_reference("run-3yJmhZ8TjW2xNqKd")->id, "run-3yJmhZ8TjW2xNqKd");
  EXPECT_EQ(parse_run_reference("")->id, "");
  for (const char* address : {"https://host.example:8443/app/acme/web/runs/run-3yJm",
                              "https://host.example:8443/app/acme/workspaces/web/runs/run-3yJm",
                              "https://host.example:8443/app/acme/web/runs/run-3yJm/?x=1#log"}) {
    const auto reference = parse_run_reference(address);
    ASSERT_TRUE(reference) << address;
    EXPECT_EQ(reference->id, "run-3yJm");
    EXPECT_EQ(reference->host, "host.example:8443");
    EXPECT_EQ(reference->organization, "acme");
    EXPECT_EQ(reference->workspace, "web");
  }
}

TEST(RunReferences, NothingElse) {
  for (const char* wrong :
       {"3yJm", "run-", "run-a/b", "run-a?b", "plan-abc", "http://h/app/a/w/runs/run-1", "https://h/app/a/w/runs/x",
        "https://u:p@h/app/a/w/runs/run-1", "https://h/app/a/w/states/run-1", "https://h/app/../w/runs/run-1"}) {
    const auto reference = parse_run_reference(wrong);
    ASSERT_FALSE(reference) << wrong;
    EXPECT_EQ(reference.error().code, Code::usage);
  }
}

class RunPlaceTest : public testing::Test {
 protected:
  RunPlaceTest() {
    mkdir(folder.file(".terraform").c_str(), 0700);
    environment.set("HOME", folder.path());
  }
  void login(const std::string& host, const std::string& token = "t") {
    tokens += "credentials \"" + host + "\" { token = \"" + token + "\" }\n";
    test::write_test_file(folder.file(".terraformrc"), tokens);
  }
  void initialised(const std::string& backend) {
    test::write_test_file(folder.file(".terraform/terraform.tfstate"), R"({"version": 3, "backend": )" + backend + "}");
  }
  Result<RunPlace> choose(const PlaceFlags& flags = {}, const std::string& run = "") {
    TG_TRY(const TerraformSettings settings, TerraformSettings::read(environment));
    TG_TRY(const RunReference reference, parse_run_reference(run));
    return choose_place(flags, reference, folder.path(), environment, settings);
  }
  std::string chosen(const PlaceFlags& flags = {}, const std::string& run = "") {
    const auto place = choose(flags, run);
    return place ? place->host + "/" + place->organization + "/" + place->workspace : place.error().reason;
  }

  test::TemporaryDirectory folder;
  os::Environment environment;
  std::string tokens;
};

constexpr const char* kCloud =
    R"({"type": "cloud", "config": {"hostname": "h.test", "organization": "acme", "token": null,
        "workspaces": {"name": "web", "project": null, "tags": null}}})";

TEST_F(RunPlaceTest, AFolderWithACloudBlockSaysAll) {
  login("h.test", "secret");
  login("other.test");
  initialised(kCloud);
  EXPECT_EQ(chosen(), "h.test/acme/web");
  EXPECT_EQ(choose()->token.value.reveal(), "secret");
  EXPECT_EQ(choose()->token.origin, folder.file(".terraformrc"));
}

TEST_F(RunPlaceTest, FlagsWinThenAddressesThenTheFolder) {
  login("h.test");
  login("other.test");
  initialised(kCloud);
  EXPECT_EQ(chosen({"", "", "db"}), "h.test/acme/db");
  EXPECT_EQ(chosen({}, "https://other.test/app/corp/net/runs/run-1"), "other.test/corp/net");
  // Names of another server's folder mean nothing there.
  EXPECT_EQ(chosen({"other.test", "", ""}), "other.test//");
  EXPECT_EQ(chosen({"other.test", "corp", "x"}), "other.test/corp/x");
  EXPECT_EQ(chosen({}, "run-1"), "h.test/acme/web");
  const auto both = choose({"h.test", "", ""}, "https://other.test/app/corp/net/runs/run-1");
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, Code::usage);
}

TEST_F(RunPlaceTest, VariablesFillWhatTheBlockLeavesOpen) {
  login("h.test");
  login("app.terraform.io");
  initialised(R"({"type": "cloud", "config": {"hostname": null, "organization": null,
                  "workspaces": {"name": null, "tags": ["x"]}}})");
  EXPECT_EQ(chosen(), "app.terraform.io//");
  environment.set("TF_CLOUD_HOSTNAME", "h.test").set("TF_CLOUD_ORGANIZATION", "acme");
  EXPECT_EQ(chosen(), "h.test/acme/");
  test::write_test_file(folder.file(".terraform/environment"), "web-prod\n");
  EXPECT_EQ(chosen(), "h.test/acme/web-prod");
  environment.set("TF_WORKSPACE", "web-dev");
  EXPECT_EQ(chosen(), "h.test/acme/web-dev");
}

TEST_F(RunPlaceTest, TheRemoteBackendWithAPrefix) {
  login("h.test");
  initialised(R"({"type": "remote", "config": {"hostname": "h.test", "organization": "acme",
                  "workspaces": [{"name": null, "prefix": "web-"}]}})");
  test::write_test_file(folder.file(".terraform/environment"), "prod");
  EXPECT_EQ(chosen(), "h.test/acme/web-prod");
  environment.set("TF_WORKSPACE", "dev");
  EXPECT_EQ(chosen(), "h.test/acme/web-dev");
}

TEST_F(RunPlaceTest, OtherBackendsAndDataFoldersElsewhere) {
  login("h.test");
  initialised(R"({"type": "s3", "config": {"bucket": "b"}})");
  EXPECT_EQ(chosen(), "h.test//");
  mkdir(folder.file("data").c_str(), 0700);
  test::write_test_file(folder.file("data/terraform.tfstate"), std::string(R"({"backend": )") + kCloud + "}");
  environment.set("TF_DATA_DIR", "data");
  EXPECT_EQ(chosen(), "h.test/acme/web");
}

TEST_F(RunPlaceTest, ATokenInTheBlockIsUsed) {
  initialised(R"({"type": "cloud", "config": {"hostname": "h.test", "organization": "acme", "token": "in-block",
                  "workspaces": {"name": "web"}}})");
  ASSERT_TRUE(choose());
  EXPECT_EQ(choose()->token.value.reveal(), "in-block");
  // It is that server's alone.
  EXPECT_EQ(chosen({"other.test", "", ""}), "not_logged_in");
}

TEST_F(RunPlaceTest, TheOnlyLoginIsMeantWhereNothingElseSpeaks) {
  EXPECT_EQ(chosen(), "no_server");
  login("h.test");
  EXPECT_EQ(chosen(), "h.test//");
  login("other.test");
  const auto two = choose();
  ASSERT_FALSE(two);
  EXPECT_NE(two.error().message.find("h.test, other.test"), std::string::npos);
  environment.set("TF_CLOUD_HOSTNAME", "OTHER.test");
  EXPECT_EQ(chosen(), "other.test//");
}

TEST_F(RunPlaceTest, WithoutATokenTheErrorSaysHowToLogIn) {
  const auto place = choose({"my-host.test", "", ""});
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().code, Code::unauthorized);
  EXPECT_EQ(place.error().next, "run `terraform login my-host.test`, or set TF_TOKEN_my__host_test");
}

TEST_F(RunPlaceTest, NamesThatWouldLeadElsewhereAreRefused) {
  login("h.test");
  for (const PlaceFlags& flags : {PlaceFlags{"h.test", "../x", ""}, PlaceFlags{"h.test", "a", "w?x"},
                                  PlaceFlags{"h.test/x", "", ""}, PlaceFlags{"u@h.test", "", ""}}) {
    const auto place = choose(flags);
    ASSERT_FALSE(place);
    EXPECT_EQ(place.error().code, Code::usage);
  }
}

TEST_F(RunPlaceTest, AFolderThatCannotBeReadIsNamed) {
  login("h.test");
  test::write_test_file(folder.file(".terraform/terraform.tfstate"), "{");
  const auto place = choose();
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().place, folder.path() + "/.terraform/terraform.tfstate");
}

}  // namespace
}  // namespace tollgate::remote
