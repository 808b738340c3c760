#include "runner/protocol/bundle.h"

#include <algorithm>

#include "common/json/value.h"

namespace tollgate::runner {
namespace {

using json::Reader;
using json::Value;

std::string_view word(LogFormat format) {
  return format == LogFormat::json ? "json" : "plain";
}

std::string_view word(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::none:
      return "none";
    case NetworkMode::host:
      return "host";
    case NetworkMode::isolated:
      break;
  }
  return "isolated";
}

Value texts(const std::vector<std::string>& words) {
  Value list = Value::array();
  for (const std::string& text : words)
    list.push(text);
  return list;
}

Value to_value(const RunOptions& options) {
  return Value::object({{"is-destroy", options.is_destroy},
                        {"refresh", options.refresh},
                        {"refresh-only", options.refresh_only},
                        {"allow-config-generation", options.allow_config_generation},
                        {"targets", texts(options.targets)},
                        {"replace", texts(options.replace)}});
}

Value to_value(const Network& network) {
  Value ports = Value::array();
  for (const std::uint16_t port : network.loopback_ports)
    ports.push(static_cast<int>(port));
  return Value::object({{"mode", word(network.mode)}, {"loopback-ports", std::move(ports)}});
}

Value to_value(const Limits& limits) {
  return Value::object({{"seconds", limits.seconds},
                        {"cancel-grace-seconds", limits.cancel_grace_seconds},
                        {"kill-grace-seconds", limits.kill_grace_seconds},
                        {"memory-bytes", limits.memory_bytes},
                        {"processes", limits.processes},
                        {"disk-bytes", limits.disk_bytes},
                        {"log-bytes", limits.log_bytes}});
}

// NUL ends an argument or a path where it stands.
Result<std::string> clean_text(const Reader& reader, std::string_view key) {
  TG_TRY(std::string text, reader.text(key));
  if (text.find('\0') != std::string::npos) return fail(reader.error(fmt::format("\"{}\" holds a NUL", key)));
  return text;
}

Result<std::string> absolute_path(const Reader& reader, std::string_view key, bool may_be_empty) {
  TG_TRY(std::string path, clean_text(reader, key));
  if (path.empty() ? !may_be_empty : path.front() != '/') {
    return fail(reader.error(fmt::format("\"{}\" must be an absolute path", key)));
  }
  return path;
}

Result<std::vector<std::string>> read_texts(const Reader& reader, std::string_view key) {
  TG_TRY(const Reader list, reader.member(key));
  TG_TRY(const auto items, list.items());
  std::vector<std::string> found;
  for (const Reader& item : items) {
    const std::string* text = item.value().if_string();
    if (!text || text->find('\0') != std::string::npos) return fail(item.error("must be text without NUL"));
    found.push_back(*text);
  }
  return found;
}

Result<Secret> read_secret(const Reader& reader, std::string_view key) {
  TG_TRY(std::string text, reader.text(key));
  return Secret::take(std::move(text));
}

Result<std::int64_t> natural(const Reader& reader, std::string_view key, std::int64_t least) {
  TG_TRY(const std::int64_t number, reader.integer(key));
  if (number < least) return fail(reader.error(fmt::format("\"{}\" must be at least {}", key, least)));
  return number;
}

bool valid_environment_name(std::string_view name) {
  return !name.empty() && name.find('=') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool valid_hcl_identifier(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

bool stays_inside(std::string_view path) {
  if (!path.empty() && path.front() == '/') return false;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return false;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return true;
}

Result<std::vector<BundleVariable>> read_variables(const Reader& reader) {
  TG_TRY(const Reader list, reader.member("variables"));
  TG_TRY(const auto items, list.items());
  std::vector<BundleVariable> variables;
  for (const Reader& item : items) {
    BundleVariable variable;
    TG_TRY(variable.key, item.text("key"));
    TG_TRY(variable.value, read_secret(item, "value"));
    TG_TRY(variable.environment, item.boolean("environment"));
    TG_TRY(variable.hcl, item.boolean("hcl"));
    TG_TRY(variable.sensitive, item.boolean("sensitive"));
    const bool valid = variable.environment ? valid_environment_name(variable.key) : valid_hcl_identifier(variable.key);
    if (!valid) return fail(item.error(fmt::format("\"{}\" is not the name of a variable", variable.key)));
    if (variable.environment && variable.value.reveal().find('\0') != std::string_view::npos) {
      return fail(item.error(fmt::format("the value of {} holds a NUL", variable.key)));
    }
    variables.push_back(std::move(variable));
  }
  return variables;
}

Result<std::vector<EnvironmentEntry>> read_environment(const Reader& reader) {
  TG_TRY(const Reader list, reader.member("environment"));
  TG_TRY(const auto items, list.items());
  std::vector<EnvironmentEntry> entries;
  for (const Reader& item : items) {
    EnvironmentEntry entry;
    TG_TRY(entry.name, item.text("name"));
    TG_TRY(entry.value, read_secret(item, "value"));
    TG_TRY(entry.redact, item.boolean("redact"));
    if (!valid_environment_name(entry.name) || entry.value.reveal().find('\0') != std::string_view::npos) {
      return fail(item.error(fmt::format("\"{}\" cannot be a variable of an environment", entry.name)));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<RunOptions> read_options(const Reader& parent) {
  TG_TRY(const Reader reader, parent.member("options"));
  RunOptions options;
  TG_TRY(options.is_destroy, reader.boolean("is-destroy"));
  TG_TRY(options.refresh, reader.boolean("refresh"));
  TG_TRY(options.refresh_only, reader.boolean("refresh-only"));
  TG_TRY(options.allow_config_generation, reader.boolean("allow-config-generation"));
  TG_TRY(options.targets, read_texts(reader, "targets"));
  TG_TRY(options.replace, read_texts(reader, "replace"));
  return options;
}

Result<Network> read_network(const Reader& parent) {
  TG_TRY(const Reader reader, parent.member("network"));
  Network network;
  TG_TRY(const std::string mode, reader.text("mode"));
  if (mode == word(NetworkMode::none)) {
    network.mode = NetworkMode::none;
  } else if (mode == word(NetworkMode::host)) {
    network.mode = NetworkMode::host;
  } else if (mode != word(NetworkMode::isolated)) {
    return fail(reader.error(fmt::format("\"{}\" is no mode of a network", mode)));
  }
  TG_TRY(const Reader list, reader.member("loopback-ports"));
  TG_TRY(const auto items, list.items());
  for (const Reader& item : items) {
    const std::int64_t* port = item.value().if_integer();
    if (!port || *port < 1 || *port > 65535) return fail(item.error("must be a port"));
    network.loopback_ports.push_back(static_cast<std::uint16_t>(*port));
  }
  return network;
}

Result<Limits> read_limits(const Reader& parent) {
  TG_TRY(const Reader reader, parent.member("limits"));
  Limits limits;
  TG_TRY(limits.seconds, natural(reader, "seconds", 1));
  TG_TRY(limits.cancel_grace_seconds, natural(reader, "cancel-grace-seconds", 0));
  TG_TRY(limits.kill_grace_seconds, natural(reader, "kill-grace-seconds", 0));
  TG_TRY(limits.memory_bytes, natural(reader, "memory-bytes", 0));
  TG_TRY(limits.processes, natural(reader, "processes", 0));
  TG_TRY(limits.disk_bytes, natural(reader, "disk-bytes", 0));
  TG_TRY(limits.log_bytes, natural(reader, "log-bytes", 1));
  return limits;
}

Result<void> read_places(const Reader& reader, Bundle& bundle) {
  TG_TRY(bundle.terraform, absolute_path(reader, "terraform", false));
  TG_TRY(bundle.terraform_version, clean_text(reader, "terraform-version"));
  TG_TRY(bundle.working_directory, clean_text(reader, "working-directory"));
  if (!stays_inside(bundle.working_directory)) {
    return fail(reader.error("\"working-directory\" must be a relative path that stays inside the configuration"));
  }
  TG_TRY(bundle.provider_mirrors, read_texts(reader, "provider-mirrors"));
  for (const std::string& mirror : bundle.provider_mirrors) {
    if (mirror.empty() || mirror.front() != '/') return fail(reader.error("\"provider-mirrors\" must be absolute"));
  }
  TG_TRY(bundle.plugin_cache_directory, absolute_path(reader, "plugin-cache-directory", true));
  TG_TRY(bundle.schema_cache_directory, absolute_path(reader, "schema-cache-directory", true));
  TG_TRY(bundle.work_directory, absolute_path(reader, "work-directory", true));
  return {};
}

Result<void> read_redact(const Reader& reader, Bundle& bundle) {
  TG_TRY(const Reader list, reader.member("redact"));
  TG_TRY(const auto items, list.items());
  for (const Reader& item : items) {
    const std::string* text = item.value().if_string();
    if (!text) return fail(item.error("must be text"));
    bundle.redact.emplace_back(*text);
  }
  return {};
}

}  // namespace

std::string_view to_text(Phase phase) {
  return phase == Phase::apply ? "apply" : "plan";
}

Secret to_text(const Bundle& bundle) {
  Value variables = Value::array();
  for (const BundleVariable& variable : bundle.variables) {
    variables.push(Value::object({{"key", variable.key},
                                  {"value", variable.value.reveal()},
                                  {"environment", variable.environment},
                                  {"hcl", variable.hcl},
                                  {"sensitive", variable.sensitive}}));
  }
  Value environment = Value::array();
  for (const EnvironmentEntry& entry : bundle.environment) {
    environment.push(Value::object({{"name", entry.name}, {"value", entry.value.reveal()}, {"redact", entry.redact}}));
  }
  Value redact = Value::array();
  for (const Secret& secret : bundle.redact)
    redact.push(secret.reveal());
  Value document = Value::object({{"run-id", bundle.run_id},
                                  {"phase", to_text(bundle.phase)},
                                  {"phase-id", bundle.phase_id},
                                  {"workspace", bundle.workspace},
                                  {"terraform", bundle.terraform},
                                  {"terraform-version", bundle.terraform_version},
                                  {"working-directory", bundle.working_directory},
                                  {"variables", std::move(variables)},
                                  {"environment", std::move(environment)},
                                  {"options", to_value(bundle.options)},
                                  {"log-format", word(bundle.log_format)},
                                  {"plan-sha256", bundle.plan_sha256},
                                  {"provider-mirrors", texts(bundle.provider_mirrors)},
                                  {"plugin-cache-directory", bundle.plugin_cache_directory},
                                  {"cli-configuration", bundle.cli_configuration.reveal()},
                                  {"schema-cache-directory", bundle.schema_cache_directory},
                                  {"work-directory", bundle.work_directory},
                                  {"network", to_value(bundle.network)},
                                  {"limits", to_value(bundle.limits)},
                                  {"redact", std::move(redact)},
                                  {"unsandboxed", bundle.unsandboxed}});
  if (bundle.aws) document.set("aws", to_value(*bundle.aws));
  if (bundle.uid) document.set("uid", *bundle.uid);
  if (bundle.gid) document.set("gid", *bundle.gid);
  return Secret::take(json::to_text(document));
}

Result<Bundle> parse_bundle(std::string_view text) {
  TG_TRY(const Value document, json::parse(text));
  const Reader reader(document);
  Bundle bundle;
  TG_TRY(bundle.run_id, clean_text(reader, "run-id"));
  TG_TRY(bundle.phase_id, clean_text(reader, "phase-id"));
  TG_TRY(const std::string phase, reader.text("phase"));
  if (phase != "plan" && phase != "apply") return fail(reader.error("\"phase\" must be plan or apply"));
  bundle.phase = phase == "apply" ? Phase::apply : Phase::plan;
  TG_TRY(bundle.workspace, clean_text(reader, "workspace"));
  if (!stays_inside(bundle.workspace) || bundle.workspace.find('/') != std::string::npos) {
    return fail(reader.error("\"workspace\" must be one name"));
  }
  TG_CHECK(read_places(reader, bundle));
  TG_TRY(bundle.variables, read_variables(reader));
  TG_TRY(bundle.environment, read_environment(reader));
  TG_TRY(const Reader aws, reader.optional_member("aws"));
  if (!aws.value().is_null()) {
    TG_TRY(bundle.aws, read_aws_session(aws));
  }
  TG_TRY(bundle.options, read_options(reader));
  TG_TRY(const std::string format, reader.text("log-format"));
  if (format != "plain" && format != "json") return fail(reader.error("\"log-format\" must be plain or json"));
  bundle.log_format = format == "json" ? LogFormat::json : LogFormat::plain;
  TG_TRY(bundle.plan_sha256, clean_text(reader, "plan-sha256"));
  if (bundle.phase == Phase::apply && bundle.plan_sha256.size() != 64) {
    return fail(reader.error("an apply needs the SHA-256 of its plan"));
  }
  TG_TRY(bundle.cli_configuration, read_secret(reader, "cli-configuration"));
  TG_TRY(bundle.network, read_network(reader));
  TG_TRY(bundle.limits, read_limits(reader));
  TG_CHECK(read_redact(reader, bundle));
  TG_TRY(bundle.uid, reader.optional_integer("uid"));
  TG_TRY(bundle.gid, reader.optional_integer("gid"));
  if (bundle.uid.value_or(1) <= 0 || bundle.gid.value_or(1) <= 0) {
    return fail(reader.error("\"uid\" and \"gid\" must not be root's"));
  }
  TG_TRY(bundle.unsandboxed, reader.boolean("unsandboxed"));
  return bundle;
}

}  // namespace tollgate::runner
