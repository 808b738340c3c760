#include "server/app/spool_phase_runner.h"

#include <algorithm>
#include <set>

#include "common/os/directory_names.h"
#include "runner/protocol/phase_client.h"

namespace tollgate::app {
namespace {

using runner::spool_file::kConfiguration;
using runner::spool_file::kPlanIn;
using runner::spool_file::kPlanJson;
using runner::spool_file::kPlanOut;
using runner::spool_file::kPlanRedacted;
using runner::spool_file::kStateIn;
using runner::spool_file::kUser;

// wait() returns at the latest after this; nothing depends on it, for every change wakes it.
constexpr Duration kWait{60000};

std::string text_of(const runner::Spool& spool, std::string_view name) {
  auto content = spool.read(name);
  return content && *content ? std::move(**content) : std::string();
}

domain::PhaseStatus status_of(runner::PhaseStatus status) {
  switch (status) {
    case runner::PhaseStatus::finished:
      return domain::PhaseStatus::finished;
    case runner::PhaseStatus::canceled:
      return domain::PhaseStatus::canceled;
    case runner::PhaseStatus::errored:
      return domain::PhaseStatus::errored;
  }
  return domain::PhaseStatus::errored;
}

runner::AwsKeys keys_of(const aws::Credentials& credentials) {
  return {credentials.access_key_id, credentials.secret_access_key, credentials.session_token};
}

runner::AwsSession session_of(const runs::AwsAccess& access, const runner::StsAccess& sts) {
  runner::AwsSession session;
  session.keys = keys_of(access.credentials);
  session.expires_at = access.credentials.expiration;
  if (!access.renewal) return session;
  const runs::RoleAgain& again = *access.renewal;
  session.renewal = runner::RoleRenewal{keys_of(again.session),
                                        access.region,
                                        again.role_arn,
                                        again.external_id,
                                        again.session_name,
                                        again.duration,
                                        sts};
  return session;
}

class SpoolPhase final : public runs::ActivePhase {
 public:
  explicit SpoolPhase(runner::PhaseClient client) : client_(std::move(client)) {}

  void wait() override { (void)client_.wait(kWait); }
  void wake() override { client_.wake(); }

  std::string read_output(std::uint64_t offset, std::size_t limit) override {
    auto bytes = client_.spool().read_output(offset, limit);
    return bytes ? std::move(*bytes) : std::string();
  }

  std::optional<std::string> next_state() override {
    for (const std::int64_t serial : client_.spool().state_serials()) {
      if (last_state_ && serial <= *last_state_) continue;
      auto state = client_.spool().read_state(serial);
      if (!state) return std::nullopt;  // asked for again the next time
      last_state_ = serial;
      return std::move(*state);
    }
    return std::nullopt;
  }

  std::optional<runs::PhaseReport> report() override {
    const bool lives = client_.alive();
    auto result = client_.spool().result();
    if (result && *result) return report_of(**result);
    if (lives) return std::nullopt;
    runs::PhaseReport lost;
    lost.outcome.status = domain::PhaseStatus::errored;
    lost.outcome.reason = runner::reason::kRunnerLost;
    lost.outcome.sentence = result ? "the runner ended without saying how the phase went"
                                   : fmt::format("the runner's result cannot be read: {}", result.error().text());
    return lost;
  }

  void interrupt() override { (void)client_.cancel(); }
  void kill() override { (void)client_.kill(); }

 private:
  runs::PhaseReport report_of(const runner::PhaseResult& result) const {
    runs::PhaseReport report;
    report.outcome.status = status_of(result.status);
    report.outcome.reason = result.reason;
    report.outcome.sentence = result.sentence;
    report.outcome.has_changes = result.has_changes;
    report.outcome.generated_configuration = result.generated_configuration;
    report.outcome.resources = {result.additions, result.changes, result.destructions, result.imports};
    report.outcome.plan_sha256 = result.plan_sha256;
    report.outcome.lock_file_sha256 = result.lock_file_sha256;
    report.plan = text_of(client_.spool(), kPlanOut);
    report.plan_json = text_of(client_.spool(), kPlanJson);
    report.plan_redacted = text_of(client_.spool(), kPlanRedacted);
    return report;
  }

  runner::PhaseClient client_;
  std::optional<std::int64_t> last_state_;
};

}  // namespace

runner::Bundle bundle_of(const SpoolRunnerOptions& options) {
  runner::Bundle bundle;
  bundle.provider_mirrors = options.provider_mirrors;
  bundle.plugin_cache_directory = options.plugin_cache;
  bundle.schema_cache_directory = options.schema_cache;
  bundle.network = options.network;
  bundle.limits = options.limits;
  bundle.unsandboxed = options.unsandboxed;
  return bundle;
}

std::string SpoolPhaseRunner::path_of(const std::string& phase_id) const {
  return fmt::format("{}/{}", options_.directory, phase_id);
}

Result<runner::Bundle> SpoolPhaseRunner::bundle_for(const runs::PhaseSpec& spec) const {
  const domain::Run& run = *spec.run;
  const std::string* terraform = terraform_.path_of(run.terraform_version);
  if (terraform == nullptr) {
    return fail(
        Error(Code::unavailable, fmt::format("terraform {} is not installed here any more", run.terraform_version))
            .because("terraform_version")
            .do_next("install it, or start a new run with another version"));
  }
  runner::Bundle bundle = bundle_of(options_);
  bundle.run_id = run.id;
  bundle.phase = spec.phase == domain::PhaseKind::plan ? runner::Phase::plan : runner::Phase::apply;
  bundle.phase_id = spec.phase_id;
  bundle.terraform = *terraform;
  bundle.terraform_version = run.terraform_version;
  bundle.working_directory = run.working_directory;
  for (const runs::FrozenVariable& variable : *spec.variables) {
    bundle.variables.push_back({variable.key, variable.value, variable.category == domain::VariableCategory::env,
                                variable.hcl, variable.sensitive});
  }
  bundle.environment.push_back({"TFC_RUN_ID", Secret(run.id), false});
  bundle.environment.push_back({"AWS_EC2_METADATA_DISABLED", Secret("true"), false});
  if (spec.aws) {
    // A region that the workspace sets is its own.
    const auto sets_region = [](const runs::FrozenVariable& variable) {
      return variable.category == domain::VariableCategory::env &&
             (variable.key == "AWS_REGION" || variable.key == "AWS_DEFAULT_REGION");
    };
    if (std::none_of(spec.variables->begin(), spec.variables->end(), sets_region)) {
      bundle.environment.push_back({"AWS_REGION", Secret(spec.aws->region), false});
    }
    bundle.aws = session_of(*spec.aws, options_.sts);
  }
  bundle.options.is_destroy = run.is_destroy;
  bundle.options.refresh = run.refresh;
  bundle.options.refresh_only = run.refresh_only;
  bundle.options.allow_config_generation = run.allow_config_generation;
  bundle.options.targets = run.target_addrs;
  bundle.options.replace = run.replace_addrs;
  bundle.log_format = run.structured_output ? runner::LogFormat::json : runner::LogFormat::plain;
  if (spec.phase == domain::PhaseKind::apply) bundle.plan_sha256 = run.plan.plan_sha256;
  bundle.limits.seconds = spec.limit.count();
  return bundle;
}

Result<std::int64_t> SpoolPhaseRunner::take_user(const runner::Spool& spool) {
  const std::lock_guard lock(users_);
  std::set<std::string> taken;
  for (const std::string& phase_id : present()) {
    const auto other = runner::Spool::open(path_of(phase_id));
    if (other) taken.insert(text_of(*other, kUser));
  }
  std::int64_t user = *options_.first_uid;
  while (taken.contains(fmt::format("{}", user)))
    ++user;
  TG_CHECK(spool.write(kUser, fmt::format("{}", user)));
  return user;
}

Result<std::unique_ptr<runs::ActivePhase>> SpoolPhaseRunner::start(const runs::PhaseSpec& spec) {
  TG_TRY(runner::Bundle bundle, bundle_for(spec));
  TG_TRY(runner::Spool spool, runner::Spool::create(path_of(spec.phase_id)));
  if (options_.first_uid) {
    TG_TRY(bundle.uid, take_user(spool));
    bundle.gid = bundle.uid;
  }
  TG_CHECK(spool.write(kConfiguration, spec.configuration));
  if (spec.state) TG_CHECK(spool.write(kStateIn, *spec.state));
  if (spec.phase == domain::PhaseKind::apply) TG_CHECK(spool.write(kPlanIn, spec.plan));
  TG_TRY(runner::PhaseClient client, runner::PhaseClient::start(options_.program, std::move(spool), bundle));
  return std::unique_ptr<runs::ActivePhase>(std::make_unique<SpoolPhase>(std::move(client)));
}

std::unique_ptr<runs::ActivePhase> SpoolPhaseRunner::attach(const std::string& phase_id) {
  auto client = runner::PhaseClient::attach(path_of(phase_id));
  if (!client) return nullptr;
  return std::make_unique<SpoolPhase>(std::move(*client));
}

void SpoolPhaseRunner::wipe(const std::string& phase_id) {
  (void)runner::Spool::remove(path_of(phase_id));
}

std::vector<std::string> SpoolPhaseRunner::present() {
  std::vector<std::string> found;
  for (std::string& name : os::directory_names(options_.directory).value_or(std::vector<std::string>())) {
    if (name.starts_with("plan-") || name.starts_with("apply-")) found.push_back(std::move(name));
  }
  return found;
}

}  // namespace tollgate::app
