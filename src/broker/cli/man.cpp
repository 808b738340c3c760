#include "broker/cli/man.h"

#include <algorithm>
#include <array>
#include <utility>

#include "broker/cli/configuration.h"
#include "broker/cli/help.h"

namespace tollgate::cli {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kEnvironment = {{
    {"AWS_PROFILE, AWS_DEFAULT_PROFILE", "The profile where a command names none."},
    {"AWS_REGION, AWS_DEFAULT_REGION", "The region; wins over the profile's."},
    {"AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE", "The AWS files, if not ~/.aws/config and ~/.aws/credentials."},
    {"AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS", "Where AWS is; codes go only to https or to this machine."},
    {"TOLLGATE_SESSION_KEY", "With the value file, the key of cached sessions is kept in a file, not the keyring."},
    {"TOLLGATE_PROFILE, AWS_VAULT", "Set for a program that tollgate starts; its shims then do nothing."},
    {"XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_DATA_HOME, XDG_STATE_HOME", "Where tollgate keeps its files."},
    {"HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE", "How AWS is reached."},
    {"TF_CLOUD_HOSTNAME, TF_CLOUD_ORGANIZATION, TF_WORKSPACE", "Which run server and workspace, as for Terraform."},
    {"TF_TOKEN_<host>, TF_CLI_CONFIG_FILE, SSL_CERT_FILE", "The token for a run server, and what it is trusted by."},
    {"SHELL, TERM, NO_COLOR", "How to speak to the person."},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kFiles = {{
    {"~/.aws/config, ~/.aws/credentials", "Your profiles, read as Terraform reads them; changed only on request."},
    {"~/.terraformrc, ~/.terraform.d/credentials.tfrc.json",
     "Tokens for run servers, as `terraform login` leaves them."},
    {"~/.config/tollgate/config.toml, /etc/tollgate/config.toml", "Settings, see tollgate-settings(5)."},
    {"~/.cache/tollgate", "Sealed sessions and the profiles that programs see. May be deleted at any time."},
    {"~/.local/share/tollgate", "Stored long-term keys, sealed; shims."},
    {"~/.local/state/tollgate", "Locks, and which codes have been used."},
}};

// One macro line with arguments; quotes in them would end an argument.
std::string macro(std::string_view name, const std::vector<std::string>& arguments) {
  std::string line = "." + std::string(name);
  for (const std::string& argument : arguments) {
    std::string quoted;
    for (const char c : roff_escaped(argument))
      quoted += c == '"' ? std::string("\\(dq") : std::string(1, c);
    line += " \"" + quoted + "\"";
  }
  return line + "\n";
}

std::string title(std::string_view name, std::string_view section) {
  std::string upper;
  for (const char c : name)
    upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return ".\\\" Written by `tollgate man`; do not edit.\n" +
         macro("TH", {upper, std::string(section), "", "tollgate " TOLLGATE_VERSION, "tollgate manual"}) +
         ".nh\n.ad l\n";
}

std::string name_section(std::string_view name, std::string_view summary) {
  std::string text(summary);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && (text.size() < 2 || text[1] > 'Z')) {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return macro("SH", {"NAME"}) + roff_escaped(name) + " \\- " + roff_escaped(text) + "\n";
}

std::string paragraphs(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    if (!result.empty()) result += ".PP\n";
    result += roff_escaped(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return result;
}

std::string example_block(std::string_view text) {
  return ".PP\n.nf\n" + roff_escaped(text) + "\n.fi\n";
}

std::string entry(std::string_view term, std::string_view text) {
  return ".TP\n.B " + roff_escaped(term) + "\n" + roff_escaped(text) + "\n";
}

std::string term_of(const Option& option) {
  std::string term;
  for (const char c : option.flags)
    term += c == ',' ? std::string(", ") : std::string(1, c);
  return option.value.empty() ? term : term + " " + option.value;
}

std::string synopsis_line(const Command& command) {
  return ".B tollgate " + roff_escaped(usage_line(command)) + "\n";
}

// What there is to say of a command beside its synopsis; `level` is SH or SS.
std::string body_of(const Command& command, std::string_view level) {
  std::string text;
  if (!command.details.empty() && level == "SH") text += macro(level, {"DESCRIPTION"});
  text += paragraphs(command.details);
  if (level == "SH") text += macro(level, {"OPTIONS"});
  for (const Positional& positional : command.positionals)
    text += entry(positional.name, positional.help);
  for (const Option& option : command.options)
    text += entry(term_of(option), option.help);
  text += entry("-h, --help", "Show a summary of this page.");
  if (!command.examples.empty()) {
    text += level == "SH" ? macro(level, {"EXAMPLES"}) : "";
    text += example_block(command.examples);
  }
  return text;
}

std::string see_also(std::string_view references) {
  return macro("SH", {"SEE ALSO"}) + roff_escaped(references) + "\n";
}

std::string program_page(const std::vector<Command>& commands) {
  std::string text = title("tollgate", "1") + name_section("tollgate", "MFA for Terraform on AWS") +
                     macro("SH", {"SYNOPSIS"}) +
                     ".B tollgate\nCOMMAND [OPTIONS]\n.br\n.B tollgate\nPROFILE \\-\\- PROGRAM [ARGUMENTS]\n" +
                     macro("SH", {"DESCRIPTION"}) +
                     paragraphs(
                         "tollgate gives programs the temporary AWS credentials that need a one-time code: "
                         "terraform, terragrunt, the AWS CLI and whatever uses an AWS SDK work with your own "
                         "profiles unchanged. A code is asked for once per device and session, on the terminal, "
                         "however many programs want it at the same time.\n\n"
                         "The second form is short for tollgate exec.") +
                     macro("SH", {"COMMANDS"});
  for (const Command& command : commands) {
    if (!command.hidden) text += entry(command.name, command.summary + ".");
  }
  text += entry("help [COMMAND]", "Show all commands, or one.");
  text += macro("SH", {"EXIT STATUS"}) + paragraphs(exit_status_text());
  text += macro("SH", {"ENVIRONMENT"});
  text += paragraphs("Every setting has a variable of its own, see tollgate-settings(5).");
  for (const auto& [name, about] : kEnvironment)
    text += entry(name, about);
  text += macro("SH", {"FILES"});
  for (const auto& [name, about] : kFiles)
    text += entry(name, about);
  return text + see_also("tollgate-exec(1), tollgate-settings(5), terraform(1), aws(1)");
}

std::string command_page(const std::string& word, const std::vector<const Command*>& commands) {
  const std::string name = "tollgate-" + word;
  const bool single = commands.size() == 1 && commands.front()->name == word;
  std::string summary = single ? commands.front()->summary : "";
  for (const Command* command : commands) {
    if (!single) summary += (summary.empty() ? "" : ", ") + command->name;
  }
  std::string text = title(name, "1") + name_section(name, summary) + macro("SH", {"SYNOPSIS"});
  for (const Command* command : commands) {
    if (command != commands.front()) text += ".br\n";
    text += synopsis_line(*command);
  }
  if (single) {
    text += body_of(*commands.front(), "SH");
  } else {
    text += macro("SH", {"COMMANDS"});
    for (const Command* command : commands) {
      text += macro("SS", {"tollgate " + command->name}) + roff_escaped(command->summary) + ".\n.PP\n";
      text += body_of(*command, "SS");
    }
  }
  return text + see_also("tollgate(1), tollgate-settings(5)");
}

std::string settings_page() {
  std::string text = title("tollgate-settings", "5") + name_section("tollgate-settings", "settings of tollgate") +
                     macro("SH", {"DESCRIPTION"}) +
                     paragraphs(
                         "Settings are read from config.toml in $XDG_CONFIG_HOME/tollgate (~/.config/tollgate) "
                         "and from /etc/tollgate/config.toml, both in TOML. A flag of a command wins over the "
                         "setting's variable, that over the user's file, that over the machine's. An unknown "
                         "setting is an error. No file of the working directory is read: a repository that was "
                         "cloned must not choose what runs. A file that other users may write is refused.\n\n"
                         "Durations are written as 900 (seconds), \"60m\", \"12h\" or \"1h30m\".") +
                     macro("SH", {"SETTINGS"});
  for (const KeyInfo& key : configuration_keys()) {
    text += entry(key.name, fmt::format("{} Built in: {}. Variable: {}.", key.help,
                                        key.built_in.empty() ? "none" : key.built_in, variable_of(key)));
  }
  text +=
      entry("[[shim.directory]] path, profile",
            "A rule for shims, any number of them: what runs in the directory path or below it uses profile, unless "
            "AWS_PROFILE or the program's own flag names one. The longest path wins; path is absolute or starts "
            "with ~/. With an empty profile the program runs without tollgate.");
  text += macro("SH", {"EXAMPLE"}) + example_block(
                                         "[shim]\n"
                                         "default_profile = \"read-only\"\n\n"
                                         "[[shim.directory]]\n"
                                         "path = \"~/code/production\"\n"
                                         "profile = \"prod\"\n\n"
                                         "[session]\n"
                                         "duration = \"8h\"\n\n"
                                         "[min_ttl]\n"
                                         "apply = \"1h\"");
  return text + see_also("tollgate(1), tollgate-shim(1), tollgate-config(1)");
}

}  // namespace

std::string roff_escaped(std::string_view text) {
  std::string escaped;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) escaped += "\\&";
    line_start = c == '\n';
    switch (c) {
      case '\\':
        escaped += "\\e";
        break;
      case '-':
        escaped += "\\-";
        break;
      case '\'':
        escaped += "\\(aq";
        break;
      case '`':
        escaped += "\\(ga";
        break;
      case '^':
        escaped += "\\(ha";
        break;
      case '~':
        escaped += "\\(ti";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::vector<ManualPage> manual_pages(const std::vector<Command>& commands) {
  std::vector<ManualPage> pages{{"", "tollgate.1", program_page(commands)}};
  std::vector<std::string> words;
  for (const Command& command : commands) {
    const std::string word = command.name.substr(0, command.name.find(' '));
    if (!command.hidden && std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  for (const std::string& word : words) {
    std::vector<const Command*> members;
    for (const Command& command : commands) {
      if (!command.hidden && command.name.substr(0, command.name.find(' ')) == word) members.push_back(&command);
    }
    pages.push_back({word, fmt::format("tollgate-{}.1", word), command_page(word, members)});
  }
  pages.push_back({"settings", "tollgate-settings.5", settings_page()});
  return pages;
}

}  // namespace tollgate::cli
