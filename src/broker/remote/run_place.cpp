#include "broker/remote/run_place.h"

#include <algorithm>
#include <vector>

#include "common/json/value.h"
#include "common/os/atomic_file.h"

namespace tollgate::remote {
namespace {

constexpr std::size_t kMaxStateBytes = 1U << 20;
// Where Terraform goes if a block names no host.
constexpr std::string_view kUsualHost = "app.terraform.io";

bool is_run_id(std::string_view text) {
  return text.size() > 4 && text.size() <= 64 && text.starts_with("run-") &&
         std::all_of(text.begin() + 4, text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
         });
}

// Names go into addresses; what cannot be one never leaves this machine.
Result<void> check_name(std::string_view text, std::string_view flag) {
  const bool good = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
  if (good) return {};
  return fail(Error(Code::usage, "names are made of letters, digits, - and _").at(std::string(flag)));
}

Result<void> check_host(std::string_view text, std::string_view place) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
           c == ':' || c == '[' || c == ']' || static_cast<unsigned char>(c) >= 0x80;
  });
  if (good) return {};
  return fail(Error(Code::usage, "the value is not a host").at(std::string(place)).do_next("write HOST or HOST:PORT"));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string text_of(const json::Value* object, std::string_view key) {
  const json::Value* found = object == nullptr ? nullptr : object->find(key);
  const std::string* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string() : *text;
}

std::string first_line(std::string text) {
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  return text;
}

Error no_server() {
  return Error(Code::config, "nothing says which server is meant")
      .because("no_server")
      .do_next(
          "give --host, set TF_CLOUD_HOSTNAME, or work in a folder where `terraform init` has set up a cloud block");
}

Error not_logged_in(const std::string& host) {
  return Error(Code::unauthorized, fmt::format("there is no token for {}", host))
      .because("not_logged_in")
      .do_next(fmt::format("run `terraform login {}`, or set {}", host, variable_for_host(host)));
}

Result<std::string> choose_host(const PlaceFlags& flags, const RunReference& run,
                                const std::optional<InitialisedFolder>& folder, const os::Environment& environment,
                                const TerraformSettings& settings) {
  const std::string variable = environment.get_or("TF_CLOUD_HOSTNAME", "");
  if (!flags.host.empty()) {
    TG_CHECK(check_host(flags.host, "--host"));
    if (!run.host.empty() && normal_host(run.host) != normal_host(flags.host)) {
      return fail(Error(Code::usage, fmt::format("the run's address names {}", run.host)).at("--host"));
    }
    return normal_host(flags.host);
  }
  if (!run.host.empty()) return normal_host(run.host);
  if (!variable.empty()) TG_CHECK(check_host(variable, "TF_CLOUD_HOSTNAME"));
  if (folder) {
    if (!folder->host.empty()) return normal_host(folder->host);
    return variable.empty() ? std::string(kUsualHost) : normal_host(variable);
  }
  if (!variable.empty()) return normal_host(variable);
  const std::vector<std::string> known = settings.hosts();
  if (known.size() == 1) return known.front();
  Error error = no_server();
  if (known.size() > 1) error.message += fmt::format("; there are tokens for {}", fmt::join(known, ", "));
  return fail(std::move(error));
}

}  // namespace

Result<RunReference> parse_run_reference(std::string_view text) {
  RunReference reference;
  if (text.empty()) return reference;
  if (is_run_id(text)) {
    reference.id = text;
    return reference;
  }
  const auto wrong = [] {
    return fail(Error(Code::usage, "this is neither a run's id nor its address")
                    .at("RUN")
                    .do_next("give run-..., or https://HOST/app/ORGANIZATION/WORKSPACE/runs/run-..."));
  };
  constexpr std::string_view kScheme = "https://";
  if (!text.starts_with(kScheme)) return wrong();
  text.remove_prefix(kScheme.size());
  text = text.substr(0, text.find_first_of("?#"));
  std::vector<std::string> parts = split(text, '/');
  if (!parts.empty() && parts.back().empty()) parts.pop_back();
  // HCP Terraform's own page has /workspaces/ between organization and workspace.
  if (parts.size() == 7 && parts[3] == "workspaces") parts.erase(parts.begin() + 3);
  if (parts.size() != 6 || parts[1] != "app" || parts[4] != "runs" || !is_run_id(parts[5])) return wrong();
  if (!check_host(parts[0], "RUN") || !check_name(parts[2], "RUN") || !check_name(parts[3], "RUN")) return wrong();
  return RunReference{parts[5], parts[0], parts[2], parts[3]};
}

Result<std::optional<InitialisedFolder>> read_initialised_folder(const std::string& folder,
                                                                 const os::Environment& environment) {
  const std::string data = environment.get_or("TF_DATA_DIR", ".terraform");
  const std::string base = data.starts_with('/') ? data : folder + "/" + data;
  InitialisedFolder found;
  found.file = base + "/terraform.tfstate";
  auto content = os::read_file(found.file, kMaxStateBytes);
  if (!content && content.error().code == Code::not_found) return std::nullopt;
  if (!content) return fail(std::move(content).error());
  auto document = json::parse(*content);
  wipe(*content);
  if (!document) {
    return fail(Error(Code::config, document.error().text())
                    .at(found.file)
                    .do_next("run `terraform init` again, or give --host, --organization and --workspace"));
  }
  const json::Value* backend = document->find("backend");
  const std::string type = text_of(backend, "type");
  if (type != "cloud" && type != "remote") return std::nullopt;
  const json::Value* config = backend->find("config");
  found.host = text_of(config, "hostname");
  found.organization = text_of(config, "organization");
  found.token = Secret::take(text_of(config, "token"));
  const json::Value* workspaces = config == nullptr ? nullptr : config->find("workspaces");
  if (workspaces != nullptr && workspaces->is_array()) {
    const json::Array* items = workspaces->if_array();
    workspaces = items->empty() ? nullptr : &items->front();
  }
  found.workspace = text_of(workspaces, "name");
  found.prefix = text_of(workspaces, "prefix");
  if (found.workspace.empty()) {
    // What `terraform workspace select` chose.
    const auto selected = os::read_file(base + "/environment", 4096);
    const std::string name = selected ? first_line(*selected) : std::string();
    if (!name.empty() && name != "default") found.workspace = found.prefix + name;
  }
  return found;
}

Result<RunPlace> choose_place(const PlaceFlags& flags, const RunReference& run, const std::string& folder,
                              const os::Environment& environment, const TerraformSettings& settings) {
  TG_TRY(std::optional<InitialisedFolder> initialised, read_initialised_folder(folder, environment));
  TG_TRY(std::string host, choose_host(flags, run, initialised, environment, settings));
  RunPlace place;
  place.host = std::move(host);
  // A folder speaks for its own server alone.
  const std::string folder_host = !initialised                ? ""
                                  : initialised->host.empty() ? environment.get_or("TF_CLOUD_HOSTNAME", kUsualHost)
                                                              : initialised->host;
  const bool same = initialised && normal_host(folder_host) == place.host;
  place.organization = !flags.organization.empty()                  ? flags.organization
                       : !run.organization.empty()                  ? run.organization
                       : same && !initialised->organization.empty() ? initialised->organization
                                                                    : environment.get_or("TF_CLOUD_ORGANIZATION", "");
  const std::string variable = environment.get_or("TF_WORKSPACE", "");
  if (!flags.workspace.empty()) {
    place.workspace = flags.workspace;
  } else if (!run.workspace.empty()) {
    place.workspace = run.workspace;
  } else if (!variable.empty()) {
    place.workspace = same ? initialised->prefix + variable : variable;
  } else if (same) {
    place.workspace = initialised->workspace;
  }
  TG_CHECK(check_name(place.organization, "--organization"));
  TG_CHECK(check_name(place.workspace, "--workspace"));
  if (same && !initialised->token.empty()) {
    place.token = {initialised->token, initialised->file};
    return place;
  }
  const Token* token = settings.token(place.host);
  if (token == nullptr) return fail(not_logged_in(place.host));
  place.token = *token;
  return place;
}

}  // namespace tollgate::remote
