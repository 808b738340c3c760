#include "server/app/configuration.h"

#include <charconv>
#include <functional>
#include <optional>
#include <variant>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "common/base/closest_word.h"

namespace tollgate::app {
namespace {

using Target = std::variant<std::string Configuration::*, bool Configuration::*, std::int64_t Configuration::*,
                            std::vector<std::int64_t> Configuration::*>;

struct Setting {
  std::string_view name;
  Target target;
  std::string_view help;
  std::int64_t least = 0;
  std::int64_t most = 0;
  std::vector<std::string> words = {};  // the only ones allowed; empty: any text
};

const std::vector<Setting>& settings() {
  using C = Configuration;
  static const std::vector<Setting> all{
      {"server.url", &C::url, "How people and clients reach it, for example https://tollgate.example.com."},
      {"server.listen", &C::listen, "Address and port to listen on."},
      {"server.handler_threads", &C::handler_threads, "Requests worked on at once.", 1, 256},
      {"server.event_streams_per_person", &C::event_streams_per_person,
       "Pages that one person may have open and live at once.", 1, 4000},
      {"tls.enabled", &C::tls_enabled, "Off only behind a proxy that speaks TLS: Terraform insists on https."},
      {"tls.certificate", &C::tls_certificate, "Certificate chain, PEM."},
      {"tls.private_key", &C::tls_private_key, "Its private key, PEM."},
      {"data.directory", &C::data_directory, "Database, sealed blobs and logs."},
      {"data.master_key", &C::master_key, "The key file that seals them."},
      {"data.least_free_mib", &C::least_free_mib, "With less disk left than this the server says that it is not ready.",
       0, 1 << 24},
      {"log.requests",
       &C::logged_requests,
       "Which requests are a line of the log: all, errors (answers from 400 on) or none.",
       0,
       0,
       {"all", "errors", "none"}},
      {"metrics.token_file", &C::metrics_token_file,
       "A file with the bearer token of /metrics; without it only this machine may read them."},
      {"terraform.directory", &C::terraform_directory, "Folders named by version, each with terraform or tofu."},
      {"terraform.from_path", &C::terraform_from_path, "Also use the terraform or tofu on PATH."},
      {"terraform.provider_mirror", &C::provider_mirror, "Filesystem mirror of providers, read-only to runs."},
      {"terraform.plugin_cache", &C::plugin_cache, "Plugin cache, read-only to runs."},
      {"runner.program", &C::runner_program, "tollgate-runner, if it is not beside tollgate-server."},
      {"runner.concurrency", &C::runner_concurrency, "Plans and applies at once; 0: one per core.", 0, 256},
      {"runner.network",
       &C::runner_network,
       "What runs reach: none, internet (own network without this host and its "
       "neighbours) or shared (this host's network; named in every log).",
       0,
       0,
       {"none", "internet", "shared"}},
      {"runner.loopback_ports", &C::runner_loopback_ports, "Ports of this host that runs may reach all the same.", 1,
       65535},
      {"runner.uid", &C::runner_uid,
       "Where the server is root, each run becomes a user of its own, from this number on; 0: from 62000.", 0,
       2'000'000'000},
      {"runner.unsandboxed", &C::runner_unsandboxed,
       "Run without a sandbox, as the server's own user. Every log says so."},
      {"runner.memory_mib", &C::runner_memory_mib, "Memory of a run.", 64, 1 << 20},
      {"runner.processes", &C::runner_processes, "Processes of a run.", 8, 1 << 20},
      {"runner.disk_mib", &C::runner_disk_mib, "Disk of a run.", 16, 1 << 24},
      {"runner.log_mib", &C::runner_log_mib, "Log of a phase; more is dropped with a line that says so.", 1, 1 << 14},
      {"sts.endpoint", &C::sts_endpoint, "In place of AWS's own, for example a sandbox's."},
      {"sts.region", &C::sts_region, "The region whose STS is asked."},
      {"webhook.allow", &C::webhook_allow,
       "Receivers of webhooks that may be inside this network or speak plain http: host:port, separated by commas. All "
       "others are https on public addresses."},
  };
  return all;
}

std::string variable_of(const Setting& setting) {
  std::string name = "TOLLGATE_SERVER_";
  for (const char c : setting.name)
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error wrong_kind(const Setting& setting, std::string place) {
  std::string what = "a text in quotes";
  if (std::holds_alternative<bool Configuration::*>(setting.target)) what = "true or false";
  if (std::holds_alternative<std::int64_t Configuration::*>(setting.target)) what = "a whole number";
  if (std::holds_alternative<std::vector<std::int64_t> Configuration::*>(setting.target)) what = "a list of numbers";
  return Error(Code::config, fmt::format("{} must be {}", setting.name, what)).at(std::move(place));
}

// Puts checked values into the result.
class Writer {
 public:
  explicit Writer(Configuration& result) : result_(result) {}

  Result<void> text(const Setting& setting, std::string value, const std::string& place) {
    const auto* member = std::get_if<std::string Configuration::*>(&setting.target);
    if (member == nullptr) return fail(wrong_kind(setting, place));
    if (!setting.words.empty() && std::find(setting.words.begin(), setting.words.end(), value) == setting.words.end()) {
      return fail(Error(Code::config, fmt::format("{} cannot be {}", setting.name, value))
                      .at(std::string(place))
                      .do_next(fmt::format("it is one of {}", fmt::join(setting.words, ", "))));
    }
    result_.*(*member) = std::move(value);
    return {};
  }
  Result<void> boolean(const Setting& setting, bool value, const std::string& place) {
    const auto* member = std::get_if<bool Configuration::*>(&setting.target);
    if (member == nullptr) return fail(wrong_kind(setting, place));
    result_.*(*member) = value;
    return {};
  }
  Result<void> integer(const Setting& setting, std::int64_t value, const std::string& place) {
    const auto* member = std::get_if<std::int64_t Configuration::*>(&setting.target);
    if (member == nullptr) return fail(wrong_kind(setting, place));
    TG_CHECK(in_range(setting, value, place));
    result_.*(*member) = value;
    return {};
  }
  Result<void> list(const Setting& setting, std::vector<std::int64_t> values, const std::string& place) {
    const auto* member = std::get_if<std::vector<std::int64_t> Configuration::*>(&setting.target);
    if (member == nullptr) return fail(wrong_kind(setting, place));
    for (const std::int64_t value : values)
      TG_CHECK(in_range(setting, value, place));
    result_.*(*member) = std::move(values);
    return {};
  }

  // From a variable, whose value is always a text.
  Result<void> variable(const Setting& setting, const std::string& value, const std::string& name) {
    if (std::holds_alternative<std::string Configuration::*>(setting.target)) return text(setting, value, name);
    if (std::holds_alternative<bool Configuration::*>(setting.target)) {
      if (value != "true" && value != "false") return fail(wrong_kind(setting, name));
      return boolean(setting, value == "true", name);
    }
    std::vector<std::int64_t> numbers;
    for (std::size_t start = 0; start <= value.size();) {
      const std::size_t comma = std::min(value.find(',', start), value.size());
      const auto number = parse_integer(std::string_view(value).substr(start, comma - start));
      if (!number) return fail(wrong_kind(setting, name));
      numbers.push_back(*number);
      start = comma + 1;
    }
    if (std::holds_alternative<std::int64_t Configuration::*>(setting.target)) {
      return numbers.size() == 1 ? integer(setting, numbers.front(), name) : fail(wrong_kind(setting, name));
    }
    return list(setting, std::move(numbers), name);
  }

 private:
  static Result<void> in_range(const Setting& setting, std::int64_t value, const std::string& place) {
    if (value >= setting.least && value <= setting.most) return {};
    return fail(Error(Code::config,
                      fmt::format("{} = {} is not between {} and {}", setting.name, value, setting.least, setting.most))
                    .at(std::string(place)));
  }
  Configuration& result_;
};

Error unknown(std::string_view what, std::string_view name, const std::vector<std::string>& known, std::string place) {
  const std::string meant = closest_word(name, known);
  return Error(Code::config, fmt::format("there is no {} {}", what, name))
      .at(std::move(place))
      .do_next(meant.empty() ? "`tollgate-server config check --help` lists all settings"
                             : fmt::format("did you mean {}?", meant))
      .because("unknown_setting");
}

class FileReader {
 public:
  FileReader(Writer& writer, const std::string& path) : writer_(writer), path_(path) {}

  Result<void> read(std::string_view text) {
    const toml::parse_result parsed = toml::parse(text, path_);
    if (!parsed) {
      const toml::parse_error& error = parsed.error();
      return fail(Error(Code::config, fmt::format("this is not TOML: {}", error.description()))
                      .at(fmt::format("{}:{}", path_, error.source().begin.line))
                      .because("syntax"));
    }
    for (const auto& [name, node] : parsed.table())
      TG_CHECK(section(std::string(name.str()), node));
    return {};
  }

 private:
  std::string place(const toml::node& node) const { return fmt::format("{}:{}", path_, node.source().begin.line); }

  Result<void> section(const std::string& name, const toml::node& node) {
    const toml::table* table = node.as_table();
    std::vector<std::string> sections;
    for (const Setting& setting : settings())
      sections.emplace_back(setting.name.substr(0, setting.name.find('.')));
    if (table == nullptr || std::find(sections.begin(), sections.end(), name) == sections.end()) {
      return fail(unknown("section", name, sections, place(node)));
    }
    for (const auto& [key, value] : *table)
      TG_CHECK(setting(fmt::format("{}.{}", name, key.str()), value));
    return {};
  }

  Result<void> setting(const std::string& name, const toml::node& node) {
    const auto& all = settings();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Setting& s) { return s.name == name; });
    if (found == all.end()) {
      std::vector<std::string> names;
      for (const Setting& known : all)
        names.emplace_back(known.name);
      return fail(unknown("setting", name, names, place(node)));
    }
    if (const auto* text = node.as_string()) return writer_.text(*found, text->get(), place(node));
    if (const auto* boolean = node.as_boolean()) return writer_.boolean(*found, boolean->get(), place(node));
    if (const auto* number = node.as_integer()) return writer_.integer(*found, number->get(), place(node));
    std::vector<std::int64_t> numbers;
    const toml::array* items = node.as_array();
    if (items == nullptr) return fail(wrong_kind(*found, place(node)));
    for (const toml::node& item : *items) {
      const auto* number = item.as_integer();
      if (number == nullptr) return fail(wrong_kind(*found, place(item)));
      numbers.push_back(number->get());
    }
    return writer_.list(*found, std::move(numbers), place(node));
  }

  Writer& writer_;
  const std::string& path_;
};

}  // namespace

Result<Configuration> read_configuration(std::string_view toml_text, const std::string& path,
                                         const os::Environment& environment) {
  Configuration result;
  Writer writer(result);
  TG_CHECK(FileReader(writer, path).read(toml_text));
  for (const Setting& setting : settings()) {
    const std::string name = variable_of(setting);
    const std::string value = environment.get_or(name, "");
    if (!value.empty()) TG_CHECK(writer.variable(setting, value, name));
  }
  for (const auto& [name, value] : environment.variables()) {
    if (!name.starts_with("TOLLGATE_SERVER_")) continue;
    std::vector<std::string> known;
    for (const Setting& setting : settings())
      known.push_back(variable_of(setting));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return fail(unknown("setting for the variable", name, known, name));
    }
  }
  TG_CHECK(parse_listen_address(result.listen));
  if (result.runner_unsandboxed && result.runner_uid != 0) {
    return fail(Error(Code::config, "runner.uid has no effect with runner.unsandboxed")
                    .at(path)
                    .do_next("leave one of them out"));
  }
  if (!result.url.empty() && !result.url.starts_with("https://") && !result.url.starts_with("http://")) {
    return fail(Error(Code::config, fmt::format("server.url = {} is not an address", result.url))
                    .do_next("start it with https://"));
  }
  while (result.url.ends_with('/'))
    result.url.pop_back();
  return result;
}

std::vector<SettingInfo> configuration_settings() {
  std::vector<SettingInfo> result;
  for (const Setting& setting : settings())
    result.push_back({setting.name, setting.help});
  return result;
}

std::string configuration_template(std::string_view url, std::string_view listen) {
  std::string text =
      "# Settings of tollgate-server. Each is also TOLLGATE_SERVER_SECTION_KEY in the environment, which wins.\n"
      "# `tollgate-server config check DIR` reads this file as the server does.\n";
  const Configuration defaults;
  std::string section;
  for (const Setting& setting : settings()) {
    const std::size_t dot = setting.name.find('.');
    if (setting.name.substr(0, dot) != section) {
      section = setting.name.substr(0, dot);
      text += fmt::format("\n[{}]\n", section);
    }
    std::string value;
    if (const auto* member = std::get_if<std::string Configuration::*>(&setting.target)) {
      value = fmt::format("\"{}\"", defaults.*(*member));
    } else if (const auto* flag = std::get_if<bool Configuration::*>(&setting.target)) {
      value = defaults.*(*flag) ? "true" : "false";
    } else if (const auto* number = std::get_if<std::int64_t Configuration::*>(&setting.target)) {
      value = fmt::format("{}", defaults.*(*number));
    } else {
      value = "[]";
    }
    bool written = true;
    if (setting.name == "server.url") {
      value = fmt::format("\"{}\"", url);
    } else if (setting.name == "server.listen") {
      value = fmt::format("\"{}\"", listen);
    } else {
      written = false;
    }
    text += fmt::format("# {}\n{}{} = {}\n", setting.help, written ? "" : "# ", setting.name.substr(dot + 1), value);
  }
  return text;
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const Error error = Error(Code::config, fmt::format("server.listen = {} is not an address and a port", text))
                          .do_next("write it as \"127.0.0.1:8443\" or \"[::1]:8443\"");
  if (colon == text.npos || colon == 0) return fail(error);
  std::string_view address = text.substr(0, colon);
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return fail(error);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != address.npos) {
    return fail(error);
  }
  return ListenAddress{std::string(address), static_cast<std::uint16_t>(*port)};
}

std::string public_url(const Configuration& configuration, std::uint16_t port) {
  if (!configuration.url.empty() && !configuration.url.ends_with(":0")) return configuration.url;
  return fmt::format("{}://localhost:{}", configuration.tls_enabled ? "https" : "http", port);
}

}  // namespace tollgate::app
