#include "runner/schema_cache.h"

#include <algorithm>

#include "common/crypto/hash.h"
#include "common/os/atomic_file.h"

namespace tollgate::runner {
namespace {

// First line of a file; another form is another number, and then the file is not used.
constexpr std::string_view kHeader = "tollgate provider schemas 1";
constexpr std::size_t kMaxCached = std::size_t{512} << 20;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The text between the first and the last quote.
std::string quoted(std::string_view line) {
  const std::size_t first = line.find('"');
  const std::size_t last = line.rfind('"');
  if (first == std::string_view::npos || first == last) return {};
  return std::string(line.substr(first + 1, last - first - 1));
}

bool plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == '/' || c == '+' || c == ':';
  });
}

bool is_used(const UsedTypes& used, std::string_view kind, std::string_view type) {
  const auto found = used.find(std::string(kind));
  return found != used.end() && found->second.count(std::string(type)) != 0;
}

}  // namespace

std::vector<LockedProvider> read_lock_file(std::string_view text) {
  std::vector<LockedProvider> providers;
  bool in_hashes = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.substr(0, 9) == "provider ") {
      providers.push_back({quoted(line), "", {}});
    } else if (providers.empty()) {
      continue;
    } else if (line.substr(0, 7) == "version") {
      providers.back().version = quoted(line);
    } else if (line.substr(0, 6) == "hashes") {
      in_hashes = true;
    } else if (line == "]") {
      in_hashes = false;
    } else if (in_hashes) {
      providers.back().hashes.push_back(quoted(line));
    }
  }
  providers.erase(std::remove_if(providers.begin(), providers.end(),
                                 [](const LockedProvider& provider) {
                                   return !plain(provider.address) || !plain(provider.version) ||
                                          provider.hashes.empty();
                                 }),
                  providers.end());
  for (LockedProvider& provider : providers)
    std::sort(provider.hashes.begin(), provider.hashes.end());
  return providers;
}

std::string lock_file_of(const std::vector<LockedProvider>& providers) {
  std::string text;
  for (const LockedProvider& provider : providers) {
    if (provider.hashes.empty()) continue;
    text += fmt::format("provider \"{}\" {{\n  version = \"{}\"\n  hashes = [\n", provider.address, provider.version);
    for (const std::string& hash : provider.hashes)
      text += fmt::format("    \"{}\",\n", hash);
    text += "  ]\n}\n";
  }
  return text;
}

std::string schema_configuration(const std::vector<LockedProvider>& providers) {
  std::string text = "terraform {\n  required_providers {\n";
  for (std::size_t at = 0; at < providers.size(); ++at) {
    text += fmt::format("    p{} = {{\n      source = \"{}\"\n", at, providers[at].address);
    if (!providers[at].version.empty()) text += fmt::format("      version = \"{}\"\n", providers[at].version);
    text += "    }\n";
  }
  return text + "  }\n}\n";
}

json::Value cut_schema(const json::Value& provider_schema, const UsedTypes& used) {
  json::Value cut = json::Value::object();
  const json::Value* provider = provider_schema.find("provider");
  if (provider) cut.set("provider", *provider);
  for (const auto& [kind, types] : used) {
    const json::Value* all = provider_schema.find(kind);
    json::Value kept = json::Value::object();
    for (const std::string& type : types) {
      const json::Value* schema = all ? all->find(type) : nullptr;
      if (schema) kept.set(type, *schema);
    }
    cut.set(kind, std::move(kept));
  }
  return cut;
}

void fill_with_empty(json::Value& schemas, const std::map<std::string, UsedTypes>& used) {
  const auto below = [](json::Value& parent, std::string_view key) -> json::Value& {
    json::Value* found = parent.find(key);
    if (!found || !found->if_object()) parent.set(std::string(key), json::Value::object());
    return *parent.find(key);
  };
  for (const auto& [address, kinds] : used) {
    json::Value& provider = below(schemas, address);
    for (const auto& [kind, types] : kinds) {
      json::Value& known = below(provider, kind);
      for (const std::string& type : types)
        below(below(known, type), "block");
    }
  }
}

std::string SchemaCache::name_of(const LockedProvider& provider, std::string_view terraform) {
  crypto::Sha256 hash;
  // The program too: what it writes of the same provider changes between its versions.
  hash.update(terraform).update("\n").update(provider.address).update("\n").update(provider.version);
  for (const std::string& checksum : provider.hashes)
    hash.update("\n").update(checksum);
  const std::string digest = hash.finish();
  return crypto::sha256_hex(digest) + ".schemas";
}

std::optional<json::Value> SchemaCache::find(const LockedProvider& provider, std::string_view terraform,
                                             const UsedTypes& used) const {
  if (directory_.empty()) return std::nullopt;
  const auto directory = os::PrivateDirectory::open(directory_);
  if (!directory) return std::nullopt;
  const auto content = directory->read(name_of(provider, terraform), kMaxCached);
  if (!content) return std::nullopt;
  std::string_view rest = *content;
  if (rest.substr(0, kHeader.size()) != kHeader) return std::nullopt;
  json::Value found = json::Value::object();
  for (const auto& [kind, types] : used)
    found.set(kind, json::Value::object());
  rest.remove_prefix(std::min(rest.size(), kHeader.size() + 1));
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const std::string_view kind = line.substr(0, first);
    const std::string_view type = line.substr(first + 1, second - first - 1);
    if (kind != "provider" && !is_used(used, kind, type)) continue;
    auto schema = json::parse(line.substr(second + 1));
    if (!schema) return std::nullopt;
    if (kind == "provider") {
      found.set("provider", std::move(*schema));
    } else {
      found.find(kind)->set(std::string(type), std::move(*schema));
    }
  }
  return found;
}

void SchemaCache::keep(const LockedProvider& provider, std::string_view terraform,
                       const json::Value& provider_schema) const {
  const json::Object* kinds = provider_schema.if_object();
  if (directory_.empty() || !kinds) return;
  const auto directory = os::PrivateDirectory::create(directory_);
  if (!directory) return;
  std::string content = std::string(kHeader) + "\n";
  for (const auto& [kind, types] : *kinds) {
    if (kind == "provider") {
      content += fmt::format("provider - {}\n", json::to_text(types));
    } else if (types.if_object()) {
      for (const auto& [type, schema] : *types.if_object()) {
        if (plain(kind) && plain(type)) content += fmt::format("{} {} {}\n", kind, type, json::to_text(schema));
      }
    }
  }
  // A failure costs time at the next plan, nothing else.
  [[maybe_unused]] const auto ignored = directory->write(name_of(provider, terraform), content);
}

}  // namespace tollgate::runner
