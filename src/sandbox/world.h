// The imitated AWS as plain values: accounts, users, keys, MFA devices, roles, policies, issued sessions, buckets. It
// knows no file and no socket (world_file.h reads world.toml, journal.h keeps changes) and takes no decision (sts.h,
// s3.h, iam.h, policy/). Not synchronised: the server holds one lock around a call.
//
// To change a row: copy it, change the copy, `put` it. That is what makes the change survive a restart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/secret.h"
#include "common/base/time.h"
#include "sandbox/table.h"

namespace tollgate::sandbox {

using Tags = std::map<std::string, std::string>;

struct Account {
  std::string id;     // twelve digits
  std::string alias;  // may be empty
  const std::string& key() const { return id; }
};

// One policy document under the name that IAM knows it by; JSON text, checked when it came in.
struct InlinePolicy {
  std::string name;
  std::string document;
};

struct User {
  std::string account;
  std::string name;
  std::string path = "/";  // begins and ends with a slash
  std::string id;          // AIDA...
  TimePoint created{};
  std::vector<InlinePolicy> policies;
  std::vector<std::string> attached;  // ARNs of managed policies
  std::string permissions_boundary;   // ARN of a managed policy; may be empty
  Tags tags;
  std::string key() const { return account + "/" + name; }
  std::string arn() const { return "arn:aws:iam::" + account + ":user" + path + name; }
};

struct Role {
  std::string account;
  std::string name;
  std::string path = "/";
  std::string id;  // AROA...
  TimePoint created{};
  std::string description;
  std::string trust_policy;                  // JSON text
  std::int64_t max_session_duration = 3600;  // seconds, 3600..43200
  std::vector<InlinePolicy> policies;
  std::vector<std::string> attached;
  std::string permissions_boundary;
  Tags tags;
  std::string key() const { return account + "/" + name; }
  std::string arn() const { return "arn:aws:iam::" + account + ":role" + path + name; }
};

// One managed policy; `versions[0]` is v1. Keyed by ARN.
struct ManagedPolicy {
  std::string account;  // "aws" for those that AWS manages
  std::string name;
  std::string path = "/";
  std::string id;  // ANPA...
  TimePoint created{};
  std::string description;
  std::vector<std::string> versions;
  std::size_t default_version = 1;
  Tags tags;
  std::string key() const { return arn(); }
  std::string arn() const { return "arn:aws:iam::" + account + ":policy" + path + name; }
  const std::string& document() const { return versions.at(default_version - 1); }
};

// A long-term key. Keyed by its id.
struct AccessKey {
  std::string id;  // AKIA...
  Secret secret;
  std::string account;
  std::string user;  // empty: the account's root user
  bool active = true;
  TimePoint created{};
  const std::string& key() const { return id; }
};

// A TOTP device, virtual or hardware. Keyed by its serial, which is an ARN or a hardware serial number.
struct MfaDevice {
  std::string serial;
  std::string account;
  Secret seed;       // raw bytes
  std::string user;  // empty: created and not enabled for anybody
  TimePoint created{};
  TimePoint enabled{};
  Tags tags;
  const std::string& key() const { return serial; }
};

// The TOTP time steps that a device's codes were accepted for: each counts once, also across restarts.
struct UsedSteps {
  std::string serial;
  std::vector<std::int64_t> steps;  // the latest few
  const std::string& key() const { return serial; }
};

// Temporary credentials that STS gave. Keyed by access key id (ASIA...).
struct Session {
  enum class Kind { session_token, role, federation };
  Kind kind = Kind::session_token;
  std::string access_key_id;
  Secret secret;
  std::string token;
  std::string account;
  std::string name;           // the user's or the role's name; empty: the root user
  std::string session_name;   // of a role session, or the federated user's name
  std::string principal_arn;  // as GetCallerIdentity shows it
  std::string principal_id;   // AIDA..., AROA...:name
  TimePoint issued{};
  TimePoint expires{};
  std::optional<TimePoint> mfa_at;  // when a code was accepted for these very credentials (never for a role's)
  std::string source_identity;
  Tags tags;                            // session tags
  std::vector<std::string> transitive;  // keys among `tags` that a chained session inherits
  std::vector<std::string> policies;    // session policies, JSON text
  const std::string& key() const { return access_key_id; }
};

struct Bucket {
  std::string name;
  std::string account;
  std::string region = "us-east-1";
  std::string policy;  // bucket policy, JSON text; may be empty
  TimePoint created{};
  const std::string& key() const { return name; }
};

// What is known of one S3 object; its bytes lie with the object store.
struct Object {
  std::string bucket;
  std::string name;  // the S3 key
  std::uint64_t size = 0;
  std::string etag;  // without quotes
  TimePoint modified{};
  std::string body;                            // the object store's name for the bytes
  std::map<std::string, std::string> headers;  // Content-Type, x-amz-meta-..., as given, lower case
  // A bucket name holds no slash.
  std::string key() const { return bucket + "/" + name; }
};

// A multipart upload that was begun and neither completed nor aborted. Keyed by its id.
struct Upload {
  struct Part {
    std::uint64_t size = 0;
    std::string etag;
    std::string body;
  };
  std::string id;
  std::string bucket;
  std::string name;
  std::map<std::string, std::string> headers;
  std::map<std::int64_t, Part> parts;  // by part number
  TimePoint created{};
  const std::string& key() const { return id; }
};

struct World {
  Table<Account> accounts;
  Table<User> users;             // by "account/name"
  Table<Role> roles;             // by "account/name"
  Table<ManagedPolicy> managed;  // by ARN
  Table<AccessKey> access_keys;  // by id
  Table<MfaDevice> devices;      // by serial
  Table<UsedSteps> used_steps;   // by serial
  Table<Session> sessions;       // by access key id
  Table<Bucket> buckets;         // by name
  Table<Object> objects;         // by "bucket/key"
  Table<Upload> uploads;         // by upload id
  // Sessions live for 1/N of what was asked, so that a test of twelve hours takes seconds.
  std::int64_t lifetime_divisor = 1;

  // The role with exactly this ARN, path included; nullptr if there is none.
  const Role* role_by_arn(std::string_view arn) const;
};

// "AIDA" + 17 characters, the same for the same ARN, for rows that name no id of their own.
std::string derived_id(std::string_view prefix, std::string_view arn);

}  // namespace tollgate::sandbox
