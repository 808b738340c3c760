#include "broker/deliver/key_rotation.h"

#include <algorithm>

namespace tollgate::deliver {
namespace {

// What the record's rotation_step says: the last thing that is certain.
constexpr std::string_view kIntent = "intent";      // a key may have been made
constexpr std::string_view kStored = "stored";      // both keys are stored, the old one is in use
constexpr std::string_view kSwitched = "switched";  // the new one is in use and has worked

// CreateAccessKey follows the intent within seconds; the clocks of AWS and of this machine may differ by minutes.
constexpr Duration kOrphanWindow{5 * 60 * 1000};
constexpr Duration kFirstPause{500};
constexpr Duration kLongestPause{5000};
constexpr std::size_t kMostKeys = 2;  // IAM quota: access keys per user

aws::Credentials raw(const vault::LongTermKey& key) {
  aws::Credentials credentials;
  credentials.access_key_id = key.access_key_id;
  credentials.secret_access_key = key.secret_access_key;
  return credentials;
}

class Rotation {
 public:
  Rotation(std::string_view profile, const RotationPorts& ports, const RotationOptions& options)
      : profile_(profile), ports_(ports), options_(options) {}
  Result<RotationOutcome> run();

 private:
  using Keys = std::vector<aws::AccessKey>;

  Result<void> begin();
  Result<void> remove_orphan();
  Result<void> create_and_store();
  Result<void> verify();
  Result<void> switch_over();
  Result<void> retire();
  Result<void> finish();

  Result<void> learn_user();
  Result<void> wait_until_valid(const vault::LongTermKey& key);
  Result<void> write();
  Result<void> abandon();
  Result<Keys> list();
  std::string_view step() const { return record_.rotation ? std::string_view(record_.rotation->step) : ""; }
  vault::RotationNote& note() { return *record_.rotation; }
  void reached(std::string_view failpoint) const {
    if (ports_.reached) ports_.reached(failpoint);
  }
  void say(std::string_view sentence) const {
    if (ports_.say) ports_.say(sentence);
  }

  // Signs, calls, and once more with fresh credentials where the session was not accepted: one made from a key that is
  // gone may be refused.
  template <class Value>
  aws::AwsResult<Value> call(const std::function<aws::AwsResult<Value>(const aws::Credentials&)>& action) {
    for (const bool renew : {false, true}) {
      auto credentials = ports_.aws.sign(record_.current, renew);
      if (!credentials) return tl::unexpected<aws::MappedError>(own_error(std::move(credentials.error())));
      auto answer = action(*credentials);
      const bool stale = !answer && credentials->temporary() &&
                         (answer.error().kind == aws::MappedKind::key_unknown ||
                          answer.error().kind == aws::MappedKind::expired_token);
      if (!stale || renew) return answer;
    }
    return tl::unexpected<aws::MappedError>(own_error(Error(Code::internal, "a call was not made")));
  }
  static aws::MappedError own_error(Error error) {
    aws::MappedError mapped;
    mapped.kind = aws::MappedKind::refused_before_sending;
    mapped.error = std::move(error);
    return mapped;
  }
  aws::AwsResult<void> remove_at_aws(const std::string& id) {
    return call<void>([&](const aws::Credentials& signer) { return ports_.aws.remove(signer, id); });
  }
  aws::AwsResult<void> set_active(const std::string& id, bool active) {
    return call<void>([&](const aws::Credentials& signer) { return ports_.aws.set_active(signer, id, active); });
  }

  std::string profile_;
  const RotationPorts& ports_;
  const RotationOptions& options_;
  vault::KeyRecord record_;
  RotationOutcome outcome_;
};

Error refused(aws::MappedError error, std::string_view what) {
  const std::string reason = error.error.reason;
  const std::string next = error.error.next;
  return std::move(error.error).while_doing(what).because(reason).do_next(next);
}

Result<RotationOutcome> Rotation::run() {
  TG_TRY(const os::FileLock lock,
         vault::LongTermKeys::lock(ports_.locks, profile_, options_.lock_patience, ports_.clock));
  TG_TRY(auto record, ports_.keys.get(profile_));
  if (!record) {
    return fail(
        Error(Code::not_found, fmt::format("no keys are stored for profile {}", profile_))
            .do_next(fmt::format("store them first: `tollgate keys import {0}` or `tollgate keys add {0}`", profile_))
            .because("no_stored_key"));
  }
  record_ = std::move(*record);
  outcome_.resumed = record_.rotation.has_value();
  outcome_.old_key = last_four(record_.current.access_key_id);
  if (step() == kSwitched && note().other) outcome_.old_key = last_four(note().other->access_key_id);
  if (outcome_.resumed) {
    say(fmt::format("going on with the rotation begun at {}", format_iso8601(note().started)));
  }

  TG_CHECK(learn_user());
  if (step() == kIntent) TG_CHECK(remove_orphan());
  if (step().empty()) TG_CHECK(begin());
  if (step() == kIntent) TG_CHECK(create_and_store());
  if (step() == kStored) {
    TG_CHECK(verify());
    TG_CHECK(switch_over());
  }
  if (step() == kSwitched) {
    TG_CHECK(retire());
    TG_CHECK(finish());
  }
  if (record_.rotation) {
    return fail(Error(Code::invalid, fmt::format("the rotation of profile {} stopped at a step named {}, which this "
                                                 "version of tollgate does not know",
                                                 profile_, step()))
                    .do_next("finish it with the version that began it"));
  }
  outcome_.new_key = last_four(record_.current.access_key_id);
  return outcome_;
}

// Who is it, and does the key in use work at all?
Result<void> Rotation::learn_user() {
  auto identity = ports_.aws.identity(raw(record_.current));
  // Deleted by hand between two runs: the new key, which is stored already, takes over.
  if (!identity && identity.error().kind == aws::MappedKind::key_unknown && step() == kStored && note().other) {
    identity = ports_.aws.identity(raw(*note().other));
  }
  if (!identity) return fail(refused(std::move(identity.error()), "the stored key"));
  outcome_.arn = identity->arn;
  if (outcome_.arn.ends_with(":root")) {
    return fail(Error(Code::conflict,
                      "the stored key belongs to the account's root user, whose keys tollgate does not "
                      "rotate")
                    .do_next("make an IAM user and delete the root user's keys")
                    .because("root_user"));
  }
  return {};
}

Result<Rotation::Keys> Rotation::list() {
  auto keys = call<Keys>([&](const aws::Credentials& signer) { return ports_.aws.list(signer); });
  if (!keys) return fail(refused(std::move(keys.error()), "listing the user's access keys"));
  return std::move(*keys);
}

Result<void> Rotation::write() {
  return ports_.keys.put(profile_, record_);
}

// Nothing was made: the record is as it was before.
Result<void> Rotation::abandon() {
  record_.rotation.reset();
  return write();
}

Result<void> Rotation::begin() {
  TG_TRY(const Keys keys, list());
  for (const aws::AccessKey& key : keys) {
    if (key.access_key_id == record_.current.access_key_id || keys.size() < kMostKeys) continue;
    return fail(
        Error(Code::conflict, fmt::format("{} has a second access key, {} ({}{}), and AWS allows two", outcome_.arn,
                                          last_four(key.access_key_id), key.active ? "active" : "inactive",
                                          key.created ? ", made " + format_iso8601(*key.created) : ""))
            .do_next("find out who uses it, delete it in IAM, then rotate again")
            .because("two_keys"));
  }
  record_.rotation.emplace();
  note().step = kIntent;
  note().started = ports_.clock.now();
  for (const aws::AccessKey& key : keys)
    note().known_ids.push_back(key.access_key_id);
  TG_CHECK(write());
  reached("rotate_intent_written");
  return {};
}

// An earlier run, or a lost answer, may have made a key whose secret nobody has. It is ours if it was not there before
// and came into being when we asked for one.
Result<void> Rotation::remove_orphan() {
  TG_TRY(const Keys keys, list());
  for (const aws::AccessKey& key : keys) {
    const auto& known = note().known_ids;
    if (key.access_key_id == record_.current.access_key_id ||
        std::find(known.begin(), known.end(), key.access_key_id) != known.end()) {
      continue;
    }
    const bool ours =
        key.created && *key.created >= note().started - kOrphanWindow && *key.created <= note().started + kOrphanWindow;
    if (!ours) continue;
    say(fmt::format("deleting {}, which the interrupted rotation made and whose secret was lost",
                    last_four(key.access_key_id)));
    auto removed = remove_at_aws(key.access_key_id);
    if (!removed) return fail(refused(std::move(removed.error()), "deleting the key that was lost"));
  }
  return abandon();
}

Result<void> Rotation::create_and_store() {
  auto made = call<aws::Credentials>([&](const aws::Credentials& signer) { return ports_.aws.create(signer); });
  if (!made) {
    Error error = refused(std::move(made.error()), "making a new access key");
    // Where it is unknown what happened, the intent stays and the next run looks.
    if (made.error().kind != aws::MappedKind::outcome_unknown &&
        made.error().kind != aws::MappedKind::malformed_answer) {
      TG_CHECK(abandon());
    } else if (error.next.empty()) {
      error.do_next(fmt::format("run `tollgate keys rotate {}` again", profile_));
    }
    return fail(std::move(error));
  }
  reached("rotate_created");
  say(fmt::format("made {}", last_four(made->access_key_id)));
  note().other = vault::LongTermKey{made->access_key_id, made->secret_access_key, ports_.clock.now()};
  note().step = kStored;
  if (auto stored = write(); !stored) {
    // Without a place for its secret the key is of no use to anybody.
    [[maybe_unused]] const auto removed = remove_at_aws(made->access_key_id);
    return fail(std::move(stored.error()).while_doing("storing the new key"));
  }
  reached("rotate_stored");
  return {};
}

Result<void> Rotation::wait_until_valid(const vault::LongTermKey& key) {
  Duration waited{0};
  Duration pause = kFirstPause;
  for (;;) {
    auto identity = ports_.aws.identity(raw(key));
    if (identity && identity->arn == outcome_.arn) return {};
    if (identity) {
      return fail(
          Error(Code::internal, fmt::format("the new key belongs to {}, not to {}", identity->arn, outcome_.arn)));
    }
    if (waited >= options_.settle) {
      return fail(
          Error(Code::unavailable, fmt::format("AWS does not accept the key {} yet: {}", last_four(key.access_key_id),
                                               identity.error().error.message))
              .do_next(fmt::format("nothing is lost; run `tollgate keys rotate {}` again in some minutes", profile_))
              .because("key_not_yet_valid"));
    }
    ports_.clock.sleep_for(pause);
    waited += pause;
    pause = std::min(pause * 2, kLongestPause);
  }
}

Result<void> Rotation::verify() {
  if (!note().other) return fail(Error(Code::invalid, "the rotation's record names no new key"));
  auto valid = wait_until_valid(*note().other);
  if (valid) {
    reached("rotate_verified");
    return {};
  }
  // Somebody may have deleted the new key in the meantime: then there is nothing to wait for.
  TG_TRY(const Keys keys, list());
  const bool exists = std::any_of(keys.begin(), keys.end(), [&](const aws::AccessKey& key) {
    return key.access_key_id == note().other->access_key_id;
  });
  if (!exists) {
    TG_CHECK(abandon());
    valid.error().do_next("the new key has been deleted in AWS; the old one stays in use. Rotate again");
  }
  return valid;
}

Result<void> Rotation::switch_over() {
  std::swap(record_.current, *note().other);
  note().step = kSwitched;
  record_.origin = "rotation";
  TG_CHECK(write());
  reached("rotate_switched");
  return {};
}

Result<void> Rotation::retire() {
  const std::string old = note().other ? note().other->access_key_id : "";
  TG_TRY(const Keys keys, list());
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const aws::AccessKey& key) { return key.access_key_id == old; });
  if (found == keys.end()) return {};
  if (found->active) {
    auto inactive = set_active(old, false);
    if (!inactive) return fail(refused(std::move(inactive.error()), "making the old key inactive"));
  }
  reached("rotate_deactivated");
  say(fmt::format("{} is inactive", last_four(old)));
  if (auto valid = wait_until_valid(record_.current); !valid) {
    // The old key is worth more than tidiness.
    [[maybe_unused]] const auto active = set_active(old, true);
    return valid;
  }
  auto removed = remove_at_aws(old);
  if (!removed) return fail(refused(std::move(removed.error()), "deleting the old key, which is inactive already"));
  reached("rotate_deleted");
  say(fmt::format("{} is deleted", last_four(old)));
  return {};
}

Result<void> Rotation::finish() {
  record_.rotation.reset();
  TG_CHECK(write());
  reached("rotate_finished");
  return {};
}

}  // namespace

Result<RotationOutcome> rotate_key(std::string_view profile, const RotationPorts& ports,
                                   const RotationOptions& options) {
  return Rotation(profile, ports, options).run();
}

}  // namespace tollgate::deliver
