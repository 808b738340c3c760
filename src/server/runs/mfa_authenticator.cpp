#include "server/runs/mfa_authenticator.h"

#include <algorithm>

#include "common/crypto/hash.h"
#include "server/audit/audit.h"
#include "server/domain/ids.h"
#include "server/runs/frozen_inputs.h"
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

tl::unexpected<AuthenticateAnswer> answer(Status status, Error error) {
  AuthenticateAnswer made;
  made.status = status;
  made.error = std::move(error);
  return tl::unexpected(std::move(made));
}

Error sentence(Code code, std::string_view reason, std::string text, std::string next = "") {
  return Error(code, std::move(text)).because(std::string(reason)).do_next(std::move(next));
}

tl::unexpected<AuthenticateAnswer> no_gate(std::string_view reason, std::string why) {
  return answer(Status::no_such_gate,
                sentence(Code::conflict, reason, std::move(why), "look at the run again and use the gate it shows"));
}

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

// What was found out about a request so far, from the store alone.
struct Authenticator::Prepared {
  Run run;
  domain::Organization organization;
  ChosenIdentity chosen;
  domain::GateBinding binding;
  std::optional<GateRecord> gate;
  std::vector<std::string> accounts;             // that open the gate
  std::optional<AwsIdentity> account_authority;  // whose account is the list, and is not known yet
  domain::PhaseRole role;
  std::string plan_account;  // the account of the plan's session, where this one has to be of the same
  std::int64_t refusals = 0;
};

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

  // Everything that the store can say. Asked twice: before AWS is asked anything, and in the transaction that lets the
  // code go.
  tl::expected<Prepared, AuthenticateAnswer> prepare(Tables& tables, TimePoint now) const {
    Prepared found;
    auto run = tables.runs().find(request_.run_id);
    const auto workspace = run ? tables.workspaces().find(run->workspace_id) : std::nullopt;
    auto organization = run ? tables.organizations().find(run->organization_id) : std::nullopt;
    if (!workspace || !organization) return no_gate("no_run", "there is no such run");
    found.run = std::move(*run);
    found.organization = std::move(*organization);
    if (!domain::gated(level_in_force(found.run, found.organization, *workspace), request_.phase)) {
      return no_gate("not_gated", fmt::format("the {} of this run waits for no code", domain::to_text(request_.phase)));
    }
    if (auto checked = check_gate(tables, found, now); !checked) return tl::unexpected(std::move(checked.error()));
    auto chosen = choose_identity(identity_options(tables, found.organization.id, actor_.user_id), found.run,
                                  request_.phase, actor_.user_id);
    if (!chosen) return answer(Status::forbidden, std::move(chosen.error()));
    found.chosen = std::move(*chosen);
    const auto wait =
        wait_before_next_try(tables.gates().attempts(found.chosen.serial, now - kAttemptWindow), actor_.user_id, now);
    if (wait.seconds.count() > 0) return back_off(wait);
    read_settings(tables, found);
    return found;
  }

  Done check_gate(Tables& tables, Prepared& found, TimePoint now) const {
    if (!gate_can_be_passed(found.run, request_.phase)) {
      return no_gate("no_gate", fmt::format("run {} is {}: there is no open gate of its {}", found.run.id,
                                            domain::to_text(found.run.status), domain::to_text(request_.phase)));
    }
    auto binding = current_binding(tables, found.run, request_.phase);
    if (!binding) return answer(Status::no_such_gate, std::move(binding.error()));
    found.binding = std::move(*binding);
    found.gate = tables.gates().of_phase(found.run.id, request_.phase);
    if (request_.gate_id != gate_id(found.binding) || (found.gate && found.gate->binding != found.binding)) {
      return no_gate("stale_gate",
                     "this code was typed for another gate: the plan, its configuration or its variables "
                     "are not the ones shown");
    }
    if (found.gate && found.gate->state == GateState::passed) {
      return no_gate("already_passed", fmt::format("{} has just authenticated", found.gate->accepted_by_name));
    }
    if (found.gate && found.gate->state != GateState::open && found.gate->state != GateState::checking) {
      return no_gate("no_gate", "this gate is closed");
    }
    const auto deadline = gate_deadline(found.run, request_.phase, found.organization);
    if (deadline && *deadline <= now) return no_gate("mfa_timeout", "this gate has expired");
    if (found.gate && is_checking(*found.gate, now)) {
      auto busy =
          answer(Status::too_soon, sentence(Code::throttled, "checking", "another code is at AWS for this gate"));
      busy.value().retry_after = std::chrono::seconds(2);
      return busy;
    }
    found.refusals = refusals_of_run(tables, found.run.id);
    if (found.refusals >= kRefusalsOfARun) {
      return answer(Status::locked,
                    sentence(Code::locked, "mfa_locked",
                             fmt::format("{} codes were refused at the gates of this run", found.refusals),
                             "an owner of the organization can lift this"));
    }
    return {};
  }

  tl::unexpected<AuthenticateAnswer> back_off(const Wait& wait) const {
    auto given = answer(
        Status::too_soon,
        wait.device
            ? sentence(Code::throttled, "device_limit", "too many codes of this device were refused within an hour",
                       "wait, or an owner of the organization lifts this")
            : sentence(Code::throttled, "back_off", "several codes in a row were refused", "wait for a while"));
    given.value().retry_after = wait.seconds;
    return given;
  }

  void read_settings(Tables& tables, Prepared& found) const {
    found.accounts = allowed_accounts(tables, found.organization.id);
    if (found.accounts.empty())
      found.account_authority = tables.aws_identities().of_organization_itself(found.organization.id);
    const auto settings = tables.gate_settings().of(found.organization.id);
    found.role = request_.phase == PhaseKind::plan ? settings.plan_role : settings.apply_role;
    if (request_.phase == PhaseKind::apply) found.plan_account = account_of_plan(tables, found.run.id, settings);
  }

  // Empty where it does not matter: a plan that had no credentials, or both phases have roles of the owners.
  static std::string account_of_plan(Tables& tables, const std::string& run_id, const domain::GateSettings& settings) {
    const auto gate = tables.gates().of_phase(run_id, PhaseKind::plan);
    const bool gated = gate && gate->state == GateState::passed;
    const auto& role = gated ? settings.plan_role : settings.read_only_plan_role;
    if (!role.arn.empty() && !settings.apply_role.arn.empty()) return "";
    if (gated) return account_of_arn(gate->arn);
    const auto text = tables.runs().inputs(run_id);
    if (!text) return "";
    const auto inputs = parse_frozen_inputs(*text);
    return inputs ? inputs->plan_account : "";
  }

  Done steps() {
    if (!actor_.person()) {
      return answer(Status::forbidden, sentence(Code::forbidden, "not_a_person",
                                                "only people pass a gate: a user's token or a web session"));
    }
    if (!is_code(request_.code.reveal())) {
      return answer(Status::refused, sentence(Code::invalid, "code_format", "a one-time code has six digits",
                                              "type the six digits that your device shows"));
    }
    auto prepared = parts_.store.read([&](Tables& tables) { return prepare(tables, parts_.clock.now()); });
    if (!prepared) return tl::unexpected(std::move(prepared.error()));
    owner_.step("prepared");
    if (auto known = ask_who(*prepared); !known) return known;
    owner_.step("identified");
    if (auto marked = mark(*prepared); !marked) return marked;
    owner_.step("sts_before_send");
    return send(*prepared);
  }

  // GetCallerIdentity, which costs no code: the key works, and its account may open this gate.
  Done ask_who(const Prepared& prepared) {
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
          prepared,
          answer(Status::refused, sentence(Code::forbidden, "account_not_listed",
                                           fmt::format("AWS account {} does not open the gates of this "
                                                       "organization",
                                                       caller_.account),
                                           "use an identity of a listed account, or an owner lists this one")));
    }
    const std::string device_account = account_of_arn(prepared.chosen.serial);
    if (!device_account.empty() && device_account != caller_.account) {
      return note_refusal(
          prepared, answer(Status::refused, sentence(Code::config, "mfa_device_unknown",
                                                     fmt::format("the device {} is not of account {}, whose key it "
                                                                 "is to go with",
                                                                 prepared.chosen.serial, caller_.account),
                                                     "correct the serial of the device")));
    }
    const std::string account = prepared.role.arn.empty() ? caller_.account : account_of_arn(prepared.role.arn);
    if (!prepared.plan_account.empty() && prepared.plan_account != account) {
      return note_refusal(
          prepared, answer(Status::refused, sentence(Code::conflict, "account_differs",
                                                     fmt::format("the plan was made in account {}, and the apply would "
                                                                 "run in {}",
                                                                 prepared.plan_account, account),
                                                     "authenticate with an identity of the plan's account, or an "
                                                     "owner names roles for both phases")));
    }
    return {};
  }

  Done before_code(const Prepared& prepared, const aws::MappedError& refusal) {
    Status status = status_of(refusal);
    // No code has left, whatever became of the question who this is.
    if (status == Status::unknown) status = Status::unsent;
    return note_refusal(prepared, answer(status, refusal.error), refusal.answer.request_id);
  }

  // A refusal that cost no code and no try, shown at the gate.
  Done note_refusal(const Prepared& prepared, tl::unexpected<AuthenticateAnswer> given, std::string request_id = "") {
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

  void audit_refusal(Tables& tables, const Prepared& prepared, const Error& error, const std::string& request_id,
                     TimePoint now) const {
    auto details = details_of(prepared);
    details.set("reason", error.reason);
    if (!request_id.empty()) details.set("request-id", request_id);
    audit::append(tables, actor_, {prepared.organization.id, "mfa.refused", "run", prepared.run.id, std::move(details)},
                  now);
  }

  json::Value details_of(const Prepared& prepared) const {
    return json::Value::object({{"phase", domain::to_text(request_.phase)},
                                {"gate", request_.gate_id},
                                {"serial", prepared.chosen.serial},
                                {"account", caller_.account}});
  }

  std::string code_hash(const Prepared& prepared) const {
    std::string text = prepared.chosen.serial + '\n' + std::string(request_.code.reveal());
    auto hash = crypto::sha256_hex(crypto::keyed_hash(parts_.code_key, "mfa-code", text));
    wipe(text);
    return hash;
  }

  // Committed before the code leaves: after a crash nobody sends it again.
  Done mark(const Prepared& before) {
    const TimePoint now = parts_.clock.now();
    attempt_id_ = domain::new_id(domain::id_prefix::kMfaAttempt, parts_.random);
    std::optional<AuthenticateAnswer> refusal;
    const auto marked = parts_.store.write([&](Tables& tables) -> Result<void> {
      refusal.reset();
      auto again = prepare(tables, now);
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
        used.error = sentence(Code::throttled, "code_used", "this code was used already; AWS takes each code once",
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

  static bool same_identity(const Prepared& a, const Prepared& b) {
    const AwsIdentity& x = a.chosen.identity;
    const AwsIdentity& y = b.chosen.identity;
    return x.id == y.id && x.access_key_id == y.access_key_id && x.secret_access_key == y.secret_access_key &&
           x.region == y.region && a.chosen.serial == b.chosen.serial && a.role == b.role &&
           (a.accounts == b.accounts || a.accounts.empty()) && a.plan_account == b.plan_account;
  }

  void write_attempt(Tables& tables, const Prepared& now_known, TimePoint now) const {
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

  Done send(const Prepared& prepared) {
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
  std::optional<GateRecord> own_gate(Tables& tables, const Prepared& prepared) const {
    auto gate = tables.gates().of_phase(prepared.run.id, request_.phase);
    if (!gate || gate->state != GateState::checking || gate->attempt_id != attempt_id_) return std::nullopt;
    return gate;
  }

  Done refused(const Prepared& prepared, const aws::MappedError& refusal) {
    const TimePoint now = parts_.clock.now();
    const bool unspent = refusal.code == aws::CodeFate::unspent;
    const Status status = status_of(refusal);
    auto given = answer(status, refusal.error);
    if (status == Status::unknown) {
      given.value().error = sentence(Code::unknown, refusal.error.reason,
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
  Done role_refused(const Prepared& prepared, const aws::MappedError& refusal) {
    const TimePoint now = parts_.clock.now();
    Error error = refusal.error;
    error.message = fmt::format("AWS accepted the code, but not the role of this phase: {}", error.message);
    auto given = answer(Status::refused, error);
    const auto written = parts_.store.write([&](Tables& tables) -> Result<void> {
      tables.gates().set_outcome(attempt_id_, AttemptOutcome::accepted);
      audit_refusal(tables, prepared, error, refusal.answer.request_id, now);
      auto gate = own_gate(tables, prepared);
      if (!gate) return {};
      gate->state = GateState::open;
      gate->checking_since.reset();
      set_refusal(*gate, error, refusal.answer.request_id, now);
      return tables.gates().update(*gate);
    });
    must(written);
    tell(prepared.run, error);
    return given;
  }

  Done conclude(const Prepared& prepared, const aws::Credentials& credentials, const std::string& arn,
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
      release(prepared, written.error(), now);
      return answer(Status::no_such_gate, written.error());
    }
    owner_.step("mfa_recorded");
    if (late) return tl::unexpected(std::move(*late));
    publish(*passed, "mfa_passed");
    if (parts_.wake) parts_.wake();
    return {};
  }

  void release(const Prepared& prepared, const Error& error, TimePoint now) {
    const auto written = parts_.store.write([&](Tables& tables) -> Result<void> {
      tables.gates().set_outcome(attempt_id_, AttemptOutcome::accepted);
      audit_refusal(tables, prepared, error, "", now);
      auto gate = own_gate(tables, prepared);
      if (!gate) return {};
      gate->state = GateState::open;
      gate->checking_since.reset();
      set_refusal(*gate, error, "", now);
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
