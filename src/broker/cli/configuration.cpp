#include "broker/cli/configuration.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "broker/cli/help.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "common/os/xdg.h"

namespace tollgate::cli {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::string_view kRules = "shim.directory";
// AWS's limits of GetSessionToken for IAM users (STS API reference, DurationSeconds).
constexpr seconds kMinSession{900};
constexpr seconds kMaxSession{36 * 3600};

constexpr std::array<KeyInfo, kKeyCount> kKeys = {{
    {Key::mfa_process, "mfa.process", false, "",
     "A program that prints the one-time code, instead of a question. A profile's own mfa_process wins over it."},
    {Key::session_duration, "session.duration", true, "12h", "Life of a new MFA session, 15m to 36h."},
    {Key::exec_min_ttl, "exec.min_ttl", true, "0",
     "What must be left of the MFA session when any program starts; with less, a code is asked for first."},
    {Key::shim_default_profile, "shim.default_profile", false, "read-only",
     "The profile of a shim where nothing else names one. Empty: the program then runs without tollgate."},
    {Key::min_ttl_plan, "min_ttl.plan", true, "15m", "What must be left for terraform plan."},
    {Key::min_ttl_apply, "min_ttl.apply", true, "2h", "What must be left for terraform apply and test."},
    {Key::min_ttl_destroy, "min_ttl.destroy", true, "2h", "What must be left for terraform destroy."},
    {Key::min_ttl_import, "min_ttl.import", true, "2h", "What must be left for terraform import."},
    {Key::min_ttl_state, "min_ttl.state", true, "2h",
     "What must be left for terraform state, taint, untaint, refresh and force-unlock."},
}};

const KeyInfo* find_key(std::string_view name) {
  for (const KeyInfo& key : kKeys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::string closest_name(std::string_view typed) {
  std::vector<std::string> names{std::string(kRules)};
  for (const KeyInfo& key : kKeys)
    names.emplace_back(key.name);
  return closest_word(typed, names);
}

Error unknown_setting(std::string_view name, std::string place) {
  const std::string meant = closest_name(name);
  return Error(Code::config, fmt::format("there is no setting {}", name))
      .at(std::move(place))
      .do_next(meant.empty() ? "`tollgate config show` lists all settings" : fmt::format("did you mean {}?", meant))
      .because("unknown_setting");
}

Result<void> check(const KeyInfo& key, const std::string& text, const std::string& place) {
  if (!key.is_duration) return {};
  const auto duration = parse_duration(text);
  if (!duration) {
    return fail(Error(Code::config, fmt::format("{} = {} is not a duration", key.name, text))
                    .at(std::string(place))
                    .do_next("write it as 900, \"60m\", \"12h\" or \"1h30m\""));
  }
  if (key.key == Key::session_duration && (*duration < kMinSession || *duration > kMaxSession)) {
    return fail(
        Error(Code::config, fmt::format("{} = {} is not possible: AWS gives sessions of 15m to 36h", key.name, text))
            .at(std::string(place)));
  }
  return {};
}

int line_of(const toml::node& node) {
  return static_cast<int>(node.source().begin.line);
}

}  // namespace

const std::array<KeyInfo, kKeyCount>& configuration_keys() {
  return kKeys;
}

std::string variable_of(const KeyInfo& key) {
  std::string name = "TOLLGATE_";
  for (const char c : key.name)
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string_view origin_name(Origin origin) {
  switch (origin) {
    case Origin::built_in:
      return "built in";
    case Origin::system:
      return "system";
    case Origin::user:
      return "user";
    case Origin::environment:
      return "environment";
  }
  return "built in";
}

ConfigurationFiles configuration_files(const os::Environment& environment) {
  ConfigurationFiles files;
  if (const auto directories = os::user_directories(environment)) files.user = directories->config + "/config.toml";
  return files;
}

Result<std::optional<std::string>> read_configuration_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return fail(Code::config, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Code::config, fmt::format("cannot read {}: it is not a regular file", path));
  }
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return fail(Error(Code::config, fmt::format("{} belongs to another user", path)).because("foreign_owner"));
  }
  // A group of one's own (umask 002 on many systems) is the user; any other group is others.
  const bool by_group = (info.st_mode & S_IWGRP) != 0 && info.st_gid != ::getegid() && info.st_gid != 0;
  if (by_group || (info.st_mode & S_IWOTH) != 0) {
    return fail(Error(Code::config, fmt::format("other users may write {}, which can name programs to run", path))
                    .do_next(fmt::format("chmod go-w {}", path))
                    .because("open_to_others"));
  }
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Code::config, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
    if (count == 0) return std::optional<std::string>(std::move(text));
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kMaxFileBytes) return fail(Code::config, fmt::format("{} is larger than 1 MiB", path));
  }
}

// Lays one file after the other over the built-in values.
class ConfigurationParser {
 public:
  ConfigurationParser(Configuration& result, std::string home) : result_(result), home_(std::move(home)) {}

  Result<void> apply(const std::string& path, std::string_view text, Origin origin) {
    path_ = path;
    origin_ = origin;
    const toml::parse_result parsed = toml::parse(text, path);
    if (!parsed) {
      const toml::parse_error& error = parsed.error();
      return fail(Error(Code::config, fmt::format("this is not TOML: {}", error.description()))
                      .at(place(static_cast<int>(error.source().begin.line)))
                      .because("syntax"));
    }
    for (const auto& [name, node] : parsed.table())
      TG_CHECK(section(std::string(name.str()), node));
    return {};
  }

  Result<void> apply(const os::Environment& environment) {
    for (const KeyInfo& key : kKeys) {
      const std::string variable = variable_of(key);
      const std::string value = environment.get_or(variable, "");
      if (value.empty()) continue;
      TG_CHECK(check(key, value, variable));
      set(key, {value, Origin::environment, variable});
    }
    return {};
  }

 private:
  std::string place(int line) const { return fmt::format("{}:{}", path_, line); }

  void set(const KeyInfo& key, ConfiguredValue value) {
    result_.values_[static_cast<std::size_t>(key.key)] = std::move(value);
  }

  Result<void> section(const std::string& name, const toml::node& node) {
    const bool known = std::any_of(kKeys.begin(), kKeys.end(), [&](const KeyInfo& key) {
      return key.name.starts_with(name) && key.name[name.size()] == '.';
    });
    const toml::table* table = node.as_table();
    if (!known || table == nullptr) {
      std::vector<std::string> sections;
      for (const KeyInfo& key : kKeys)
        sections.emplace_back(key.name.substr(0, key.name.find('.')));
      const std::string meant = closest_word(name, sections);
      return fail(Error(Code::config, known ? fmt::format("{} is a section, not a setting", name)
                                            : fmt::format("there is no section {}", name))
                      .at(place(line_of(node)))
                      .do_next(meant.empty() ? "`tollgate config show` lists all settings"
                                             : fmt::format("did you mean [{}]?", meant))
                      .because("unknown_setting"));
    }
    for (const auto& [key, value] : *table)
      TG_CHECK(setting(fmt::format("{}.{}", name, key.str()), value));
    return {};
  }

  Result<void> setting(const std::string& name, const toml::node& node) {
    if (name == kRules) return rules(node);
    const std::string where = place(line_of(node));
    const KeyInfo* key = find_key(name);
    if (key == nullptr) return fail(unknown_setting(name, where));
    std::string text;
    if (const auto* string = node.as_string()) {
      text = string->get();
    } else if (const auto* number = node.as_integer(); number != nullptr && key->is_duration) {
      text = fmt::format("{}", number->get());
    } else {
      return fail(Error(Code::config, fmt::format("{} must be {}", name,
                                                  key->is_duration ? "a duration, like \"15m\"" : "a text in quotes"))
                      .at(std::string(where)));
    }
    TG_CHECK(check(*key, text, where));
    set(*key, {std::move(text), origin_, where});
    return {};
  }

  Result<void> rules(const toml::node& node) {
    const toml::array* list = node.as_array();
    if (list == nullptr || (!list->empty() && !list->is_homogeneous(toml::node_type::table))) {
      return fail(Error(Code::config, "shim.directory must be a list of tables")
                      .at(place(line_of(node)))
                      .do_next("write each as [[shim.directory]] with path and profile below it"));
    }
    for (const toml::node& item : *list)
      TG_CHECK(rule(*item.as_table()));
    return {};
  }

  Result<void> rule(const toml::table& table) {
    deliver::DirectoryRule rule;
    rule.place = place(line_of(table));
    bool has_profile = false;
    for (const auto& [name, node] : table) {
      const auto* text = node.as_string();
      if (name.str() != "path" && name.str() != "profile") {
        const std::string meant = closest_word(name.str(), {"path", "profile"});
        return fail(Error(Code::config, fmt::format("a rule of shim.directory has no setting {}", name.str()))
                        .at(place(line_of(node)))
                        .do_next(meant.empty() ? "it has path and profile" : fmt::format("did you mean {}?", meant))
                        .because("unknown_setting"));
      }
      if (text == nullptr) {
        return fail(
            Error(Code::config, fmt::format("{} of a rule of shim.directory must be a text in quotes", name.str()))
                .at(place(line_of(node))));
      }
      has_profile = has_profile || name.str() == "profile";
      (name.str() == "path" ? rule.path : rule.profile) = text->get();
    }
    if (rule.path.empty() || !has_profile) {
      return fail(Error(Code::config, "a rule of shim.directory needs path and profile").at(std::move(rule.place)));
    }
    TG_TRY(rule.path, absolute(rule.path, rule.place));
    result_.directory_rules_.push_back(std::move(rule));
    return {};
  }

  // "~" is the home directory; without final slashes.
  Result<std::string> absolute(std::string path, const std::string& where) const {
    if (path == "~" || path.starts_with("~/")) {
      if (home_.empty()) return fail(Error(Code::config, "the home directory is not known").at(std::string(where)));
      path = home_ + path.substr(1);
    }
    if (!path.starts_with('/') || fmt::format("{}/", path).find("/../") != std::string::npos) {
      return fail(Error(Code::config, fmt::format("path = {} is not an absolute path", path))
                      .at(std::string(where))
                      .do_next("start it with / or ~/, without .."));
    }
    while (path.size() > 1 && path.ends_with('/'))
      path.pop_back();
    return path;
  }

  Configuration& result_;
  std::string home_;
  std::string path_;
  Origin origin_ = Origin::built_in;
};

Result<Configuration> Configuration::read(const os::Environment& environment, const ConfigurationFiles& files,
                                          const ConfigurationReader& reader) {
  Configuration result;
  for (const KeyInfo& key : kKeys)
    result.values_[static_cast<std::size_t>(key.key)].text = key.built_in;
  const auto directories = os::user_directories(environment);
  ConfigurationParser parser(result, directories ? directories->home : "");
  std::vector<deliver::DirectoryRule> system_rules;
  for (const auto& [path, origin] : {std::pair(&files.system, Origin::system), std::pair(&files.user, Origin::user)}) {
    if (path->empty()) continue;
    TG_TRY(const std::optional<std::string> text, reader(*path));
    if (text) TG_CHECK(parser.apply(*path, *text, origin));
    if (origin == Origin::system) system_rules.swap(result.directory_rules_);
  }
  result.directory_rules_.insert(result.directory_rules_.end(), system_rules.begin(), system_rules.end());
  TG_CHECK(parser.apply(environment));
  return result;
}

seconds Configuration::duration(Key key) const {
  return parse_duration(text(key)).value_or(seconds(0));
}

deliver::MinTtlRules Configuration::min_ttl_rules() const {
  deliver::MinTtlRules rules;
  rules.plan = duration(Key::min_ttl_plan);
  rules.apply = duration(Key::min_ttl_apply);
  rules.destroy = duration(Key::min_ttl_destroy);
  rules.import = duration(Key::min_ttl_import);
  rules.state = duration(Key::min_ttl_state);
  rules.other = duration(Key::exec_min_ttl);
  return rules;
}

}  // namespace tollgate::cli
