#include "server/audit/audit.h"

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "server/audit/checkpoint.h"

namespace tollgate::audit {

namespace {

constexpr std::int64_t kBatch = 500;
constexpr std::string_view kCheckpoint = "audit.checkpoint";
// What comes before the first record.
constexpr std::string_view kGenesis = "0000000000000000000000000000000000000000000000000000000000000000";

void add(crypto::Sha256& hash, std::string_view part) {
  hash.update(std::to_string(part.size())).update(":").update(part);
}

std::string hash_of(const domain::AuditRecord& record) {
  crypto::Sha256 hash;
  add(hash, "tollgate audit 1");
  add(hash, record.previous_hash);
  add(hash, std::to_string(record.sequence));
  add(hash, std::to_string(record.at.time_since_epoch().count()));
  for (const std::string* part :
       {&record.organization_id, &record.actor_kind, &record.actor_id, &record.actor_name, &record.address,
        &record.event, &record.subject_kind, &record.subject_id, &record.details}) {
    add(hash, *part);
  }
  return hex_encode(hash.finish());
}

std::string_view kind_text(domain::Actor::Kind kind) {
  switch (kind) {
    case domain::Actor::Kind::system:
      return "system";
    case domain::Actor::Kind::user_token:
      return "user";
    case domain::Actor::Kind::web_session:
      return "session";
    case domain::Actor::Kind::organization_token:
      return "organization";
    case domain::Actor::Kind::run_token:
      return "run";
  }
  return "system";
}

std::string actor_id(const domain::Actor& actor) {
  switch (actor.kind) {
    case domain::Actor::Kind::user_token:
    case domain::Actor::Kind::web_session:
      return actor.user_id;
    case domain::Actor::Kind::organization_token:
      return actor.organization_id;
    case domain::Actor::Kind::run_token:
      return actor.run_id;
    case domain::Actor::Kind::system:
      break;
  }
  return "";
}

tl::unexpected<Error> broken(std::int64_t sequence, std::string_view how) {
  return fail(Error(Code::invalid, fmt::format("the audit is broken at record {}: {}", sequence, how))
                  .do_next("compare with a backup of the database; records from there on cannot be trusted")
                  .because("audit_broken"));
}

std::string checkpoint_mac(const Secret& key, std::string_view sequence, std::string_view hash) {
  return hex_encode(crypto::keyed_hash(key, "tollgate audit checkpoint", fmt::format("{}:{}", sequence, hash)));
}

struct Checkpoint {
  std::int64_t sequence = 0;
  std::string hash;
};

// nullopt: there is none.
Result<std::optional<Checkpoint>> read_checkpoint(domain::Tables& tables, const Secret& key) {
  const std::optional<std::string> text = tables.settings().get(kCheckpoint);
  if (!text) return std::nullopt;
  const std::size_t first = text->find(' ');
  const std::size_t second = first == std::string::npos ? first : text->find(' ', first + 1);
  if (second == std::string::npos) return broken(0, "the checkpoint is none that this server wrote");
  const std::string sequence = text->substr(0, first);
  const std::string hash = text->substr(first + 1, second - first - 1);
  if (!crypto::constant_time_equal(checkpoint_mac(key, sequence, hash), text->substr(second + 1))) {
    return broken(0, "the checkpoint is none that this server wrote");
  }
  return Checkpoint{std::stoll(sequence), hash};  // authenticated, so it is the number that was written
}

// From the record after those that `verified` has already.
Result<Verified> walk(domain::Tables& tables, const std::optional<Checkpoint>& checkpoint,
                      Verified verified = {0, std::string(kGenesis)}) {
  while (true) {
    const auto records = tables.audit().list("", verified.records + 1, kBatch);
    for (const domain::AuditRecord& record : records) {
      const std::int64_t expected = verified.records + 1;
      if (record.sequence != expected) {
        return broken(expected, fmt::format("it is missing; the next one is {}", record.sequence));
      }
      if (record.previous_hash != verified.last_hash) return broken(expected, "it does not follow the one before it");
      if (record.hash != hash_of(record)) return broken(expected, "it was changed");
      if (checkpoint && checkpoint->sequence == expected && checkpoint->hash != record.hash) {
        return broken(expected, "it is another one than at the last checkpoint");
      }
      verified.records = expected;
      verified.last_hash = record.hash;
    }
    if (records.empty()) break;
  }
  if (checkpoint && verified.records < checkpoint->sequence) {
    return broken(verified.records + 1,
                  fmt::format("it is missing; at the last checkpoint there were {}", checkpoint->sequence));
  }
  return verified;
}

}  // namespace

void append(domain::Tables& tables, const domain::Actor& actor, const Event& event, TimePoint now) {
  const std::optional<domain::AuditRecord> last = tables.audit().last();
  domain::AuditRecord record;
  record.sequence = last ? last->sequence + 1 : 1;
  record.at = now;
  record.organization_id = event.organization_id;
  record.actor_kind = kind_text(actor.kind);
  record.actor_id = actor_id(actor);
  record.actor_name = actor.username;
  record.address = actor.address;
  record.event = event.name;
  record.subject_kind = event.subject_kind;
  record.subject_id = event.subject_id;
  record.details = json::to_text(event.details);
  record.previous_hash = last ? last->hash : std::string(kGenesis);
  record.hash = hash_of(record);
  tables.audit().append(record);
}

Result<Verified> verify(domain::Tables& tables) {
  return walk(tables, std::nullopt);
}

Result<Verified> verify(domain::Tables& tables, const Secret& key) {
  TG_TRY(const std::optional<Checkpoint> checkpoint, read_checkpoint(tables, key));
  return walk(tables, checkpoint);
}

Result<Verified> advance_checkpoint(domain::Tables& tables, const Secret& key) {
  TG_TRY(const std::optional<Checkpoint> checkpoint, read_checkpoint(tables, key));
  Verified start{0, std::string(kGenesis)};
  if (checkpoint) {
    // That record was signed with its hash, which covers the hash of the one before it.
    const auto records = tables.audit().list("", checkpoint->sequence, 1);
    if (!records.empty() && records.front().sequence == checkpoint->sequence) {
      start = {checkpoint->sequence - 1, records.front().previous_hash};
    }
  }
  TG_TRY(Verified verified, walk(tables, checkpoint, std::move(start)));
  if (verified.records > (checkpoint ? checkpoint->sequence : 0)) sign_checkpoint(tables, key);
  return verified;
}

void sign_checkpoint(domain::Tables& tables, const Secret& key) {
  const std::optional<domain::AuditRecord> last = tables.audit().last();
  if (!last) return;
  const std::string sequence = std::to_string(last->sequence);
  tables.settings().set(kCheckpoint,
                        fmt::format("{} {} {}", sequence, last->hash, checkpoint_mac(key, sequence, last->hash)));
}

}  // namespace tollgate::audit
