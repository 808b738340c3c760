#include "server/app/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tollgate::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Configuration> read(std::string_view text, os::Environment::Variables variables = {}) {
  return read_configuration(text, "server.toml", os::Environment(std::move(variables)));
}

TEST(ServerConfiguration, HasDefaultsForEverything) {
  const auto configuration = read("");
  ASSERT_TRUE(configuration) << configuration.error().text();
  EXPECT_EQ(configuration->listen, "127.0.0.1:8443");
  EXPECT_TRUE(configuration->tls_enabled);
  EXPECT_EQ(configuration->runner_network, "internet");
  EXPECT_FALSE(configuration->runner_unsandboxed);
}

TEST(ServerConfiguration, ReadsTheFileAndLetsVariablesWin) {
  const auto configuration = read(
      "[server]\nurl = 'https://tollgate.example.com/'\nhandler_threads = 4\n"
      "[runner]\nnetwork = 'none'\nloopback_ports = [4777, 80]\nunsandboxed = true\n",
      {{"TOLLGATE_SERVER_SERVER_HANDLER_THREADS", "8"},
       {"TOLLGATE_SERVER_RUNNER_LOOPBACK_PORTS", "1,2"},
       {"TOLLGATE_SERVER_RUNNER_UNSANDBOXED", "false"},
       {"TOLLGATE_PROFILE", "prod"}});
  ASSERT_TRUE(configuration) << configuration.error().text();
  EXPECT_EQ(configuration->url, "https://tollgate.example.com");
  EXPECT_EQ(configuration->handler_threads, 8);
  EXPECT_EQ(configuration->runner_network, "none");
  EXPECT_THAT(configuration->runner_loopback_ports, ElementsAre(1, 2));
  EXPECT_FALSE(configuration->runner_unsandboxed);
}

struct Refused {
  const char* name;
  const char* text;
  const char* place;
  const char* message;
  const char* next;
};

class RefusedConfiguration : public testing::TestWithParam<Refused> {};

TEST_P(RefusedConfiguration, SaysWhereAndWhat) {
  const auto configuration = read(GetParam().text);
  ASSERT_FALSE(configuration);
  EXPECT_EQ(configuration.error().code, Code::config);
  EXPECT_EQ(configuration.error().place, GetParam().place);
  EXPECT_THAT(configuration.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(configuration.error().next, HasSubstr(GetParam().next));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedConfiguration,
    testing::Values(
        Refused{"Key", "[runner]\nnetwrk = 'none'\n", "server.toml:2", "no setting runner.netwrk", "runner.network?"},
        Refused{"Section", "\n[runer]\nnetwork = 'none'\n", "server.toml:2", "no section runer", "mean runner?"},
        Refused{"Word", "[runner]\nnetwork = 'all'\n", "server.toml:2", "cannot be all", "none, internet, shared"},
        Refused{"Kind", "[runner]\nunsandboxed = 'yes'\n", "server.toml:2", "true or false", ""},
        Refused{"Range", "[server]\nhandler_threads = 0\n", "server.toml:2", "between 1 and 256", ""},
        Refused{"ListItem", "[runner]\nloopback_ports = [1,\n'x']\n", "server.toml:3", "a list of numbers", ""},
        Refused{"Listen", "[server]\nlisten = '8443'\n", "", "not an address and a port", "127.0.0.1:8443"},
        Refused{"Url", "[server]\nurl = 'tollgate.example.com'\n", "", "not an address", "https://"},
        Refused{"Syntax", "[server\n", "server.toml:1", "not TOML", ""}),
    [](const auto& test) { return test.param.name; });

TEST(ServerConfiguration, RefusesAMistypedVariable) {
  const auto configuration = read("", {{"TOLLGATE_SERVER_RUNNER_NETWRK", "none"}});
  ASSERT_FALSE(configuration);
  EXPECT_EQ(configuration.error().place, "TOLLGATE_SERVER_RUNNER_NETWRK");
  EXPECT_THAT(configuration.error().next, HasSubstr("TOLLGATE_SERVER_RUNNER_NETWORK"));
}

TEST(ServerConfiguration, TheTemplateIsReadableAndNamesEverySetting) {
  const std::string text = configuration_template("https://localhost:8443", "127.0.0.1:8443");
  const auto configuration = read(text);
  ASSERT_TRUE(configuration) << configuration.error().text();
  EXPECT_EQ(configuration->url, "https://localhost:8443");
  for (const SettingInfo& setting : configuration_settings()) {
    EXPECT_THAT(text, HasSubstr(std::string(setting.name.substr(setting.name.find('.') + 1)) + " = "));
    EXPECT_FALSE(setting.help.empty());
  }
  // And all of it written out is as valid as what is commented out.
  std::string all = text;
  for (std::size_t at = 0; (at = all.find("\n# ", at)) != all.npos;) {
    const std::size_t end = all.find('\n', at + 1);
    if (all.substr(at, end - at).find(" = ") != all.npos) all.erase(at + 1, 2);
    ++at;
  }
  EXPECT_TRUE(read(all)) << read(all).error().text();
}

TEST(ListenAddress, IsAddressAndPort) {
  EXPECT_EQ(parse_listen_address("[::1]:80")->address, "::1");
  EXPECT_EQ(parse_listen_address("0.0.0.0:0")->port, 0);
  for (const char* bad : {"", ":1", "::1:80", "localhost", "a:65536", "a:x"})
    EXPECT_FALSE(parse_listen_address(bad)) << bad;
}

}  // namespace
}  // namespace tollgate::app
