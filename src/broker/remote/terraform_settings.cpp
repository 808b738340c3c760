#include "broker/remote/terraform_settings.h"

#include "broker/remote/cli_config.h"
#include "broker/remote/document_fields.h"
#include "common/json/value.h"
#include "common/os/atomic_file.h"
#include "common/os/directory_names.h"

namespace tollgate::remote {
namespace {

constexpr std::size_t kMaxSettingsBytes = 1U << 20;
constexpr std::string_view kTokenPrefix = "TF_TOKEN_";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  while (!text.empty()) {
    if (text.starts_with(from)) {
      result += to;
      text.remove_prefix(from.size());
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

std::vector<std::string> settings_files_of(const std::string& folder) {
  std::vector<std::string> names;
  for (std::string& name : os::directory_names(folder).value_or(std::vector<std::string>())) {
    if (!name.starts_with('.') && (name.ends_with(".tfrc") || name.ends_with(".tfrc.json")))
      names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

std::string normal_host(std::string_view host) {
  std::string lower;
  for (const char c : host)
    lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower.ends_with(":443")) lower.resize(lower.size() - 4);
  return lower;
}

std::string host_of_variable(std::string_view encoded) {
  return normal_host(replaced(replaced(encoded, "__", "-"), "_", "."));
}

std::string variable_for_host(std::string_view host) {
  return std::string(kTokenPrefix) + replaced(replaced(normal_host(host), "-", "__"), ".", "_");
}

Result<TerraformSettings> TerraformSettings::read(const os::Environment& environment) {
  TerraformSettings settings;
  const std::string home = environment.get_or("HOME", "");
  const std::string named = environment.get_or("TF_CLI_CONFIG_FILE", environment.get_or("TERRAFORM_CONFIG", ""));
  if (!named.empty()) {
    // Terraform then passes the folder by, where `terraform login` writes to nevertheless.
    if (!home.empty()) TG_CHECK(settings.add_file(home + "/.terraform.d/credentials.tfrc.json", true));
    TG_CHECK(settings.add_file(named, true));
  } else if (!home.empty()) {
    TG_CHECK(settings.add_file(home + "/.terraformrc", true));
    TG_CHECK(settings.add_folder(home + "/.terraform.d"));
  }
  settings.add_variables(environment);
  return settings;
}

Result<void> TerraformSettings::add_folder(const std::string& folder) {
  for (const std::string& name : settings_files_of(folder))
    TG_CHECK(add_file(folder + "/" + name, true));
  return {};
}

Result<void> TerraformSettings::add_file(const std::string& path, bool optional) {
  auto content = os::read_file(path, kMaxSettingsBytes);
  if (!content && optional && content.error().code == Code::not_found) return {};
  if (!content) return fail(std::move(content).error().while_doing("reading Terraform's settings"));
  auto document = path.ends_with(".json") ? json::parse(*content) : parse_cli_config(*content);
  wipe(*content);
  if (!document) {
    const Error& error = document.error();
    return fail(Error(Code::config, error.message)
                    .at(error.place.empty() ? path : fmt::format("{}, {}", path, error.place))
                    .do_next("mend the file; `terraform version` reads it too"));
  }
  const json::Value* credentials = document->find("credentials");
  if (const json::Object* hosts = credentials == nullptr ? nullptr : credentials->if_object()) {
    for (const auto& [host, block] : *hosts) {
      std::string token = text(block, "token");
      if (!token.empty()) tokens_.insert_or_assign(normal_host(host), Token{Secret::take(std::move(token)), path});
    }
  }
  const json::Value* own = document->find("host");
  if (const json::Object* hosts = own == nullptr ? nullptr : own->if_object()) {
    for (const auto& [host, block] : *hosts) {
      const json::Value* services = block.find("services");
      const std::string api = services == nullptr ? std::string() : text(*services, "tfe.v2");
      if (!api.empty()) apis_.insert_or_assign(normal_host(host), api);
    }
  }
  return {};
}

void TerraformSettings::add_variables(const os::Environment& environment) {
  for (const auto& [name, value] : environment.variables()) {
    if (!name.starts_with(kTokenPrefix) || value.empty()) continue;
    const std::string host = host_of_variable(std::string_view(name).substr(kTokenPrefix.size()));
    if (!host.empty()) tokens_.insert_or_assign(host, Token{Secret(value), name});
  }
}

const Token* TerraformSettings::token(std::string_view host) const {
  const auto found = tokens_.find(normal_host(host));
  return found == tokens_.end() ? nullptr : &found->second;
}

std::string TerraformSettings::api_of(std::string_view host) const {
  const auto found = apis_.find(normal_host(host));
  return found == apis_.end() ? std::string() : found->second;
}

std::vector<std::string> TerraformSettings::hosts() const {
  std::vector<std::string> names;
  for (const auto& [host, token] : tokens_)
    names.push_back(host);
  return names;
}

}  // namespace tollgate::remote
