#include "runner/phase_run.h"

#include <unistd.h>

#include <algorithm>

#include "common/crypto/hash.h"
#include "common/json/value.h"
#include "runner/apply_summary.h"
#include "runner/configuration_files.h"
#include "runner/plan_archive.h"
#include "runner/redaction_patterns.h"

namespace tollgate::runner {
namespace {

constexpr std::string_view kPlanPlace = "plan/plan.out";
constexpr std::string_view kLockFileName = ".terraform.lock.hcl";
constexpr std::size_t kMaxInitOutput = std::size_t{1} << 20;
constexpr std::size_t kMaxErrors = std::size_t{256} << 10;

Error with_reason(Error error, std::string_view fallback) {
  static constexpr std::string_view kKnown[] = {
      reason::kTerraformFailed,  reason::kTerraformKilled,    reason::kTerraformUnusable, reason::kConfigurationRefused,
      reason::kPlanHashMismatch, reason::kSandboxUnavailable, reason::kDiskFull};
  const bool known = std::any_of(std::begin(kKnown), std::end(kKnown), [&](auto word) { return error.reason == word; });
  if (!known) error.reason = std::string(fallback);
  return error;
}

class LogSink final : public OutputSink {
 public:
  LogSink(OutputLog& log, OutputLog::Stream stream) : log_(log), stream_(stream) {}
  void take(std::string_view bytes) override { log_.append(stream_, bytes); }

 private:
  OutputLog& log_;
  OutputLog::Stream stream_;
};

// The log, with an eye on terraform's summary.
class SummarySink final : public OutputSink {
 public:
  explicit SummarySink(OutputLog& log) : log_(log, OutputLog::Stream::output) {}
  void take(std::string_view bytes) override {
    summary_.feed(bytes);
    log_.take(bytes);
  }
  const std::optional<PlanCounts>& counts() const { return summary_.counts(); }

 private:
  LogSink log_;
  ApplySummary summary_;
};

// Both streams of one program in one text, in the order in which they came.
class SharedSink final : public OutputSink {
 public:
  explicit SharedSink(BufferSink& buffer) : buffer_(buffer) {}
  void take(std::string_view bytes) override { buffer_.take(bytes); }

 private:
  BufferSink& buffer_;
};

std::string limit_text(std::string_view limit, const Limits& limits) {
  if (limit == reason::kLimitProcesses) return fmt::format("{} processes", limits.processes);
  const bool memory = limit == reason::kLimitMemory;
  return fmt::format("{} MiB of {}", (memory ? limits.memory_bytes : limits.disk_bytes) >> 20,
                     memory ? "memory" : "disk");
}

void set_counts(const PlanCounts& counts, PhaseResult& result) {
  result.additions = counts.additions;
  result.changes = counts.changes;
  result.destructions = counts.destructions;
  result.imports = counts.imports;
}

}  // namespace

PhaseRun::PhaseRun(const PhaseParts& parts)
    : parts_(parts), loop_(parts.bundle.limits, parts.control, parts.log, parts.signals, parts.clock) {
  result_.started_at = parts_.clock.now();
}

PhaseRun::~PhaseRun() = default;

PhaseResult PhaseRun::execute() {
  const Result<void> outcome = steps();
  conclude(outcome);
  keep_last_facts();
  result_.ended_at = parts_.clock.now();
  return result_;
}

Result<void> PhaseRun::steps() {
  TG_CHECK(prepare());
  TG_CHECK(choose_host());
  TG_CHECK(put_secrets());
  loop_.breathe();
  if (loop_.stopping()) return fail(stopped());
  TG_CHECK(initialize());
  return parts_.bundle.phase == Phase::plan ? plan() : apply();
}

Result<void> PhaseRun::prepare() {
  const Bundle& bundle = parts_.bundle;
  const std::string path = bundle.work_directory.empty() ? parts_.spool.path() + "/" + std::string(spool_file::kWork)
                                                         : bundle.work_directory;
  TG_TRY(area_, WorkArea::create(path));
  TG_TRY(const auto archive, parts_.spool.read(spool_file::kConfiguration));
  if (!archive) return fail(Error(Code::not_found, "the spool has no configuration"));
  TG_CHECK(area_->unpack(*archive));
  TG_CHECK(area_->enter(bundle.working_directory));
  return put_inputs();
}

Result<void> PhaseRun::put_inputs() {
  const Bundle& bundle = parts_.bundle;
  // A backend or a workspace that the uploader's own machine had selected.
  for (const char* leftover : {".terraform/terraform.tfstate", ".terraform/environment"})
    TG_CHECK(area_->remove(leftover));
  TG_CHECK(area_->put(kOverrideFile, backend_override(area_->from_directory("state/terraform.tfstate"),
                                                      area_->from_directory("state/workspaces"))));
  const bool named = !bundle.workspace.empty() && bundle.workspace != "default";
  const std::string state_directory = named ? "state/workspaces/" + bundle.workspace : "state";
  TG_CHECK(area_->make_directory(state_directory));
  TG_TRY(const auto state, parts_.spool.read(spool_file::kStateIn));
  if (state) TG_CHECK(area_->put_at(state_directory + "/terraform.tfstate", *state));
  states_.emplace(parts_.spool, area_->fd(), state_directory, "terraform.tfstate", state.value_or(""));
  loop_.watch(&*states_);
  paths_.plan_file = area_->from_directory(kPlanPlace);
  paths_.generated_file = area_->from_directory("plan/generated.tf");
  if (bundle.phase == Phase::plan) return {};

  TG_TRY(const auto plan, parts_.spool.read(spool_file::kPlanIn));
  if (!plan) return fail(Error(Code::not_found, "the spool has no saved plan"));
  result_.plan_sha256 = crypto::sha256_hex(*plan);
  if (result_.plan_sha256 != bundle.plan_sha256) {
    return fail(Error(Code::conflict,
                      "the saved plan is not the one that was confirmed: its SHA-256 differs. Nothing was applied")
                    .because(std::string(reason::kPlanHashMismatch)));
  }
  TG_CHECK(area_->put_at(std::string(kPlanPlace), *plan));
  auto lock_file = lock_file_of_plan(*plan);
  if (lock_file) return area_->put(kLockFileName, *lock_file);
  if (lock_file.error().code == Code::not_found) return {};
  return fail(with_reason(std::move(lock_file).error(), reason::kTerraformFailed));
}

Result<void> PhaseRun::choose_host() {
  const Bundle& bundle = parts_.bundle;
  TG_TRY(MemoryFiles memory, MemoryFiles::create(parts_.spool, area_->path()));
  memory_.emplace(std::move(memory));
  TG_TRY(host_, parts_.host_for(bundle, area_->path(), memory_->path()));
  loop_.use(*host_);
  if (!memory_->in_memory()) {
    result_.warnings.emplace_back(
        "The variables of this phase lie on a disk while it runs, because /dev/shm is not a file system in memory.");
    parts_.log.note(result_.warnings.back());
  }
  tell_isolation();
  return {};
}

// What is in force, once it is known: a sandbox tells when its first program has been started.
void PhaseRun::tell_isolation() {
  if (isolation_told_ || host_->isolation().empty()) return;
  isolation_told_ = true;
  result_.isolation = host_->isolation();
  if (result_.isolation.front() != "none") {
    parts_.log.note(fmt::format("Sandbox: {}.", fmt::join(result_.isolation, ", ")));
  }
  for (const std::string& warning : host_->warnings()) {
    result_.warnings.push_back(warning);
    parts_.log.note(warning);
  }
}

Result<void> PhaseRun::put_secrets() {
  const Bundle& bundle = parts_.bundle;
  std::vector<std::string> mirrored;
  for (const std::string& mirror : bundle.provider_mirrors) {
    for (std::string& provider : providers_in_mirror(mirror))
      mirrored.push_back(std::move(provider));
  }
  const std::string inside = host_->inside_memory();
  TG_CHECK(memory_->put("terraformrc", cli_configuration(bundle, mirrored)));
  std::vector<BundleVariable> declared;
  for (const BundleVariable& variable : bundle.variables) {
    // An organization's variables are for all of its configurations; terraform warns of what one does not declare.
    if (!variable.environment && area_->configuration_mentions(variable.key)) declared.push_back(variable);
  }
  TG_CHECK(memory_->put("variables", variables_file(declared)));
  TG_CHECK(area_->put_link(kVariablesFile, inside + "/variables"));
  paths_.cli_configuration = inside + "/terraformrc";
  paths_.home = host_->inside_home();
  paths_.temporary = host_->inside_temporary();
  std::vector<std::string> left_out;
  environment_ = phase_environment(bundle, paths_, left_out);
  for (const std::string& name : left_out)
    parts_.log.note(fmt::format("Warning: the environment variable {} is reserved and was not set.", name));
  give_aws();
  if (geteuid() == 0 && bundle.uid) {
    TG_CHECK(memory_->give_to(static_cast<uid_t>(*bundle.uid), static_cast<gid_t>(bundle.gid.value_or(*bundle.uid))));
  }
  return give_away(*area_);
}

Result<void> PhaseRun::give_away(const WorkArea& area) const {
  const Bundle& bundle = parts_.bundle;
  if (geteuid() != 0 || !bundle.uid) return {};
  return area.give_to(static_cast<uid_t>(*bundle.uid), static_cast<gid_t>(bundle.gid.value_or(*bundle.uid)));
}

Result<ProgramEnd> PhaseRun::run(const std::vector<std::string>& arguments, OutputSink& output, OutputSink& errors) {
  HostedCommand command;
  command.arguments = arguments;
  command.environment = environment_;
  command.directory = area_->directory();
  auto ended = loop_.run(command, output, errors);
  parts_.log.end_of_streams();
  tell_isolation();
  if (!ended) return fail(with_reason(std::move(ended).error(), reason::kTerraformUnusable));
  result_.exit_code = ended->exit_code;
  return ended;
}

Result<void> PhaseRun::initialize() {
  const Bundle& bundle = parts_.bundle;
  if (bundle.phase == Phase::plan && bundle.log_format == LogFormat::plain) {
    // As in HCP's logs. The server writes the beginning of an apply's log.
    parts_.log.note(fmt::format("{} {}\nInitializing plugins and modules...", product_name(bundle),
                                bundle.terraform_version.empty() ? "" : "v" + bundle.terraform_version));
  }
  BufferSink said(kMaxInitOutput);
  SharedSink errors(said);
  TG_TRY(const ProgramEnd end, run(init_arguments(bundle), said, errors));
  if (end.exit_code != 0) {
    // What init says is of interest only where it fails.
    parts_.log.append(OutputLog::Stream::output, said.text());
    parts_.log.end_of_streams();
    if (loop_.stopping()) return fail(stopped());
    return fail(ended_badly("init", end));
  }
  if (loop_.stopping()) return fail(stopped());
  return check_backend();
}

// A later override, or one in a language that only another tool reads, would take the state elsewhere.
Result<void> PhaseRun::check_backend() const {
  const auto text = area_->read(area_->directory() + "/.terraform/terraform.tfstate", kMaxErrors);
  const auto document = text ? json::parse(*text) : Result<json::Value>(fail(text.error()));
  const json::Value* backend = document ? document->find("backend") : nullptr;
  const json::Value* type = backend ? backend->find("type") : nullptr;
  const json::Value* config = backend ? backend->find("config") : nullptr;
  const json::Value* path = config ? config->find("path") : nullptr;
  if (type && *type == json::Value("local") && path &&
      *path == json::Value(area_->from_directory("state/terraform.tfstate"))) {
    return {};
  }
  return fail(
      Error(Code::invalid,
            fmt::format("the configuration sets a backend that cannot be replaced: after init it is not the one "
                        "of {}. Remove override files with a backend or cloud block",
                        kOverrideFile))
          .because(std::string(reason::kConfigurationRefused)));
}

Result<void> PhaseRun::plan() {
  LogSink output(parts_.log, OutputLog::Stream::output);
  LogSink errors(parts_.log, OutputLog::Stream::error);
  TG_TRY(const ProgramEnd end, run(plan_arguments(parts_.bundle, paths_), output, errors));
  if (loop_.stopping()) return fail(stopped());
  if (end.exit_code != 0 && end.exit_code != 2) return fail(ended_badly("plan", end));
  result_.has_changes = end.exit_code == 2;
  return keep_plan();
}

Result<void> PhaseRun::keep_plan() {
  auto plan = area_->read(std::string(kPlanPlace), kMaxSpoolFile);
  if (!plan && !host_->limit_hit().empty()) return fail(ended_badly("plan", {static_cast<int>(result_.exit_code)}));
  if (!plan) return fail(with_reason(std::move(plan).error().while_doing("the saved plan"), reason::kTerraformFailed));
  // Not flushed: the server keeps it before it counts as made, and after a power cut the phase is lost anyway.
  TG_CHECK(parts_.spool.write(spool_file::kPlanOut, *plan));
  result_.plan_sha256 = crypto::sha256_hex(*plan);

  const std::int64_t exit_code = result_.exit_code;
  BufferSink shown(kMaxSpoolFile);
  BufferSink said(kMaxErrors);
  TG_TRY(const ProgramEnd end, run(show_arguments(parts_.bundle, paths_), shown, said));
  result_.exit_code = exit_code;
  if (loop_.stopping()) return fail(stopped());
  const auto document = end.exit_code == 0 && shown.complete() ? json::parse(shown.text())
                                                               : Result<json::Value>(fail(Code::invalid, "no JSON"));
  if (!document) {
    parts_.log.append(OutputLog::Stream::output, said.text());
    parts_.log.end_of_streams();
    return fail(ended_badly("show", end));
  }
  TG_CHECK(parts_.spool.write(spool_file::kPlanJson, shown.text()));
  const PlanCounts counts = count_changes(*document);
  set_counts(counts, result_);
  result_.generated_configuration = counts.generated_configuration;
  const auto version = json::Reader(*document).optional_text("terraform_version");
  if (version && *version) result_.terraform_version = **version;
  keep_redacted_plan(*document);
  if (loop_.stopping()) return fail(stopped());
  return {};
}

Result<void> PhaseRun::apply() {
  SummarySink output(parts_.log);
  LogSink errors(parts_.log, OutputLog::Stream::error);
  result_.terraform_version = parts_.bundle.terraform_version;
  TG_TRY(const ProgramEnd end, run(apply_arguments(parts_.bundle, paths_), output, errors));
  if (output.counts()) set_counts(*output.counts(), result_);
  // What was applied is applied, also where somebody wanted it stopped.
  if (end.exit_code == 0) return {};
  if (loop_.stopping()) return fail(stopped());
  return fail(ended_badly("apply", end));
}

Error PhaseRun::stopped() const {
  std::string sentence;
  const std::string& why = loop_.stop_reason();
  if (why == reason::kLimitSeconds) {
    sentence = fmt::format("it ran longer than its limit of {} seconds", parts_.bundle.limits.seconds);
  } else if (why == reason::kCredentialsExpired) {
    sentence =
        fmt::format("it was stopped because {}; what it had done by then is in the state", parts_.session->end_text());
  } else if (why == reason::kDiskFull) {
    sentence = fmt::format("its log could not be written any more: {}", parts_.log.failure());
  } else {
    sentence = "it was canceled";
  }
  if (loop_.killed()) sentence += " and its processes were killed; what was under way may be missing from the state";
  return Error(Code::cancelled, std::move(sentence)).because(why);
}

Error PhaseRun::ended_badly(std::string_view what, const ProgramEnd& end) const {
  const std::string_view product = product_name(parts_.bundle);
  const std::string limit = host_->limit_hit();
  if (!limit.empty()) {
    return Error(Code::unavailable,
                 fmt::format("{} {} failed with exit code {} after the run had reached its limit of {}", product, what,
                             end.exit_code, limit_text(limit, parts_.bundle.limits)))
        .because(limit);
  }
  if (end.signaled()) {
    return Error(Code::invalid, fmt::format("{} {} was ended by signal {}", product, what, end.exit_code - 128))
        .because(std::string(reason::kTerraformKilled));
  }
  return Error(Code::invalid, fmt::format("{} {} failed with exit code {}", product, what, end.exit_code))
      .because(std::string(reason::kTerraformFailed));
}

void PhaseRun::conclude(const Result<void>& outcome) {
  if (outcome) {
    result_.status = PhaseStatus::finished;
    return;
  }
  const Error error = with_reason(
      outcome.error(), outcome.error().reason.empty() ? reason::kInternal : std::string_view(outcome.error().reason));
  const bool canceled =
      error.code == Code::cancelled && (error.reason == reason::kCanceled || error.reason == reason::kForceCanceled);
  result_.status = canceled ? PhaseStatus::canceled : PhaseStatus::errored;
  result_.reason = error.reason;
  result_.sentence = error.message;
  // What terraform itself has not said, and what it could not say any more.
  if (error.reason != reason::kTerraformFailed) parts_.log.note(fmt::format("The run ended: {}.", error.message));
}

void PhaseRun::keep_last_facts() {
  if (states_) {
    states_->look();
    result_.state_serial = states_->serial();
    if (!states_->failure().empty()) {
      result_.status = PhaseStatus::errored;
      result_.reason = std::string(reason::kDiskFull);
      result_.sentence = fmt::format("the last state could not be kept: {}", states_->failure());
    }
    if (parts_.bundle.phase == Phase::apply && !states_->latest().empty()) {
      [[maybe_unused]] const auto ignored =
          parts_.spool.write(spool_file::kOutputs, outputs_of_state(states_->latest()));
    }
  }
  if (area_) {
    const auto lock_file = area_->read(area_->directory() + "/" + std::string(kLockFileName), kMaxLockFile);
    if (lock_file) result_.lock_file_sha256 = crypto::sha256_hex(*lock_file);
  }
  // The last one could not be kept elsewhere: what terraform wrote stays where it is.
  if (area_ && (!states_ || states_->failure().empty())) {
    if (!area_->destroy()) result_.warnings.emplace_back("The files of the phase could not be removed.");
  }
  if (!parts_.log.failure().empty()) {
    result_.warnings.push_back(fmt::format("The log is not complete: {}.", parts_.log.failure()));
  }
  result_.output_bytes = parts_.log.size();
  result_.output_truncated = parts_.log.truncated();
}

}  // namespace tollgate::runner
