// The redacted plan of a PhaseRun, with the schemas that it needs.
#include <algorithm>

#include "common/json/value.h"
#include "runner/phase_run.h"
#include "runner/plan_archive.h"
#include "runner/plan_document.h"
#include "runner/redactor.h"
#include "runner/schema_cache.h"

namespace tollgate::runner {
namespace {

constexpr std::string_view kBuiltIn = "terraform.io/builtin/";
constexpr std::size_t kMaxSchemas = std::size_t{1} << 30;
constexpr std::size_t kMaxErrors = std::size_t{64} << 10;

// What the lock file says, or for a built-in provider nothing but its name.
std::optional<LockedProvider> locked(const std::vector<LockedProvider>& providers, const std::string& address) {
  if (address.substr(0, kBuiltIn.size()) == kBuiltIn) return LockedProvider{address, "", {}};
  const auto found = std::find_if(providers.begin(), providers.end(),
                                  [&](const LockedProvider& provider) { return provider.address == address; });
  return found == providers.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

void PhaseRun::keep_redacted_plan(const json::Value& plan) {
  Redactor redactor(parts_.log.patterns());
  const auto show = [&](const std::string& text) {
    std::string shown;
    redactor.feed(text, shown);
    redactor.finish(shown);
    return shown;
  };
  json::Value schemas = schemas_for(plan);
  fill_with_empty(schemas, used_types(plan));
  const json::Value document = redacted_plan(plan, std::move(schemas), show);
  const auto written = parts_.spool.write(spool_file::kPlanRedacted, json::to_text(document));
  if (!written) result_.warnings.push_back(written.error().text());
}

json::Value PhaseRun::schemas_for(const json::Value& plan) {
  const auto lock_file = area_->read(area_->directory() + "/.terraform.lock.hcl", kMaxLockFile);
  const std::vector<LockedProvider> providers = read_lock_file(lock_file ? *lock_file : "");
  const SchemaCache cache(parts_.bundle.schema_cache_directory);
  const auto used = used_types(plan);
  json::Value schemas = json::Value::object();
  std::vector<LockedProvider> missing;
  for (const auto& [address, types] : used) {
    const auto provider = locked(providers, address);
    if (!provider) continue;
    auto found = cache.find(*provider, result_.terraform_version, types);
    if (found) {
      schemas.set(address, std::move(*found));
    } else {
      missing.push_back(*provider);
    }
  }
  if (missing.empty() || loop_.stopping()) return schemas;
  bool trustworthy = false;
  const json::Value asked = ask_for_schemas(missing, trustworthy);
  for (const LockedProvider& provider : missing) {
    const json::Value* schema = asked.find(provider.address);
    if (!schema) continue;
    if (trustworthy) cache.keep(provider, result_.terraform_version, *schema);
    schemas.set(provider.address, cut_schema(*schema, used.at(provider.address)));
  }
  return schemas;
}

json::Value PhaseRun::ask_for_schemas(const std::vector<LockedProvider>& providers, bool& trustworthy) {
  const std::int64_t exit_code = result_.exit_code;
  const auto text = run_in_clean_room(providers, trustworthy);
  loop_.use(*host_);
  result_.exit_code = exit_code;
  const auto document = text ? json::parse(*text) : Result<json::Value>(fail(text.error()));
  const json::Value* found = document ? document->find("provider_schemas") : nullptr;
  if (found) return *found;
  if (!loop_.stopping()) {
    result_.warnings.push_back(
        fmt::format("The schemas of the providers could not be had, so that clients show this "
                    "plan without them: {}",
                    document ? "there are none" : document.error().message));
  }
  return {};
}

// In a work area of its own, in which nothing of a configuration lies or ran, and held to the checksums of the lock
// file: only what comes out of it may be kept for other runs, and only where a sandbox kept everything else out.
Result<std::string> PhaseRun::run_in_clean_room(const std::vector<LockedProvider>& providers, bool& trustworthy) {
  TG_TRY(WorkArea room, WorkArea::create(area_->path() + "-schemas"));
  TG_CHECK(room.enter(""));
  TG_CHECK(room.put("main.tf", schema_configuration(providers)));
  // Only theirs: init takes one that names others too for changed.
  const std::string lock_file = lock_file_of(providers);
  if (!lock_file.empty()) TG_CHECK(room.put(".terraform.lock.hcl", lock_file));
  TG_CHECK(give_away(room));
  TG_TRY(const auto host, parts_.host_for(parts_.bundle, room.path(), memory_->path()));
  loop_.use(*host);
  HostedCommand command;
  command.environment = environment_.without("TF_WORKSPACE");
  command.environment.set("HOME", host->inside_home()).set("TMPDIR", host->inside_temporary());
  command.directory = room.directory();
  BufferSink schemas(kMaxSchemas);
  BufferSink said(kMaxErrors);
  command.arguments = {parts_.bundle.terraform, "init", "-input=false", "-no-color", "-lockfile=readonly"};
  TG_TRY(const ProgramEnd ready, loop_.run(command, said, said));
  const auto isolation = host->isolation();
  trustworthy = std::find(isolation.begin(), isolation.end(), "none") == isolation.end();
  if (ready.exit_code != 0) return fail(Code::invalid, fmt::format("init failed: {}", said.text()));
  if (loop_.stopping()) return fail(stopped());
  command.arguments = schema_arguments(parts_.bundle);
  TG_TRY(const ProgramEnd shown, loop_.run(command, schemas, said));
  if (shown.exit_code != 0 || !schemas.complete()) return fail(Code::invalid, said.text());
  TG_CHECK(room.destroy());
  return schemas.text();
}

}  // namespace tollgate::runner
