#include "sandbox/world_file.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <initializer_list>

#include "common/base/encoding.h"
#include "sandbox/policy/document.h"

namespace tollgate::sandbox {
namespace {

// One table of the file. Remembers the first fault and answers defaults from then on, so that reading stays a list of
// fields; who reads asks `fault` in the end.
class Section {
 public:
  Section(const toml::table& table, std::string what, const std::string& path, std::optional<Error>& fault)
      : table_(table), what_(std::move(what)), path_(path), fault_(fault) {}

  void allow(std::initializer_list<std::string_view> keys) {
    for (const auto& [key, node] : table_) {
      if (std::find(keys.begin(), keys.end(), key.str()) == keys.end()) {
        complain(node, fmt::format("{} has no setting {}; it knows {}", what_, key.str(), fmt::join(keys, ", ")));
      }
    }
  }
  std::string text(std::string_view key) {
    if (table_.get(key) == nullptr) complain(table_, fmt::format("{} needs {}", what_, key));
    return text(key, "");
  }
  std::string text(std::string_view key, std::string_view fallback) {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::string(fallback);
    const auto value = node->value_exact<std::string>();
    if (!value) complain(*node, fmt::format("{} must be a string", key));
    return value.value_or("");
  }
  std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most) {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return fallback;
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) {
      complain(*node, fmt::format("{} must be a whole number from {} to {}", key, least, most));
    }
    return value.value_or(fallback);
  }
  bool boolean(std::string_view key, bool fallback) {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return fallback;
    const auto value = node->value_exact<bool>();
    if (!value) complain(*node, fmt::format("{} must be true or false", key));
    return value.value_or(fallback);
  }
  std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> list;
    const toml::node* node = table_.get(key);
    if (node == nullptr) return list;
    const toml::array* array = node->as_array();
    if (array == nullptr) complain(*node, fmt::format("{} must be a list of strings", key));
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
      const auto value = array->get(i)->value_exact<std::string>();
      if (!value) complain(*array->get(i), fmt::format("{} must be a list of strings", key));
      list.push_back(value.value_or(""));
    }
    return list;
  }
  Tags tags(std::string_view key) {
    Tags tags;
    const toml::node* node = table_.get(key);
    if (node == nullptr) return tags;
    const toml::table* table = node->as_table();
    if (table == nullptr) complain(*node, fmt::format("{} must be a table of strings", key));
    for (auto it = table == nullptr ? toml::table::const_iterator() : table->cbegin();
         table != nullptr && it != table->cend(); ++it) {
      const auto value = it->second.value_exact<std::string>();
      if (!value) complain(it->second, fmt::format("{} must be a table of strings", key));
      tags[std::string(it->first.str())] = value.value_or("");
    }
    return tags;
  }
  // A policy document, checked.
  std::string policy(std::string_view key, policy::Kind kind) {
    std::string document = text(key);
    if (document.empty()) return document;
    if (const auto parsed = policy::parse_policy(document, kind); !parsed) {
      const Error& error = parsed.error();
      complain(*table_.get(key),
               fmt::format("{}: {}{}{}", key, error.message, error.place.empty() ? "" : " at ", error.place));
    }
    return document;
  }
  // Calls f(section) for each table of [[key]].
  template <class F>
  void each(std::string_view key, const F& f) {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) return complain(*node, fmt::format("write [[{}]], with two brackets", key));
    for (const toml::node& item : *array) {
      const toml::table* table = item.as_table();
      if (table == nullptr) return complain(item, fmt::format("write [[{}]], with two brackets", key));
      Section section(*table, fmt::format("[[{}]]", key), path_, fault_);
      f(section);
    }
  }
  void complain(std::string message) { complain(table_, std::move(message)); }

 private:
  void complain(const toml::node& node, std::string message) {
    if (fault_) return;
    fault_ = Error(Code::config, std::move(message)).at(fmt::format("{}:{}", path_, node.source().begin.line));
  }

  const toml::table& table_;
  std::string what_;
  const std::string& path_;
  std::optional<Error>& fault_;
};

bool is_account_id(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

template <class T>
void add(Section& section, Table<T>& table, T row) {
  if (table.has(row.key())) return section.complain(fmt::format("{} is here twice", row.key()));
  table.load(std::move(row));
}

class Reader {
 public:
  Reader(WorldFile& file, TimePoint now) : file_(file), world_(file.world), now_(now) {}

  void root(Section& section) {
    section.allow({"port", "lifetime_divisor", "account", "user", "role", "policy", "access_key", "bucket", "fault"});
    file_.port = static_cast<std::uint16_t>(section.integer("port", kDefaultPort, 0, 65535));
    world_.lifetime_divisor = section.integer("lifetime_divisor", 1, 1, 86400);
    section.each("account", [&](Section& s) { account(s); });
    section.each("policy", [&](Section& s) { managed_policy(s); });
    section.each("user", [&](Section& s) { user(s); });
    section.each("role", [&](Section& s) { role(s); });
    section.each("access_key", [&](Section& s) {
      s.allow({"id", "secret", "active", "account"});
      access_key(s, account_of(s), "");
    });
    section.each("bucket", [&](Section& s) { bucket(s); });
    section.each("fault", [&](Section& s) { fault(s); });
  }

 private:
  std::string account_of(Section& section) {
    std::string id = section.text("account");
    if (!world_.accounts.has(id)) section.complain(fmt::format("there is no [[account]] {}", id));
    return id;
  }
  std::string path_of(Section& section) {
    std::string path = section.text("path", "/");
    if (path.empty() || path.front() != '/' || path.back() != '/') section.complain("path must begin and end with /");
    return path;
  }
  template <class Owner>
  void owner(Section& section, Owner& row) {
    row.account = account_of(section);
    row.name = section.text("name");
    row.path = path_of(section);
    row.created = now_;
    row.tags = section.tags("tags");
    row.attached = section.texts("attached_policies");
    row.permissions_boundary = section.text("permissions_boundary", "");
    for (const std::string& arn : row.attached)
      known_policy(section, arn);
    if (!row.permissions_boundary.empty()) known_policy(section, row.permissions_boundary);
    section.each("policy", [&](Section& s) {
      s.allow({"name", "document"});
      row.policies.push_back({s.text("name"), s.policy("document", policy::Kind::identity)});
    });
  }
  void known_policy(Section& section, const std::string& arn) {
    if (!world_.managed.has(arn)) section.complain(fmt::format("there is no managed policy {}", arn));
  }

  void account(Section& section) {
    section.allow({"id", "alias"});
    Account row{section.text("id"), section.text("alias", "")};
    if (!is_account_id(row.id)) section.complain("id must be twelve digits");
    add(section, world_.accounts, std::move(row));
  }
  void managed_policy(Section& section) {
    section.allow({"account", "name", "path", "document", "description"});
    ManagedPolicy row;
    row.account = account_of(section);
    row.name = section.text("name");
    row.path = path_of(section);
    row.description = section.text("description", "");
    row.created = now_;
    row.versions = {section.policy("document", policy::Kind::identity)};
    row.id = derived_id("ANPA", row.arn());
    add(section, world_.managed, std::move(row));
  }
  void user(Section& section) {
    section.allow({"account", "name", "path", "id", "tags", "attached_policies", "permissions_boundary", "policy",
                   "access_key", "mfa_device"});
    User row;
    owner(section, row);
    row.id = section.text("id", derived_id("AIDA", row.arn()));
    section.each("access_key", [&](Section& s) {
      s.allow({"id", "secret", "active"});
      access_key(s, row.account, row.name);
    });
    section.each("mfa_device", [&](Section& s) { device(s, row); });
    add(section, world_.users, std::move(row));
  }
  void access_key(Section& section, const std::string& account, const std::string& user) {
    AccessKey key;
    key.id = section.text("id");
    key.secret = Secret::take(section.text("secret"));
    key.account = account;
    key.user = user;
    key.active = section.boolean("active", true);
    key.created = now_;
    add(section, world_.access_keys, std::move(key));
  }
  void device(Section& section, const User& user) {
    section.allow({"serial", "seed"});
    MfaDevice device;
    device.serial = section.text("serial");
    device.account = user.account;
    device.user = user.name;
    device.created = now_;
    device.enabled = now_;
    auto seed = base32_decode(section.text("seed"));
    if (!seed || seed->empty()) return section.complain("seed must be base32, as authenticator apps take it");
    device.seed = Secret::take(std::move(*seed));
    add(section, world_.devices, std::move(device));
  }
  void role(Section& section) {
    section.allow({"account", "name", "path", "id", "tags", "attached_policies", "permissions_boundary", "policy",
                   "description", "trust_policy", "max_session_duration"});
    Role row;
    owner(section, row);
    row.id = section.text("id", derived_id("AROA", row.arn()));
    row.description = section.text("description", "");
    row.trust_policy = section.policy("trust_policy", policy::Kind::trust);
    row.max_session_duration = section.integer("max_session_duration", 3600, 3600, 43200);
    add(section, world_.roles, std::move(row));
  }
  void bucket(Section& section) {
    section.allow({"name", "account", "region", "policy"});
    Bucket row;
    row.name = section.text("name");
    row.account = account_of(section);
    row.region = section.text("region", "us-east-1");
    row.created = now_;
    if (!section.text("policy", "").empty()) row.policy = section.policy("policy", policy::Kind::resource);
    add(section, world_.buckets, std::move(row));
  }
  void fault(Section& section) {
    section.allow({"action", "kind", "count", "delay_ms", "offset_seconds"});
    Fault row;
    row.action = section.text("action", "*");
    const std::string name = section.text("kind");
    const auto kind = fault_kind_by_name(name);
    if (!kind) {
      return section.complain(
          fmt::format("unknown kind of fault {}; known are {}", name, fmt::join(fault_kind_names(), ", ")));
    }
    row.kind = *kind;
    if (const std::int64_t count = section.integer("count", 0, 0, 1000000); count != 0) row.count = count;
    row.delay_ms = section.integer("delay_ms", 0, 0, 3600000);
    row.offset_seconds = section.integer("offset_seconds", 0, -315360000, 315360000);
    file_.faults.push_back(std::move(row));
  }

  WorldFile& file_;
  World& world_;
  TimePoint now_;
};

// Policies that AWS manages, as far as examples attach them.
void add_aws_managed(World& world, TimePoint now) {
  struct Known {
    const char* name;
    const char* actions;
  };
  constexpr std::array<Known, 4> kKnown{{{"AdministratorAccess", R"("*")"},
                                         {"IAMFullAccess", R"("iam:*")"},
                                         {"IAMReadOnlyAccess", R"("iam:Get*","iam:List*")"},
                                         {"AmazonS3FullAccess", R"("s3:*")"}}};
  for (const Known& known : kKnown) {
    ManagedPolicy policy;
    policy.account = "aws";
    policy.name = known.name;
    policy.created = now;
    policy.id = derived_id("ANPA", policy.arn());
    policy.versions = {
        fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{}],"Resource":"*"}}]}})",
                    known.actions)};
    world.managed.load(std::move(policy));
  }
}

}  // namespace

Result<WorldFile> read_world(std::string_view toml_text, const std::string& path, TimePoint now) {
  const toml::parse_result parsed = toml::parse(toml_text, path);
  if (!parsed) {
    return fail(Error(Code::config, std::string(parsed.error().description()))
                    .at(fmt::format("{}:{}", path, parsed.error().source().begin.line)));
  }
  WorldFile file;
  add_aws_managed(file.world, now);
  std::optional<Error> fault;
  Section root(parsed.table(), "world.toml", path, fault);
  Reader(file, now).root(root);
  if (fault) return fail(std::move(*fault));
  return file;
}

}  // namespace tollgate::sandbox
