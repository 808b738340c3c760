#include "runner/configuration_files.h"

#include "common/os/directory_names.h"
#include "runner/escapes.h"

namespace tollgate::runner {
namespace {

std::vector<std::string> directories_in(const std::string& path) {
  std::vector<std::string> names;
  for (std::string& name : os::directory_names(path).value_or(std::vector<std::string>())) {
    if (!name.starts_with('.')) names.push_back(std::move(name));
  }
  return names;
}

// An expression may hold line breaks only inside brackets or heredocs, which parentheses do not change.
void append_assignment(const BundleVariable& variable, std::string& out) {
  out += variable.key;
  out += " = ";
  if (variable.hcl) {
    out.append(variable.value.reveal());
  } else {
    std::string quoted = hcl_quoted(variable.value.reveal());
    out += quoted;
    wipe(quoted);
  }
  out += '\n';
}

}  // namespace

std::string hcl_quoted(std::string_view text) {
  std::string piece = hcl_escaped(text);
  std::string out;
  out.reserve(piece.size() + 2);
  out.append("\"").append(piece).append("\"");
  wipe(piece);
  return out;
}

std::string backend_override(std::string_view state_path, std::string_view workspaces_path) {
  return fmt::format(
      "# Written by tollgate: the state of a run is kept by the server.\n"
      "terraform {{\n  backend \"local\" {{\n    path          = {}\n    workspace_dir = {}\n  }}\n}}\n",
      hcl_quoted(state_path), hcl_quoted(workspaces_path));
}

std::vector<std::string> providers_in_mirror(const std::string& directory) {
  std::vector<std::string> found;
  for (const std::string& host : directories_in(directory)) {
    for (const std::string& owner : directories_in(directory + "/" + host)) {
      for (const std::string& type : directories_in(directory + "/" + host + "/" + owner))
        found.push_back(fmt::format("{}/{}/{}", host, owner, type));
    }
  }
  return found;
}

Secret cli_configuration(const Bundle& bundle, const std::vector<std::string>& mirrored) {
  std::string text = "disable_checkpoint = true\n";
  const std::string_view given = bundle.cli_configuration.reveal();
  if (given.find("provider_installation") == std::string_view::npos) {
    std::string excluded;
    for (const std::string& provider : mirrored)
      excluded += fmt::format("{}{}", excluded.empty() ? "" : ", ", hcl_quoted(provider));
    text += "provider_installation {\n";
    for (const std::string& mirror : bundle.provider_mirrors)
      text += fmt::format("  filesystem_mirror {{\n    path = {}\n  }}\n", hcl_quoted(mirror));
    // The layout of a plugin cache is that of a mirror; as a cache it would have to be writable.
    if (!bundle.plugin_cache_directory.empty()) {
      text += fmt::format("  filesystem_mirror {{\n    path = {}\n", hcl_quoted(bundle.plugin_cache_directory));
      if (!excluded.empty()) text += fmt::format("    exclude = [{}]\n", excluded);
      text += "  }\n";
    }
    if (bundle.network.mode != NetworkMode::none) {
      text += excluded.empty() ? "  direct {}\n" : fmt::format("  direct {{\n    exclude = [{}]\n  }}\n", excluded);
    }
    text += "}\n";
  }
  text.append(given);
  return Secret::take(std::move(text));
}

Secret variables_file(const std::vector<BundleVariable>& variables) {
  std::string text;
  for (const BundleVariable& variable : variables) {
    if (!variable.environment) append_assignment(variable, text);
  }
  return Secret::take(std::move(text));
}

}  // namespace tollgate::runner
