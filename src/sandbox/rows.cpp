#include "sandbox/rows.h"

#include "common/base/encoding.h"

namespace tollgate::sandbox {
namespace {

// Each row type lists its fields once, in `fields(archive, row)`; one archive writes, the other reads.
class Writer {
 public:
  json::Value value = json::Value::object();

  void field(const char* name, const std::string& text) { value.set(name, text); }
  void field(const char* name, const Secret& secret) { value.set(name, base64_encode(secret.reveal())); }
  void field(const char* name, bool flag) { value.set(name, flag); }
  void field(const char* name, std::int64_t number) { value.set(name, number); }
  void field(const char* name, TimePoint time) {
    value.set(name, static_cast<std::int64_t>(time.time_since_epoch().count()));
  }
  void field(const char* name, const std::optional<TimePoint>& time) {
    if (time) field(name, *time);
  }
  void field(const char* name, const std::map<std::string, std::string>& map) {
    json::Value object = json::Value::object();
    for (const auto& [key, text] : map)
      object.set(key, text);
    value.set(name, std::move(object));
  }
  void field(const char* name, const std::vector<std::string>& list) {
    json::Value array = json::Value::array();
    for (const std::string& item : list)
      array.push(item);
    value.set(name, std::move(array));
  }
  void field(const char* name, const std::vector<std::int64_t>& list) {
    json::Value array = json::Value::array();
    for (const std::int64_t item : list)
      array.push(item);
    value.set(name, std::move(array));
  }
  void field(const char* name, const std::map<std::int64_t, Upload::Part>& parts) {
    json::Value array = json::Value::array();
    for (const auto& [number, part] : parts) {
      array.push(json::Value::object({{"number", number},
                                      {"size", static_cast<std::int64_t>(part.size)},
                                      {"etag", part.etag},
                                      {"body", part.body}}));
    }
    value.set(name, std::move(array));
  }
  void field(const char* name, const std::vector<InlinePolicy>& list) {
    json::Value array = json::Value::array();
    for (const InlinePolicy& item : list) {
      array.push(json::Value::object({{"name", item.name}, {"document", item.document}}));
    }
    value.set(name, std::move(array));
  }
};

class Loader {
 public:
  explicit Loader(const json::Reader& json) : json_(json) {}
  std::optional<Error> error;

  void field(const char* name, std::string& text) { take(json_.text(name), text); }
  void field(const char* name, Secret& secret) {
    std::string encoded;
    take(json_.text(name), encoded);
    auto bytes = base64_decode(encoded);
    if (!bytes) {
      note(json_.error(fmt::format("{} must be base64", name)));
    } else {
      secret = Secret::take(std::move(*bytes));
    }
  }
  void field(const char* name, bool& flag) { take(json_.boolean(name), flag); }
  void field(const char* name, std::int64_t& number) { take(json_.integer(name), number); }
  void field(const char* name, TimePoint& time) {
    std::int64_t milliseconds = 0;
    field(name, milliseconds);
    time = TimePoint(Duration(milliseconds));
  }
  void field(const char* name, std::optional<TimePoint>& time) {
    std::optional<std::int64_t> milliseconds;
    take(json_.optional_integer(name), milliseconds);
    if (milliseconds) time = TimePoint(Duration(*milliseconds));
  }
  void field(const char* name, std::map<std::string, std::string>& map) {
    const auto object = json_.member(name);
    if (!object) return note(object.error());
    const auto members = object->members();
    if (!members) return note(members.error());
    for (const auto& [key, reader] : *members) {
      const std::string* text = reader.value().if_string();
      if (text == nullptr) return note(reader.error("must be a string"));
      map[key] = *text;
    }
  }
  void field(const char* name, std::vector<std::string>& list) {
    for_items(name, [&](const json::Reader& item) {
      const std::string* text = item.value().if_string();
      if (text == nullptr) return note(item.error("must be a string"));
      list.push_back(*text);
    });
  }
  void field(const char* name, std::vector<std::int64_t>& list) {
    for_items(name, [&](const json::Reader& item) {
      const std::int64_t* number = item.value().if_integer();
      if (number == nullptr) return note(item.error("must be a whole number"));
      list.push_back(*number);
    });
  }
  void field(const char* name, std::map<std::int64_t, Upload::Part>& parts) {
    for_items(name, [&](const json::Reader& item) {
      std::int64_t number = 0;
      std::int64_t size = 0;
      Upload::Part part;
      take(item.integer("number"), number);
      take(item.integer("size"), size);
      take(item.text("etag"), part.etag);
      take(item.text("body"), part.body);
      part.size = static_cast<std::uint64_t>(size);
      parts[number] = std::move(part);
    });
  }
  void field(const char* name, std::vector<InlinePolicy>& list) {
    for_items(name, [&](const json::Reader& item) {
      InlinePolicy policy;
      take(item.text("name"), policy.name);
      take(item.text("document"), policy.document);
      list.push_back(std::move(policy));
    });
  }

 private:
  void note(Error what) {
    if (!error) error = std::move(what);
  }
  template <class T>
  void take(Result<T> result, T& into) {
    if (!result) return note(std::move(result).error());
    into = std::move(*result);
  }
  template <class F>
  void for_items(const char* name, const F& each) {
    const auto member = json_.member(name);
    if (!member) return note(member.error());
    const auto items = member->items();
    if (!items) return note(items.error());
    for (const json::Reader& item : *items)
      each(item);
  }

  const json::Reader& json_;
};

// An enum or an unsigned number travels as int64.
template <class Archive, class Number>
void number_field(Archive& archive, const char* name, Number& number) {
  auto value = static_cast<std::int64_t>(number);
  archive.field(name, value);
  number = static_cast<Number>(value);
}

template <class Archive>
void fields(Archive& a, Account& row) {
  a.field("id", row.id);
  a.field("alias", row.alias);
}

template <class Archive>
void fields(Archive& a, User& row) {
  a.field("account", row.account);
  a.field("name", row.name);
  a.field("path", row.path);
  a.field("id", row.id);
  a.field("created", row.created);
  a.field("policies", row.policies);
  a.field("attached", row.attached);
  a.field("permissions_boundary", row.permissions_boundary);
  a.field("tags", row.tags);
}

template <class Archive>
void fields(Archive& a, Role& row) {
  a.field("account", row.account);
  a.field("name", row.name);
  a.field("path", row.path);
  a.field("id", row.id);
  a.field("created", row.created);
  a.field("description", row.description);
  a.field("trust_policy", row.trust_policy);
  a.field("max_session_duration", row.max_session_duration);
  a.field("policies", row.policies);
  a.field("attached", row.attached);
  a.field("permissions_boundary", row.permissions_boundary);
  a.field("tags", row.tags);
}

template <class Archive>
void fields(Archive& a, ManagedPolicy& row) {
  a.field("account", row.account);
  a.field("name", row.name);
  a.field("path", row.path);
  a.field("id", row.id);
  a.field("created", row.created);
  a.field("description", row.description);
  a.field("versions", row.versions);
  number_field(a, "default_version", row.default_version);
  a.field("tags", row.tags);
}

template <class Archive>
void fields(Archive& a, AccessKey& row) {
  a.field("id", row.id);
  a.field("secret", row.secret);
  a.field("account", row.account);
  a.field("user", row.user);
  a.field("active", row.active);
  a.field("created", row.created);
}

template <class Archive>
void fields(Archive& a, MfaDevice& row) {
  a.field("serial", row.serial);
  a.field("account", row.account);
  a.field("seed", row.seed);
  a.field("user", row.user);
  a.field("created", row.created);
  a.field("enabled", row.enabled);
  a.field("tags", row.tags);
}

template <class Archive>
void fields(Archive& a, UsedSteps& row) {
  a.field("serial", row.serial);
  a.field("steps", row.steps);
}

template <class Archive>
void fields(Archive& a, Session& row) {
  number_field(a, "kind", row.kind);
  a.field("access_key_id", row.access_key_id);
  a.field("secret", row.secret);
  a.field("token", row.token);
  a.field("account", row.account);
  a.field("name", row.name);
  a.field("session_name", row.session_name);
  a.field("principal_arn", row.principal_arn);
  a.field("principal_id", row.principal_id);
  a.field("issued", row.issued);
  a.field("expires", row.expires);
  a.field("mfa_at", row.mfa_at);
  a.field("source_identity", row.source_identity);
  a.field("tags", row.tags);
  a.field("transitive", row.transitive);
  a.field("policies", row.policies);
}

template <class Archive>
void fields(Archive& a, Bucket& row) {
  a.field("name", row.name);
  a.field("account", row.account);
  a.field("region", row.region);
  a.field("policy", row.policy);
  a.field("created", row.created);
}

template <class Archive>
void fields(Archive& a, Object& row) {
  a.field("bucket", row.bucket);
  a.field("name", row.name);
  number_field(a, "size", row.size);
  a.field("etag", row.etag);
  a.field("modified", row.modified);
  a.field("body", row.body);
  a.field("headers", row.headers);
}

template <class Archive>
void fields(Archive& a, Upload& row) {
  a.field("id", row.id);
  a.field("bucket", row.bucket);
  a.field("name", row.name);
  a.field("headers", row.headers);
  a.field("parts", row.parts);
  a.field("created", row.created);
}

template <class Row>
json::Value write(const Row& row) {
  Writer writer;
  Row copy = row;
  fields(writer, copy);
  return std::move(writer.value);
}

template <class Row>
Result<void> load(const json::Reader& json, Row& row) {
  Loader loader(json);
  fields(loader, row);
  if (loader.error) return fail(std::move(*loader.error));
  return {};
}

}  // namespace

json::Value to_json(const Upload& row) {
  return write(row);
}
json::Value to_json(const Account& row) {
  return write(row);
}
json::Value to_json(const User& row) {
  return write(row);
}
json::Value to_json(const Role& row) {
  return write(row);
}
json::Value to_json(const ManagedPolicy& row) {
  return write(row);
}
json::Value to_json(const AccessKey& row) {
  return write(row);
}
json::Value to_json(const MfaDevice& row) {
  return write(row);
}
json::Value to_json(const UsedSteps& row) {
  return write(row);
}
json::Value to_json(const Session& row) {
  return write(row);
}
json::Value to_json(const Bucket& row) {
  return write(row);
}
json::Value to_json(const Object& row) {
  return write(row);
}

Result<void> from_json(const json::Reader& json, Upload& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, Account& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, User& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, Role& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, ManagedPolicy& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, AccessKey& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, MfaDevice& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, UsedSteps& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, Session& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, Bucket& row) {
  return load(json, row);
}
Result<void> from_json(const json::Reader& json, Object& row) {
  return load(json, row);
}

}  // namespace tollgate::sandbox
