// The server's settings: DIR/server.toml, each key overridable by TOLLGATE_SERVER_SECTION_KEY. An unknown key is an
// error with a suggestion, so that a mistyped protection is not silently absent. Secrets are not settings: the master
// key and TLS keys are files that these name. Plain values; reading is a pure function of text and environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/os/environment.h"

namespace tollgate::app {

struct Configuration {
  // [server]
  std::string url;                        // how people and clients reach it; empty: https://localhost:PORT
  std::string listen = "127.0.0.1:8443";  // address:port
  std::int64_t handler_threads = 16;
  std::int64_t event_streams_per_person = 20;
  // [tls]
  bool tls_enabled = true;      // off only behind a proxy that speaks TLS
  std::string tls_certificate;  // PEM chain; empty: DIR/tls/server.pem
  std::string tls_private_key;  // PEM; empty: DIR/tls/server-key.pem
  // [data]
  std::string data_directory;  // empty: DIR/data
  std::string master_key;      // empty: DIR/master.key
  std::int64_t least_free_mib = 256;
  // [log]
  std::string logged_requests = "all";  // all, errors or none
  // [metrics]
  std::string metrics_token_file;  // empty: who asks from this machine may read /metrics
  // [terraform]
  std::string terraform_directory;  // <version>/terraform or <version>/tofu below it; empty: DIR/terraform
  bool terraform_from_path = true;  // also what is on PATH
  std::string provider_mirror;      // filesystem mirror, read-only to runs
  std::string plugin_cache;         // the same
  // [runner]
  std::string runner_program;                       // empty: tollgate-runner beside this program
  std::int64_t runner_concurrency = 0;              // phases at once; 0: as many as cores
  std::string runner_network = "internet";          // none, internet or shared
  std::vector<std::int64_t> runner_loopback_ports;  // ports of this host that runs may reach
  std::int64_t runner_uid = 0;  // the first of the users that runs become where the server is root; 0: 62000
  bool runner_unsandboxed = false;
  std::int64_t runner_memory_mib = 4096;
  std::int64_t runner_processes = 512;
  std::int64_t runner_disk_mib = 4096;
  std::int64_t runner_log_mib = 256;
  // [sts]
  std::string sts_endpoint;  // in place of AWS's own, for example a sandbox's
  std::string sts_region = "us-east-1";
  std::string webhook_allow;  // host:port, separated by commas
};

// Errors: Code::config with file:line or the variable's name, and a suggestion for what was mistyped.
Result<Configuration> read_configuration(std::string_view toml_text, const std::string& path,
                                         const os::Environment& environment);

// What `init` writes: every setting with its meaning, most of them commented out.
std::string configuration_template(std::string_view url, std::string_view listen);

// How people and clients reach a server that listens on `port`; no slash at the end.
std::string public_url(const Configuration& configuration, std::uint16_t port);

struct SettingInfo {
  std::string_view name;  // "runner.network"
  std::string_view help;
};
std::vector<SettingInfo> configuration_settings();

struct ListenAddress {
  std::string address;
  std::uint16_t port = 0;
};
// "127.0.0.1:8443", "[::1]:8443". Errors: Code::config.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace tollgate::app
