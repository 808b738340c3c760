#include "server/runs/mfa_authenticator.h"

#include <algorithm>

#include "common/crypto/hash.h"
#include "server/audit/audit.h"
#include "server/domain/ids.h"
#include "server/runs/mfa_preparation.h"
#include "server/runs/run_record.h"
#include "server/runs/scheduling.h"
#include "server/runs/store_run_service.h"

namespace tollgate::runs {

namespace {

using domain::AttemptOutcome;
using domain::AwsIdentity;
using domain::GateRecord;
using domain::GateState;
using domain::PhaseKind;
using domain::PhaseStatus;
using domain::Run;
using domain::Tables;
using Status = AuthenticateStatus;

constexpr std::chrono::seconds kRoleChainingLimit{3600};

aws::Credentials credentials_of(const AwsIdentity& identity) {
  aws::Credentials credentials;
  credentials.access_key_id = identity.access_key_id;
  credentials.secret_access_key = identity.secret_access_key;
  return credentials;
}

// What AWS's refusal means for the person: the answer's status, and whether the code was looked at.
Status status_of(const aws::MappedError& refusal) {
  switch (refusal.kind) {
    case aws::MappedKind::outcome_unknown:
    case aws::MappedKind::malformed_answer:
      return Status::unknown;
    case aws::MappedKind::network_unsent:
      return Status::unsent;
    case aws::MappedKind::throttled:
      return Status::too_soon;
    default:
      return Status::refused;
  }
}

bool provably_unsent(const aws::MappedError& refusal) {
  return refusal.kind == aws::MappedKind::network_unsent || refusal.kind == aws::MappedKind::refused_before_sending;
}

template <class T>
void must(T&& done) {
  if (!done) throw std::logic_error(done.error().text());
}

// The run comes to its gate, whatever of the way there is left: a planned one is confirmed by this person.
Result<void> bring_to_gate(Tables& tables, Run& run, PhaseKind phase, const domain::Actor& actor, RandomSource& random,
                           TimePoint now) {
  if (phase == PhaseKind::apply && domain::is_confirmable(run)) {
    TG_CHECK(confirm_run(tables, run, "", actor, now));
    RunChange change;
    change.action = "confirmed";
    record(tables, run, std::move(change), actor, random, now);
  }
  if (run.status == domain::RunStatus::confirmed) TG_CHECK(domain::queue_apply(run, now));
  if (run.phase(phase).status == PhaseStatus::queued) TG_CHECK(domain::wait_for_mfa(run, phase, now));
  return {};
}

}  // namespace

std::chrono::seconds session_duration(std::chrono::seconds phase_limit, std::string_view identity_arn) {
  const bool root = identity_arn.ends_with(":root");
  return std::clamp(phase_limit + std::chrono::minutes(5), std::chrono::seconds(900),
                    root ? kRoleChainingLimit : std::chrono::seconds(std::chrono::hours(36)));
}

bool must_renew(const std::optional<TimePoint>& expiration, std::chrono::seconds phase_limit, TimePoint now) {
  return expiration && *expiration < now + phase_limit + std::chrono::minutes(1);
}

std::string role_session_name(std::string_view run_id, std::string_view user_name) {
  std::string name = fmt::format("{}-{}", run_id, user_name).substr(0, 64);
  for (char& c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("_+=,.@-").find(c) != std::string_view::npos;
    if (!fits) c = '_';
  }
  return name;
}

// One code on its way.
class Authenticator::Attempt {
 public:
  Attempt(const AuthenticatorParts& parts, const Authenticator& owner, const AuthenticateRequest& request,
          const domain::Actor& actor)
      : parts_(parts), owner_(owner), request_(request), actor_(actor) {}

  AuthenticateAnswer go() {
    auto done = steps();
    AuthenticateAnswer given = done ? AuthenticateAnswer{} : std::move(done.error());
    if (given.status == Status::refused || given.status == Status::unknown) {
      given.next_code_in = next_code_in(parts_.clock.now());
    }
    return given;
  }

 private:
  using Done = tl::expected<void, AuthenticateAnswer>;

  Done steps() {
    if (!actor_.person()) {
      return refuse_attempt(Status::forbidden, gate_error(Code::forbidden, "not_a_person",
                                                          "only people pass a gate: a user's token or a web session"));
    }
    if (!is_code(request_.code.reveal())) {
      return refuse_attempt(Status::refused, gate_error(Code::invalid, "code_format", "a one-time code has six digits",
                                                        "type the six digits that your device shows"));
    }
    auto prepared = parts_.store.read(
        [&](Tables& tables) { return prepare_attempt(tables, request_, actor_, parts_.clock.now()); });
    if (!prepared) return tl::unexpected(std::move(prepared.error()));
    owner_.step("prepared");
    if (auto known = ask_who(*prepared); !known) return known;
    owner_.step("identified");
    if (auto marked = mark(*prepared); !marked) return marked;
    owner_.step("sts_before_send");
    return send(*prepared);
  }

  // GetCallerIdentity, which costs no code: the key works, and its account may open this gate.
  Done ask_who(const PreparedAttempt& prepared) {
    const AwsIdentity& identity = prepared.chosen.identity;
    auto caller = parts_.sts.identify(credentials_of(identity), identity.region);
    if (!caller) return before_code(prepared, caller.error());
    caller_ = std::move(*caller);
    auto accounts = prepared.accounts;
    if (accounts.empty() && prepared.account_authority) {
      const AwsIdentity& authority = *prepared.account_authority;
      const auto whose = authority.id == identity.id ? aws::AwsResult<aws::CallerIdentity>(caller_)
                                                     : parts_.sts.identify(credentials_of(authority), authority.region);
      if (!whose) return before_code(prepared, whose.error());
      authority_ = *whose;
      accounts.push_back(whose->account);
    }
    if (std::find(accounts.begin(), accounts.end(), caller_.account) == accounts.end()) {
      return note_refusal(
          prepared, refuse_attempt(Status::refused,
                                   gate_error(Code::forbidden, "account_not_listed",
                                              fmt::format("AWS account {} does not open the gates of this "
                                                          "organization",
                                                          caller_.account),
                                              "use an identity of a listed account, or an owner lists this one")));
    }
    const std::string device_account = account_of_arn(prepared.chosen.serial);
    if (!device_account.empty() && device_account != caller_.account) {
      return note_refusal(
          prepared,
          refuse_attempt(Status::refused, gate_error(Code::config, "mfa_device_unknown",
                                                     fmt::format("the device {} is not of account {}, whose key it "
                                                                 "is to go with",
                                                                 prepared.chosen.serial, caller_.account),
                                                     "correct the serial of the device")));
    }
    const std::string account = prepared.role.arn.empty() ? caller_.account : account_of_arn(prepared.role.arn);
    if (!prepared.plan_account.empty() && prepared.plan_account != account) {
      return note_refusal(
          prepared,
          refuse_attempt(Status::refused, gate_error(Code::conflict, "account_differs",
                                                     fmt::format("the plan was made in account {}, and the apply would "
                                                                 "run in {}",
                                                                 prepared.plan_account, account),
                                                     "authenticate with an identity of the plan's account, or an "
                                                     "owner names roles for both phases")));
    }
    return {};
  }

  Done before_code(const PreparedAttempt& prepared, const aws::MappedError& refusal) {
    Status status = status_of(refusal);
    // No code has left, whatever became of the question who this is.
    if (status == Status::unknown) status = Status::unsent;
    return note_refusal(prepared, refuse_attempt(status, refusal.error), refusal.answer.request_id);
  }

  // A refusal that cost no code and no try, shown at the gate.
  Done note_refusal(const PreparedAttempt& prepared, tl::unexpected<AuthenticateAnswer> given,
                    std::string request_id = "") {
    const TimePoint now = parts_.clock.now();
    const auto noted = parts_.store.write([&](Tables& tables) -> Result<void> {
      auto gate = tables.gates().of_phase(prepared.run.id, request_.phase);
      audit_refusal(tables, prepared, given.value().error, request_id, now);
      if (!gate || gate->state != GateState::open) return {};
      set_refusal(*gate, given.value().error, request_id, now);
      return tables.gates().update(*gate);
    });
    must(noted);
    tell(prepared.run, given.value().error);
    return given;
  }

  void set_refusal(GateRecord& gate, const Error& error, const std::string& request_id, TimePoint now) const {
    gate.refusal = {error.reason, error.next.empty() ? error.message : fmt::format("{}: {}", error.message, error.next),
                    now, actor_.username, request_id};
  }

  void audit_refusal(Tables& tables, const PreparedAttempt& prepared, const Error& error, const std::string& request_id,
                     TimePoint now) const {
    auto details = details_of(prepared);
    details.set("reason", error.reason);
    if (!request_id.empty()) details.set("request-id", request_id);
    audit::append(tables, actor_, {prepared.organization.id, "mfa.refused", "run", prepared.run.id, std::move(details)},
                  now);
  }

  json::Value details_of(const PreparedAttempt& prepared) const {
    return json::Value::object({{"phase", domain::to_text(request_.phase)},
                                {"gate", request_.gate_id},
                                {"serial", prepared.chosen.serial},
                                {"account", caller_.account}});
  }

  std::string code_hash(const PreparedAttempt& prepared) const {
    std::string text = prepared.chosen.serial + '\n' + std::string(request_.code.reveal());
    auto hash = crypto::sha256_hex(crypto::keyed_hash(parts_.code_key, "mfa-code", text));
    wipe(text);
    return hash;
  }

  // Committed before the code leaves: after a crash nobody sends it again.
  Done mark(const PreparedAttempt& before) {
    const TimePoint now = parts_.clock.now();
    attempt_id_ = domain::new_id(domain::id_prefix::kMfaAttempt, parts_.random);
    std::optional<AuthenticateAnswer> refusal;
    const auto marked = parts_.store.write([&](Tables& tables) -> Result<void> {
      refusal.reset();
      auto again = prepare_attempt(tables, request_, actor_, now);
      if (!again) {
        refusal = std::move(again.error());
        return fail(Code::conflict, "");
      }
      if (!same_identity(before, *again)) {
        refusal = no_gate("identity_changed", "the AWS identity or the settings were changed at this moment").value();
        return fail(Code::conflict, "");
      }
      if (!tables.gates().take_code(code_hash(before), now + kCodeMemory, now)) {
        AuthenticateAnswer used;
        used.status = Status::too_soon;
        used.error = gate_error(Code::throttled, "code_used", "this code was used already; AWS takes each code once",
                                "wait for the next code");
        used.next_code_in = used.retry_after = next_code_in(now);
        refusal = std::move(used);
        return fail(Code::conflict, "");
      }
      write_attempt(tables, *again, now);
      return {};
    });
    if (refusal) return tl::unexpected(std::move(*refusal));
    must(marked);
    publish(before.run, "mfa_checking");
    return {};
  }

  static bool same_identity(const PreparedAttempt& a, const PreparedAttempt& b) {
    const AwsIdentity& x = a.chosen.identity;
    const AwsIdentity& y = b.chosen.identity;
    return x.id == y.id && x.access_key_id == y.access_key_id && x.secret_access_key == y.secret_access_key &&
           x.region == y.region && a.chosen.serial == b.chosen.serial && a.role == b.role &&
           (a.accounts == b.accounts || a.accounts.empty()) && a.plan_account == b.plan_account;
  }

  void write_attempt(Tables& tables, const PreparedAttempt& now_known, TimePoint now) const {
    GateRecord gate = now_known.gate.value_or(GateRecord{});
    if (!now_known.gate) {
      gate.id = request_.gate_id;
      gate.organization_id = now_known.organization.id;
      gate.binding = now_known.binding;
      gate.opened_at = now;
    }
    gate.state = GateState::checking;
    gate.attempt_id = attempt_id_;
    gate.checking_since = now;
    gate.checking_by = actor_.user_id;
    gate.serial = now_known.chosen.serial;
    must(now_known.gate ? tables.gates().update(gate) : tables.gates().insert(gate));
    tables.gates().forget_attempts_before(now - kAttemptWindow);
    tables.gates().add_attempt(
        {attempt_id_, now_known.chosen.serial, actor_.user_id, now_known.run.id, now, AttemptOutcome::sent});
    AwsIdentity identity = now_known.chosen.identity;
    identity.account = caller_.account;
    identity.arn = caller_.arn;
    identity.tested_at = now;
    must(tables.aws_identities().update(identity));
    // Whose account the list is: known from now on, also at the start of the phase.
    if (auto authority = tables.aws_identities().of_organization_itself(now_known.organization.id);
        authority && !authority_.account.empty() && authority->id != identity.id) {
      authority->account = authority_.account;
      authority->arn = authority_.arn;
      authority->tested_at = now;
      must(tables.aws_identities().update(*authority));
    }
    audit::append(tables, actor_,
                  {now_known.organization.id, "mfa.sent", "run", now_known.run.id, details_of(now_known)}, now);
  }

  Done send(const PreparedAttempt& prepared) {
    const AwsIdentity& identity = prepared.chosen.identity;
    const auto limit =
        request_.phase == PhaseKind::plan ? prepared.organization.plan_limit : prepared.organization.apply_limit;
    StsSessionRequest wish;
    wish.credentials = credentials_of(identity);
    wish.region = identity.region;
    wish.duration = session_duration(limit, caller_.arn);
    wish.mfa = aws::MfaCode{prepared.chosen.serial, request_.code};
    auto session = parts_.sts.session(wish);
    owner_.step("sts_answered");
    if (!session) return refused(prepared, session.error());
    aws::Credentials credentials = session->credentials;
    std::string arn = caller_.arn;
    if (!prepared.role.arn.empty()) {
      aws::AssumeRoleRequest role;
      role.role_arn = prepared.role.arn;
      role.external_id = prepared.role.external_id;
      role.session_name = role_session_name(prepared.run.id, actor_.username);
      role.duration = std::min(wish.duration, kRoleChainingLimit);
      auto assumed = parts_.sts.assume(session->credentials, identity.region, role);
      owner_.step("role_answered");
      if (!assumed) return role_refused(prepared, assumed.error());
      credentials = std::move(assumed->credentials);
      arn = std::move(assumed->arn);
      if (must_renew(credentials.expiration, limit, parts_.clock.now())) {
        renewal_ = domain::RoleRenewal{"",
                                       prepared.run.id,
                                       role.role_arn,
                                       role.external_id,
                                       role.session_name,
                                       *role.duration,
                                       session->credentials.access_key_id,
                                       session->credentials.secret_access_key,
                                       session->credentials.session_token};
      }
    }
    return conclude(prepared, credentials, arn, session->request_id);
  }

  // The gate as this attempt left it; nullopt where the run ended meanwhile, or another attempt followed.
  std::optional<GateRecord> own_gate(Tables& tables, const PreparedAttempt& prepared) const {
    auto gate = tables.gates().of_phase(prepared.run.id, request_.phase);
    if (!gate || gate->state != GateState::checking || gate->attempt_id != attempt_id_) return std::nullopt;
    return gate;
  }

  Done refused(const PreparedAttempt& prepared, const aws::MappedError& refusal) {
    const TimePoint now = parts_.clock.now();
    const bool unspent = refusal.code == aws::CodeFate::unspent;
    const Status status = status_of(refusal);
    auto given = refuse_attempt(status, refusal.error);
    if (status == Status::unknown) {
      given.value().error = gate_error(Code::unknown, refusal.error.reason,
                                       "AWS may have taken the code, but no answer came: " + refusal.error.message,
                                       "wait for the next code");
    }
    if (status == Status::too_soon) given.value().retry_after = next_code_in(now);
    const auto written = parts_.store.write([&](Tables& tables) -> Result<void> {
      tables.gates().set_outcome(attempt_id_, unspent ? AttemptOutcome::unspent : AttemptOutcome::refused);
      if (provably_unsent(refusal)) tables.gates().give_code_back(code_hash(prepared));
      audit_refusal(tables, prepared, given.value().error, refusal.answer.request_id, now);
      auto gate = own_gate(tables, prepared);
      if (!gate) return {};
      gate->state = GateState::open;
      gate->checking_since.reset();
      if (!unspent) ++gate->refusals;
      set_refusal(*gate, given.value().error, refusal.answer.request_id, now);
      return tables.gates().update(*gate);
    });
    must(written);
    owner_.step("refusal_recorded");
    given.value().tries_left = std::max<std::int64_t>(0, kRefusalsOfARun - prepared.refusals - (unspent ? 0 : 1));
    tell(prepared.run, given.value().error);
    return given;
  }

  // The code was right, so it costs no try; but the phase cannot have what it is to run with.
  Done role_refused(const PreparedAttempt& prepared, const aws::MappedError& refusal) {
    Error error = refusal.error;
    error.message = fmt::format("AWS accepted the code, but not the role of this phase: {}", error.message);
    reopen(prepared, error, refusal.answer.request_id);
    return refuse_attempt(Status::refused, std::move(error));
  }

  Done conclude(const PreparedAttempt& prepared, const aws::Credentials& credentials, const std::string& arn,
                const std::string& request_id) {
    const TimePoint now = parts_.clock.now();
    std::optional<AuthenticateAnswer> late;
    std::optional<Run> passed;
    const auto written = parts_.store.write([&](Tables& tables) -> Result<void> {
      late.reset();
      tables.gates().set_outcome(attempt_id_, AttemptOutcome::accepted);
      auto run = tables.runs().find(prepared.run.id);
      auto gate = own_gate(tables, prepared);
      const auto binding = run ? current_binding(tables, *run, request_.phase) : Result<domain::GateBinding>();
      if (!run || !gate || !gate_can_be_passed(*run, request_.phase) || !binding || *binding != gate->binding) {
        late = no_gate("too_late", "AWS accepted the code, but the run ended meanwhile; nothing was started").value();
        audit::append(tables, actor_,
                      {prepared.organization.id, "mfa.too_late", "run", prepared.run.id, details_of(prepared)}, now);
        return {};
      }
      TG_CHECK(bring_to_gate(tables, *run, request_.phase, actor_, parts_.random, now));
      TG_CHECK(domain::pass_mfa(*run, request_.phase, now));
      gate->state = GateState::passed;
      gate->checking_since.reset();
      gate->accepted_by = actor_.user_id;
      gate->accepted_by_name = actor_.username;
      gate->accepted_at = now;
      gate->identity_id = prepared.chosen.identity.id;
      gate->identity_kind = prepared.chosen.identity.kind;
      gate->account = caller_.account;
      gate->arn = arn;
      gate->request_id = request_id;
      gate->session_expires_at = credentials.expiration;
      TG_CHECK(tables.gates().update(*gate));
      tables.phase_sessions().set({run->phase(request_.phase).id, run->id, prepared.chosen.identity.region,
                                   credentials.access_key_id, credentials.secret_access_key, credentials.session_token,
                                   credentials.expiration.value_or(now)});
      if (renewal_) {
        renewal_->id = run->phase(request_.phase).id;
        tables.phase_sessions().set_renewal(*renewal_);
      }
      RunChange change;
      change.action = "mfa_passed";
      change.description = fmt::format("Authenticated with MFA by {}", actor_.username);
      change.details = details_of(prepared);
      change.details.set("arn", arn);
      change.details.set("request-id", request_id);
      record(tables, *run, std::move(change), actor_, parts_.random, now);
      passed = std::move(run);
      return {};
    });
    if (!written) {
      // The run cannot come to its gate, for example because its saved plan is stale.
      reopen(prepared, written.error(), "");
      return refuse_attempt(Status::no_such_gate, written.error());
    }
    owner_.step("mfa_recorded");
    if (late) return tl::unexpected(std::move(*late));
    publish(*passed, "mfa_passed");
    if (parts_.wake) parts_.wake();
    return {};
  }

  // The gate takes the next code, after one that AWS accepted in vain.
  void reopen(const PreparedAttempt& prepared, const Error& error, const std::string& request_id) {
    const TimePoint now = parts_.clock.now();
    const auto written = parts_.store.write([&](Tables& tables) -> Result<void> {
      tables.gates().set_outcome(attempt_id_, AttemptOutcome::accepted);
      audit_refusal(tables, prepared, error, request_id, now);
      auto gate = own_gate(tables, prepared);
      if (!gate) return {};
      gate->state = GateState::open;
      gate->checking_since.reset();
      set_refusal(*gate, error, request_id, now);
      return tables.gates().update(*gate);
    });
    must(written);
    tell(prepared.run, error);
  }

  void publish(const Run& run, const std::string& what) { parts_.events.publish(event_of(run, what)); }

  // The refusal in the log that waiting commands show, and to who listens.
  void tell(const Run& before, const Error& error) {
    const Run run = parts_.store.read([&](Tables& tables) { return tables.runs().find(before.id).value_or(before); });
    if (gate_can_be_passed(run, request_.phase)) {
      // A planned run's apply has no log yet: whoever confirms it reads there what was tried before.
      parts_.logs.open(run.phase(request_.phase).id);
      parts_.logs.append_system(run.phase(request_.phase).id,
                                fmt::format("The MFA code of {} was not accepted: {}{}{}", actor_.username,
                                            error.message, error.next.empty() ? "" : "; ", error.next),
                                run.structured_output);
    }
    publish(run, "mfa_refused");
    if (parts_.wake) parts_.wake();
  }

  const AuthenticatorParts& parts_;
  const Authenticator& owner_;
  const AuthenticateRequest& request_;
  const domain::Actor& actor_;
  aws::CallerIdentity caller_;
  aws::CallerIdentity authority_;  // of the organization's own identity, where that was asked for
  std::string attempt_id_;
  std::optional<domain::RoleRenewal> renewal_;  // where the role's session ends before the phase may
};

AuthenticateAnswer Authenticator::authenticate(const AuthenticateRequest& request, const domain::Actor& actor) {
  return Attempt(parts_, *this, request, actor).go();
}

Result<void> Authenticator::unlock(std::string_view run_id, const domain::Actor& actor) {
  const TimePoint now = parts_.clock.now();
  const auto unlocked = parts_.store.write([&](Tables& tables) -> Result<Run> {
    auto run = tables.runs().find(run_id);
    if (!run) return fail(Code::not_found, "there is no such run");
    for (GateRecord gate : tables.gates().of_run(run_id)) {
      if (!gate.serial.empty()) tables.gates().forget_attempts(gate.serial);
      gate.refusals = 0;
      TG_CHECK(tables.gates().update(gate));
    }
    audit::append(tables, actor, {run->organization_id, "mfa.unlocked", "run", run->id, {}}, now);
    return std::move(*run);
  });
  if (!unlocked) return fail(unlocked.error());
  parts_.events.publish(event_of(*unlocked, "mfa_unlocked"));
  return {};
}

}  // namespace tollgate::runs
