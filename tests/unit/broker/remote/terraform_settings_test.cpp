#include "broker/remote/terraform_settings.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temporary_directory.h"

namespace tollgate::remote {
namespace {

class TerraformSettingsTest : public testing::Test {
 protected:
  TerraformSettingsTest() {
    mkdir(home.file(".terraform.d").c_str(), 0700);
    environment.set("HOME", home.path());
  }
  void write(const std::string& name, const std::string& content) { test::write_test_file(home.file(name), content); }
  TerraformSettings read() {
    auto settings = TerraformSettings::read(environment);
    EXPECT_TRUE(settings) << settings.error().text();
    return settings ? std::move(*settings) : TerraformSettings();
  }
  std::string token(const std::string& host) {
    const TerraformSettings settings = read();
    const Token* found = settings.token(host);
    return found == nullptr ? "" : std::string(found->value.reveal());
  }

  test::TemporaryDirectory home;
  os::Environment environment;
};

TEST_F(TerraformSettingsTest, NothingIsFine) {
  EXPECT_EQ(token("tollgate.example.com"), "");
  EXPECT_TRUE(read().hosts().empty());
  environment = {};
  EXPECT_TRUE(read().hosts().empty());
}

TEST_F(TerraformSettingsTest, FindsWhatTerraformLoginWrote) {
  write(".terraform.d/credentials.tfrc.json", R"({"credentials": {"Tollgate.example.com": {"token": "from-login"}}})");
  EXPECT_EQ(token("tollgate.example.com"), "from-login");
  EXPECT_EQ(token("tollgate.example.com:443"), "from-login");
  EXPECT_EQ(token("tollgate.example.com:8443"), "");
  EXPECT_EQ(read().token("tollgate.example.com")->origin, home.file(".terraform.d/credentials.tfrc.json"));
}

TEST_F(TerraformSettingsTest, TheFolderWinsOverTheFileAndVariablesOverBoth) {
  write(".terraformrc", "credentials \"a.example.com\" { token = \"file\" }\ncredentials \"b\" { token = \"file\" }");
  EXPECT_EQ(token("a.example.com"), "file");
  write(".terraform.d/credentials.tfrc.json", R"({"credentials": {"a.example.com": {"token": "folder"}}})");
  write(".terraform.d/.hidden.tfrc", "credentials \"a.example.com\" { token = \"hidden\" }");
  write(".terraform.d/notes.txt", "not { hcl");
  EXPECT_EQ(token("a.example.com"), "folder");
  EXPECT_EQ(token("b"), "file");
  environment.set("TF_TOKEN_a_example_com", "variable");
  EXPECT_EQ(token("a.example.com"), "variable");
  EXPECT_EQ(read().token("a.example.com")->origin, "TF_TOKEN_a_example_com");
  EXPECT_EQ(read().hosts(), (std::vector<std::string>{"a.example.com", "b"}));
}

TEST_F(TerraformSettingsTest, AnotherFileStandsInForTheUsualOne) {
  write(".terraformrc", "credentials \"a\" { token = \"usual\" }");
  write("other.rc", "credentials \"b\" { token = \"other\" }");
  environment.set("TF_CLI_CONFIG_FILE", home.file("other.rc"));
  EXPECT_EQ(token("a"), "");
  EXPECT_EQ(token("b"), "other");
  // `terraform login` writes there even so.
  write(".terraform.d/credentials.tfrc.json", R"({"credentials": {"b": {"token": "login"}, "c": {"token": "login"}}})");
  EXPECT_EQ(token("b"), "other");
  EXPECT_EQ(token("c"), "login");
  environment.set("TF_CLI_CONFIG_FILE", home.file("missing.rc"));
  EXPECT_EQ(token("b"), "login");
}

TEST_F(TerraformSettingsTest, HostBlocksSayWhereTheApiIs) {
  write(".terraformrc", "host \"Local.test\" {\n services = { \"tfe.v2\" = \"http://127.0.0.1:81/api/v2/\" }\n}");
  EXPECT_EQ(read().api_of("local.test"), "http://127.0.0.1:81/api/v2/");
  EXPECT_EQ(read().api_of("other.test"), "");
}

TEST_F(TerraformSettingsTest, AFileThatCannotBeReadIsNamedWithItsLineAndWithoutItsContent) {
  write(".terraformrc", "credentials \"a\" {\n  token = \"sesame\n}");
  const auto settings = TerraformSettings::read(environment);
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, Code::config);
  EXPECT_EQ(settings.error().place, home.file(".terraformrc") + ", line 2");
  EXPECT_EQ(settings.error().text().find("sesame"), std::string::npos);
  write(".terraformrc", "");
  write(".terraform.d/credentials.tfrc.json", R"({"credentials": {"a": {"token": "sesame)");
  const auto json = TerraformSettings::read(environment);
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().text().find("sesame"), std::string::npos);
}

// Cases of Terraform's own documentation of TF_TOKEN_.
TEST(TokenVariables, AreEncodedAsTerraformDoes) {
  EXPECT_EQ(host_of_variable("app_terraform_io"), "app.terraform.io");
  EXPECT_EQ(host_of_variable("app.terraform.io"), "app.terraform.io");
  EXPECT_EQ(host_of_variable("my__example_com"), "my-example.com");
  EXPECT_EQ(host_of_variable("xn____caf__dma_fr"), "xn--caf-dma.fr");
  EXPECT_EQ(host_of_variable("localhost:8443"), "localhost:8443");
  EXPECT_EQ(variable_for_host("my-example.com"), "TF_TOKEN_my__example_com");
}

}  // namespace
}  // namespace tollgate::remote
