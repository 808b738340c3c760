// An organization at level plans-and-applies with people, identities and devices, runs at their gates, and an AWS of
// its own: what tests of the gate begin with. For tests; threads as its parts.
#pragma once

#include "common/crypto/sealed_box.h"
#include "server/runs/mfa_authenticator.h"
#include "server/runs/run_record.h"
#include "server/runs/scheduling.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/server/runs/fake_sts.h"
#include "tests/unit/server/runs/memory_logs.h"
#include "tests/unit/server/runs/memory_store.h"

namespace tollgate::runs::test {

inline constexpr std::string_view kAccount = "111122223333";
inline std::string serial_of(std::string_view name, std::string_view account = kAccount) {
  return fmt::format("arn:aws:iam::{}:mfa/{}", account, name);
}

inline domain::Actor person(const std::string& name) {
  domain::Actor actor;
  actor.kind = domain::Actor::Kind::user_token;
  actor.user_id = "user-" + name;
  actor.username = name;
  return actor;
}

struct MfaWorld {
  MfaWorld() {
    organization.id = "org-a";
    organization.name = "acme";
    organization.aws_mfa = domain::MfaLevel::plans_and_applies;
    workspace.id = "ws-0";
    workspace.organization_id = "org-a";
    workspace.name = "app";
    write([&](domain::Tables& tables) {
      must(tables.organizations().insert(organization));
      must(tables.workspaces().insert(workspace));
    });
    for (const char* name : {"ana", "bob"}) {
      add_identity(name, domain::IdentityKind::personal, {serial_of(name)});
    }
    add_identity("ops", domain::IdentityKind::organization, {serial_of("ops"), serial_of("carol-ops")});
  }

  template <class R>
  static void must(const R& result) {
    if (!result) throw std::logic_error(result.error().text());
  }
  template <class F>
  void write(F f) {
    must(store.write([&](domain::Tables& tables) -> Result<void> {
      f(tables);
      return {};
    }));
  }

  domain::AwsIdentity add_identity(const std::string& name, domain::IdentityKind kind, std::set<std::string> serials,
                                   std::string_view account = kAccount) {
    domain::AwsIdentity identity;
    identity.id = "awsid-" + name;
    identity.organization_id = "org-a";
    identity.kind = kind;
    identity.user_id = kind == domain::IdentityKind::personal ? "user-" + name : "";
    identity.access_key_id = "AKIA" + name;
    identity.secret_access_key = Secret("secret of " + name);
    identity.mfa_serial = serial_of(name, account);
    write([&](domain::Tables& tables) { must(tables.aws_identities().insert(identity)); });
    sts.add_key(identity.access_key_id, std::string(account), std::move(serials));
    return identity;
  }
  template <class F>
  void change_settings(F f) {
    write([&](domain::Tables& tables) {
      auto settings = tables.gate_settings().of("org-a");
      f(settings);
      tables.gate_settings().set(settings);
    });
  }

  // At its plan's gate, as the scheduler brings it there.
  domain::Run run_at_plan_gate(const std::string& creator = "ana") {
    domain::Run run = new_run(creator);
    must(domain::queue_plan(run, clock.now()));
    must(domain::wait_for_mfa(run, domain::PhaseKind::plan, clock.now()));
    store_run(run);
    open_gate(run, domain::PhaseKind::plan);
    return run;
  }
  // Planned, its apply not yet confirmed.
  domain::Run planned_run(const std::string& creator = "ana") {
    domain::Run run = new_run(creator);
    run.status = domain::RunStatus::planned;
    run.plan.status = domain::PhaseStatus::finished;
    run.plan.plan_sha256 = "aa";
    store_run(run);
    return run;
  }
  domain::Run new_run(const std::string& creator) {
    domain::Run run;
    run.id = fmt::format("run-{}", ++runs_);
    run.organization_id = "org-a";
    run.workspace_id = "ws-0";
    run.configuration_version_id = "cv-1";
    run.created_by = "user-" + creator;
    run.plan.id = "plan-" + run.id;
    run.apply.id = "apply-" + run.id;
    run.terraform_version = "1.11.4";
    run.aws_mfa_at_creation = organization.aws_mfa;
    run.created_at = clock.now();
    run.structured_output = false;
    return run;
  }
  void store_run(const domain::Run& run) {
    write([&](domain::Tables& tables) {
      must(tables.runs().insert(run));
      tables.runs().set_inputs(run.id, Secret("inputs"));
    });
  }
  void open_gate(const domain::Run& run, domain::PhaseKind phase) {
    write([&](domain::Tables& tables) {
      const auto proof = mfa_gate.check(tables, run, phase, organization.aws_mfa, clock.now());
      if (!proof || *proof) throw std::logic_error("the gate did not open");
    });
    logs.open(run.phase(phase).id);
  }

  std::string gate_of(const domain::Run& run, domain::PhaseKind phase) {
    return store.read([&](domain::Tables& tables) {
      return gate_id(current_binding(tables, *tables.runs().find(run.id), phase).value());
    });
  }
  AuthenticateAnswer enter(const domain::Run& run, domain::PhaseKind phase, const std::string& code,
                           const domain::Actor& actor) {
    return authenticator.authenticate({run.id, phase, gate_of(run, phase), Secret(code)}, actor);
  }
  AuthenticateAnswer enter(const domain::Run& run, const std::string& code, const std::string& name = "ana") {
    return enter(run, domain::PhaseKind::plan, code, person(name));
  }
  std::string code(std::string_view name) const { return sts.code(serial_of(name)); }
  std::string wrong_code(std::string_view name) {
    std::string wrong;
    do {
      wrong = fmt::format("{:06}", wrong_++);
    } while (wrong == code(name));
    return wrong;
  }

  domain::Run run(const std::string& id) {
    return *store.read([&](domain::Tables& tables) { return tables.runs().find(id); });
  }
  std::optional<domain::GateRecord> record(const domain::Run& run, domain::PhaseKind phase = domain::PhaseKind::plan) {
    return store.read([&](domain::Tables& tables) { return tables.gates().of_phase(run.id, phase); });
  }
  std::optional<domain::PhaseSession> session(const std::string& phase_id) {
    return store.read([&](domain::Tables& tables) { return tables.phase_sessions().find(phase_id); });
  }
  std::size_t audited(std::string_view event) {
    const auto audit = store.data().audit;
    return static_cast<std::size_t>(
        std::count_if(audit.begin(), audit.end(), [&](const auto& record) { return record.event == event; }));
  }

  tollgate::test::ManualClock clock;
  SystemRandom random;
  MemoryStore store;
  MemoryLogs logs;
  EventBus events;
  FakeSts sts{clock};
  MfaGate mfa_gate{[](domain::Tables&, const domain::Run& run) { return "https://server/runs/" + run.id; }};
  int woken = 0;
  std::function<void(std::string_view)> at_step;
  Authenticator authenticator{AuthenticatorParts{store, sts, logs, events, clock, random, Secret(std::string(32, 'k')),
                                                 [this] { ++woken; },
                                                 [this](std::string_view step) {
                                                   if (at_step) at_step(step);
                                                 }}};
  domain::Organization organization;
  domain::Workspace workspace;

 private:
  int runs_ = 0;
  int wrong_ = 0;
};

}  // namespace tollgate::runs::test
