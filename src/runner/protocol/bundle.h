// What the runner is told about its phase, once, on its stdin. Secrets are in it: it never touches a disk, an argument
// or an environment. Everything else a phase needs lies in the spool. Plain values; not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "runner/protocol/aws_session.h"

namespace tollgate::runner {

enum class Phase { plan, apply };
enum class LogFormat { plain, json };
// none: loopback only. isolated: a network of its own with a way out, without the host's loopback and metadata
// addresses. host: the host's network, a downgrade that the log names.
enum class NetworkMode { none, isolated, host };

struct BundleVariable {
  std::string key;
  Secret value;
  bool environment = false;  // else a terraform variable
  bool hcl = false;          // the value is an HCL expression, of a terraform variable
  bool sensitive = false;    // its value is redacted
};

struct EnvironmentEntry {
  std::string name;
  Secret value;
  bool redact = false;
};

struct RunOptions {
  bool is_destroy = false;
  bool refresh = true;
  bool refresh_only = false;
  bool allow_config_generation = false;
  std::vector<std::string> targets;
  std::vector<std::string> replace;
};

struct Network {
  NetworkMode mode = NetworkMode::isolated;
  std::vector<std::uint16_t> loopback_ports;  // of the host, reachable at the same port of the phase's own loopback
};

// 0: no such limit, but for seconds and log_bytes, which must be set.
struct Limits {
  std::int64_t seconds = 3600;
  std::int64_t cancel_grace_seconds = 300;  // from the one SIGINT to SIGTERM
  std::int64_t kill_grace_seconds = 10;     // from SIGTERM to SIGKILL
  std::int64_t memory_bytes = 0;
  std::int64_t processes = 0;
  std::int64_t disk_bytes = 0;
  std::int64_t log_bytes = std::int64_t{64} << 20;
};

struct Bundle {
  std::string run_id;
  Phase phase = Phase::plan;
  std::string phase_id;
  std::string workspace;          // what terraform.workspace says; empty: "default"
  std::string terraform;          // absolute path of terraform or tofu
  std::string terraform_version;  // what it must be; empty: whatever it is
  std::string working_directory;  // below the configuration, relative; empty: its root
  std::vector<BundleVariable> variables;
  std::vector<EnvironmentEntry> environment;  // wins over environment variables above: TFC_RUN_ID, AWS_REGION
  std::optional<AwsSession> aws;              // what the phase runs with; nullopt: nothing
  RunOptions options;
  LogFormat log_format = LogFormat::plain;
  std::string plan_sha256;                    // of plan.in, of an apply; lower-case hex
  std::vector<std::string> provider_mirrors;  // directories, read-only to the phase
  std::string plugin_cache_directory;         // read-only to the phase; may be empty
  Secret cli_configuration;                   // HCL appended to the generated .terraformrc, for example credentials
  std::string schema_cache_directory;         // the runner's own; empty: schemas are asked for each time
  std::string work_directory;                 // where the phase's files go; empty: `work` in the spool
  Network network;
  Limits limits;
  std::optional<std::int64_t> uid;  // to drop to; only where the runner is root
  std::optional<std::int64_t> gid;
  std::vector<Secret> redact;  // further values that must not be in the output
  bool unsandboxed = false;    // on the plain machine: by an explicit order of its owner, never because a sandbox fails
};

std::string_view to_text(Phase phase);

// One JSON document.
Secret to_text(const Bundle& bundle);
// Everything that could make a phase differ from what was meant is refused: unknown words, a working directory that
// leads out, names with '=' or NUL, limits below zero. Code::invalid with a JSON pointer.
Result<Bundle> parse_bundle(std::string_view text);

}  // namespace tollgate::runner
