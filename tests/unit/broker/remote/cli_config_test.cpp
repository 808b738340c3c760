#include "broker/remote/cli_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tollgate::remote {
namespace {

using testing::HasSubstr;

std::string read(std::string_view text) {
  const auto document = parse_cli_config(text);
  return document ? json::to_text(*document) : "error: " + document.error().text();
}

TEST(CliConfig, BlocksAndAttributesBecomeMembers) {
  EXPECT_EQ(read(R"(
# a comment
plugin_cache_dir = "$HOME/.terraform.d/plugin-cache" // another
disable_checkpoint = true
credentials "tollgate.example.com" {
  token = "tgu.abc\"d"
}
/* and
   another */
host "localhost:8443" {
  services = {
    "tfe.v2" = "https://localhost:8443/api/v2/", "modules.v1" = "x"
  }
}
credentials_helper "pass" { args = ["--a", "b",] }
)"),
            R"({"plugin_cache_dir":"$HOME/.terraform.d/plugin-cache","disable_checkpoint":true,)"
            R"("credentials":{"tollgate.example.com":{"token":"tgu.abc\"d"}},)"
            R"("host":{"localhost:8443":{"services":{"tfe.v2":"https://localhost:8443/api/v2/","modules.v1":"x"}}},)"
            R"("credentials_helper":{"pass":{"args":["--a","b"]}}})");
}

TEST(CliConfig, TheLaterBlockOfOneHostWins) {
  EXPECT_EQ(read("credentials \"a\" { token = \"1\" }\ncredentials \"b\" { token = \"2\" }\n"
                 "credentials \"a\" { token = \"3\" }"),
            R"({"credentials":{"a":{"token":"3"},"b":{"token":"2"}}})");
}

TEST(CliConfig, WindowsLinesAndHeredocs) {
  EXPECT_EQ(read("a = <<EOT\r\n  one\r\n  EOT\r\nb = \"x\"\r\n"), R"({"a":"  one\n","b":"x"})");
}

TEST(CliConfig, NestedBlocksWithoutLabels) {
  EXPECT_EQ(read("provider_installation {\n  filesystem_mirror {\n    path = \"/m\"\n  }\n  direct {}\n}"),
            R"({"provider_installation":{"filesystem_mirror":{"path":"/m"},"direct":{}}})");
}

TEST(CliConfig, ErrorsNameTheLineAndNothingOfTheText) {
  for (const char* broken : {"credentials \"a\" {\n  token = \"sesame\n}", "a\n= [\"sesame\"", "x = \"sesame\"\n}",
                             "credentials \"sesame\"\n", "a = \n  ?", "a = <<X\nsesame\n", "{\n\"sesame\""}) {
    const auto document = parse_cli_config(broken);
    ASSERT_FALSE(document) << broken;
    EXPECT_EQ(document.error().code, Code::config);
    EXPECT_THAT(document.error().place, HasSubstr("line ")) << broken;
    EXPECT_THAT(document.error().text(), testing::Not(HasSubstr("sesame"))) << broken;
  }
}

TEST(CliConfig, DepthIsBounded) {
  std::string deep;
  for (int i = 0; i < 10000; ++i)
    deep += "a {";
  EXPECT_FALSE(parse_cli_config(deep));
  EXPECT_FALSE(parse_cli_config("a = " + std::string(10000, '[')));
}

}  // namespace
}  // namespace tollgate::remote
