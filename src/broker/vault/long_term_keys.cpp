#include "broker/vault/long_term_keys.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "common/crypto/sealed_box.h"
#include "common/json/value.h"
#include "common/os/directory_names.h"

namespace tollgate::vault {
namespace {

// A record is one line of JSON that says what is not secret, and a sealed box whose associated data is that line. The
// box holds lines of "name value", so that a secret is copied from one Secret into another and nowhere else.
constexpr std::string_view kFormat = "tollgate keys 1";
constexpr std::string_view kFolder = "keys";
constexpr std::size_t kMaxFileBytes = 64 << 10;
constexpr std::size_t kMaxFieldBytes = 4096;
constexpr std::size_t kIdentityBytes = 12;

std::string file_name(std::string_view profile) {
  return crypto::sha256_hex(profile).substr(0, 40);
}

Error damaged(std::string message) {
  return Error(Code::invalid, std::move(message))
      .do_next("restore the file from a backup, or store the keys anew with `tollgate keys add`")
      .because("not_a_record");
}

bool is_field(std::string_view text) {
  return !text.empty() && text.size() <= kMaxFieldBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// A text in a wipeable buffer that never grows beyond its first size.
class SecretText {
 public:
  SecretText() { text_.reserve(kMaxFileBytes); }
  ~SecretText() { wipe(text_); }
  void add(std::string_view name, std::string_view value) {
    if (text_.size() + name.size() + value.size() + 2 > kMaxFileBytes) throw std::length_error("a key record");
    text_.append(name).append(" ").append(value).append("\n");
  }
  std::string_view text() const { return text_; }

 private:
  std::string text_;
};

void add_key(SecretText& body, std::string_view prefix, const LongTermKey& key) {
  body.add(std::string(prefix) + "id", key.access_key_id);
  body.add(std::string(prefix) + "secret", key.secret_access_key.reveal());
  body.add(std::string(prefix) + "created", format_iso8601(key.created));
}

std::string header_line(std::string_view profile, const KeyRecord& record) {
  json::Value header = json::Value::object({{"format", kFormat},
                                            {"profile", percent_encode(profile, " @+/=,:")},
                                            {"last_four", last_four(record.current.access_key_id)},
                                            {"created", format_iso8601(record.current.created)},
                                            {"origin", record.origin},
                                            {"identity", record.identity}});
  if (record.rotation) {
    header.set("rotation_step", record.rotation->step);
    header.set("rotation_started", format_iso8601(record.rotation->started));
  }
  return json::to_text(header);
}

std::string associated_data(std::string_view profile, std::string_view header) {
  return fmt::format("{}\n{}\n{}", kFormat, base64_encode(profile), header);
}

struct Parts {
  std::string_view header;
  std::string_view sealed;
};

Result<Parts> split(std::string_view file) {
  const std::size_t end = file.find('\n');
  if (end == file.npos) return fail(damaged("the file holds no stored keys"));
  return Parts{file.substr(0, end), file.substr(end + 1)};
}

Result<TimePoint> time_from(std::string_view text) {
  const auto time = parse_iso8601(text);
  if (!time) return fail(damaged("a date in the file cannot be read"));
  return *time;
}

Result<void> take_line(KeyRecord& record, RotationNote& note, std::string_view name, std::string_view value) {
  LongTermKey* key = &record.current;
  if (name.starts_with("other_")) {
    if (!note.other) note.other.emplace();
    key = &*note.other;
    name.remove_prefix(6);
  }
  if (name == "id") {
    key->access_key_id = value;
  } else if (name == "secret") {
    key->secret_access_key = Secret(value);
  } else if (name == "created") {
    TG_TRY(key->created, time_from(value));
  } else if (name == "known") {
    note.known_ids.emplace_back(value);
  } else {
    return fail(damaged("the record was written by a newer version of tollgate"));
  }
  return {};
}

Result<KeySummary> summary_of(const os::PrivateDirectory& folder, const std::string& name) {
  TG_TRY(const std::string file, folder.read(name, kMaxFileBytes));
  TG_TRY(KeySummary summary, read_summary(file));
  summary.file = fmt::format("{}/{}", folder.path(), name);
  if (file_name(summary.profile) != name) {
    return fail(damaged("the file does not belong to the profile that it names"));
  }
  return summary;
}

// The folder, or nullopt where nothing was ever stored.
Result<std::optional<os::PrivateDirectory>> folder_of(const os::PrivateDirectory& directory) {
  auto folder = os::PrivateDirectory::open(fmt::format("{}/{}", directory.path(), kFolder));
  if (folder) return std::optional<os::PrivateDirectory>(std::move(*folder));
  if (folder.error().code == Code::not_found) return std::optional<os::PrivateDirectory>();
  return fail(std::move(folder.error()).while_doing("the stored keys"));
}

}  // namespace

std::string record_path(std::string_view profile) {
  return fmt::format("{}/{}", kFolder, file_name(profile));
}

std::string seal_record(const Secret& key, std::string_view profile, const KeyRecord& record, RandomSource& random) {
  SecretText body;
  add_key(body, "", record.current);
  if (record.rotation) {
    if (record.rotation->other) add_key(body, "other_", *record.rotation->other);
    for (const std::string& id : record.rotation->known_ids)
      body.add("known", id);
  }
  const std::string header = header_line(profile, record);
  return header + "\n" + crypto::seal(key, body.text(), associated_data(profile, header), random);
}

Result<KeySummary> read_summary(std::string_view file) {
  TG_TRY(const Parts parts, split(file));
  auto document = json::parse(parts.header);
  if (!document) return fail(damaged("the file holds no stored keys"));
  const json::Reader reader(*document);
  KeySummary summary;
  TG_TRY(const std::string format, reader.text("format"));
  if (format != kFormat) return fail(damaged("the record was written by a newer version of tollgate"));
  TG_TRY(const std::string profile, reader.text("profile"));
  const auto name = percent_decode(profile);
  if (!name) return fail(damaged("the file holds no stored keys"));
  summary.profile = *name;
  TG_TRY(summary.last_four, reader.text("last_four"));
  TG_TRY(summary.origin, reader.text("origin"));
  TG_TRY(summary.identity, reader.text("identity"));
  TG_TRY(const std::string created, reader.text("created"));
  TG_TRY(summary.created, time_from(created));
  TG_TRY(const auto step, reader.optional_text("rotation_step"));
  if (step) {
    summary.rotation_step = *step;
    TG_TRY(const std::string started, reader.text("rotation_started"));
    TG_TRY(summary.rotation_started, time_from(started));
  }
  return summary;
}

Result<KeyRecord> open_record(const Secret& key, std::string_view profile, std::string_view file) {
  TG_TRY(const Parts parts, split(file));
  TG_TRY(const KeySummary summary, read_summary(file));
  if (summary.profile != profile) return fail(damaged("the file does not belong to this profile"));
  TG_TRY(const Secret body, crypto::open(key, parts.sealed, associated_data(profile, parts.header)));
  KeyRecord record;
  record.origin = summary.origin;
  record.identity = summary.identity;
  RotationNote note{summary.rotation_step, summary.rotation_started, {}, {}};
  for (std::string_view rest = body.reveal(); !rest.empty();) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const std::size_t blank = line.find(' ');
    if (end == rest.npos || blank == line.npos) return fail(damaged("the record cannot be read"));
    TG_CHECK(take_line(record, note, line.substr(0, blank), line.substr(blank + 1)));
    rest.remove_prefix(end + 1);
  }
  if (record.current.access_key_id.empty() || record.current.secret_access_key.empty()) {
    return fail(damaged("the record holds no key"));
  }
  if (!note.step.empty()) record.rotation = std::move(note);
  return record;
}

Result<std::optional<KeyRecord>> LongTermKeys::get(std::string_view profile) const {
  TG_TRY(const auto folder, folder_of(*directory_));
  if (!folder) return std::optional<KeyRecord>();
  auto file = folder->read(file_name(profile), kMaxFileBytes);
  if (!file) {
    if (file.error().code == Code::not_found) return std::optional<KeyRecord>();
    return fail(std::move(file.error()).while_doing("the stored keys"));
  }
  TG_TRY(const Secret key, key_());
  auto record = open_record(key, profile, *file);
  if (!record) {
    const std::string reason = record.error().reason;
    return fail(
        std::move(record.error()).while_doing(fmt::format("the stored keys of profile {}", profile)).because(reason));
  }
  return std::optional<KeyRecord>(std::move(*record));
}

Result<void> LongTermKeys::put(std::string_view profile, KeyRecord record) const {
  const auto usable = [](const LongTermKey& key) {
    return is_field(key.access_key_id) && is_field(key.secret_access_key.reveal());
  };
  if (!usable(record.current) || (record.rotation && record.rotation->other && !usable(*record.rotation->other))) {
    return fail(Error(Code::invalid, "an access key id or its secret has characters that no key has")
                    .do_next("copy both again, without blanks or quotes"));
  }
  if (record.identity.empty()) record.identity = hex_encode(random_->bytes(kIdentityBytes));
  TG_TRY(const Secret key, key_());
  TG_TRY(const os::PrivateDirectory folder, directory_->create_below(std::string(kFolder)));
  // A folder made just now must outlive a power cut as well as the file in it.
  if (::fsync(directory_->fd()) != 0) {
    return fail(Code::io, fmt::format("writing {} to disk: {}", directory_->path(), std::strerror(errno)));
  }
  return folder.write(file_name(profile), seal_record(key, profile, record, *random_), {.mode = 0600, .durable = true});
}

Result<void> LongTermKeys::remove(std::string_view profile) const {
  TG_TRY(const auto folder, folder_of(*directory_));
  return folder ? folder->remove(file_name(profile)) : Result<void>();
}

Result<std::vector<KeySummary>> LongTermKeys::list() const {
  std::vector<KeySummary> summaries;
  TG_TRY(const auto folder, folder_of(*directory_));
  if (!folder) return summaries;
  TG_TRY(const auto names, os::directory_names(folder->fd(), folder->path()));
  for (const std::string& name : names) {
    if (name.starts_with('.')) continue;
    auto summary = summary_of(*folder, name);
    if (summary) {
      summaries.push_back(std::move(*summary));
    } else {
      KeySummary unusable;
      unusable.file = fmt::format("{}/{}", folder->path(), name);
      unusable.problem = summary.error().message;
      summaries.push_back(std::move(unusable));
    }
  }
  std::sort(summaries.begin(), summaries.end(), [](const KeySummary& a, const KeySummary& b) {
    return std::pair(a.profile, a.file) < std::pair(b.profile, b.file);
  });
  return summaries;
}

Result<std::optional<KeySummary>> LongTermKeys::summary(std::string_view profile) const {
  TG_TRY(const auto folder, folder_of(*directory_));
  if (!folder) return std::optional<KeySummary>();
  auto summary = summary_of(*folder, file_name(profile));
  if (summary) return std::optional<KeySummary>(std::move(*summary));
  if (summary.error().code == Code::not_found) return std::optional<KeySummary>();
  return fail(std::move(summary.error()).while_doing(fmt::format("the stored keys of profile {}", profile)));
}

Result<os::FileLock> LongTermKeys::lock(const os::PrivateDirectory& locks, std::string_view profile, Duration patience,
                                        const Clock& clock) {
  auto lock = os::FileLock::acquire(locks, "keys-" + file_name(profile), patience, clock);
  if (lock || lock.error().code != Code::locked) return lock;
  return fail(Error(Code::locked, fmt::format("another process is changing the stored keys of profile {}", profile))
                  .do_next("wait for it, then try again")
                  .because("keys_locked"));
}

}  // namespace tollgate::vault
