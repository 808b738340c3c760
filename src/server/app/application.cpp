#include "server/app/application.h"

#include <thread>

#include "common/json/value.h"
#include "common/os/atomic_file.h"
#include "server/api/api.h"
#include "server/api/event_feed.h"
#include "server/api/sign_in.h"
#include "server/app/audit_checkpoints.h"
#include "server/app/curl_probe.h"
#include "server/app/curl_sts.h"
#include "server/app/curl_webhook.h"
#include "server/app/installed_terraform.h"
#include "server/app/runner_setup.h"
#include "server/app/spool_phase_runner.h"
#include "server/page/page.h"
#include "server/runs/file_log_hub.h"
#include "server/runs/mfa_authenticator.h"
#include "server/runs/phase_credentials.h"
#include "server/runs/scheduler.h"
#include "server/runs/store_run_service.h"
#include "server/runs/webhook_dispatch.h"
#include "server/store/file_blob_store.h"
#include "server/store/key_ring.h"
#include "server/store/sqlite_store.h"

namespace tollgate::app {
namespace {

constexpr std::size_t kMaxConfigurationFile = 1 << 20;
constexpr std::uint64_t kMaxUpload = 512ULL << 20;
constexpr std::uint64_t kMaxDocument = 8ULL << 20;

Result<void> private_directory(const std::string& path) {
  TG_TRY(const auto directory, os::PrivateDirectory::create(path));
  (void)directory;
  return {};
}

class OpenRecords final : public Records {
 public:
  explicit OpenRecords(store::KeyRing keys) : keys_(std::move(keys)), token_key_(keys_.hash_key("token")) {}
  Result<void> open_store(const std::string& path, RandomSource& random, const Clock& clock) {
    TG_TRY(store_, store::open_sqlite_store(path, keys_, random, clock));
    return {};
  }
  domain::Store& store() override { return *store_; }
  const Secret& token_key() const override { return token_key_; }
  Secret audit_key() const override { return keys_.hash_key("audit"); }
  const store::KeyRing& keys() const { return keys_; }

 private:
  store::KeyRing keys_;
  Secret token_key_;
  std::unique_ptr<domain::Store> store_;
};

Result<std::unique_ptr<OpenRecords>> open_records(const ServerPaths& paths, RandomSource& random, const Clock& clock) {
  TG_TRY(store::KeyRing keys, store::KeyRing::read_file(paths.master_key));
  TG_CHECK(private_directory(paths.data));
  auto records = std::make_unique<OpenRecords>(std::move(keys));
  TG_CHECK(records->open_store(paths.database, random, clock));
  return records;
}

// Where a person enters the code of a run: the address that stock clients print for it.
std::function<std::string(domain::Tables&, const domain::Run&)> run_address(const std::string& base_url) {
  return [base_url](domain::Tables& tables, const domain::Run& run) {
    const auto organization = tables.organizations().find(run.organization_id);
    const auto workspace = tables.workspaces().find(run.workspace_id);
    return fmt::format("{}/app/{}/{}/runs/{}", base_url, organization ? organization->name : "",
                       workspace ? workspace->name : "", run.id);
  };
}

net::CurlOptions curl_options(const os::Environment& environment) {
  return net::curl_options_from([&](std::string_view name) { return environment.get(name); });
}

http::Response plain(int status, const std::string& text) {
  http::Response response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}};
  response.body = text;
  return response;
}

class Running final : public Application {
 public:
  Running(std::unique_ptr<OpenRecords> records, std::unique_ptr<domain::BlobStore> blobs, InstalledTerraform terraform,
          SpoolRunnerOptions runner, const Configuration& configuration, const ServerPaths& paths,
          const std::string& base_url, const os::Environment& environment, RandomSource& random, const Clock& clock,
          Log& log)
      : records_(std::move(records)),
        blobs_(std::move(blobs)),
        terraform_(std::move(terraform)),
        random_(random),
        log_(log),
        logs_({paths.data + "/logs", records_->keys().hash_key("log")}, random),
        runner_options_(std::move(runner)),
        runner_(runner_options_, terraform_),
        sts_(configuration.sts_endpoint, curl_options(environment), clock),
        gate_(run_address(base_url)),
        credentials_(records_->store(), sts_),
        executor_({records_->store(), *blobs_, logs_, runner_, events_, clock, random, [this] { wake(); },
                   [this](const std::string& text) { log_.error("phase.trouble", text); }, nullptr, &credentials_}),
        scheduler_({records_->store(), logs_, events_, gate_, executor_, runner_, clock, random,
                    [this](const std::string& text) { log_.error("scheduler.trouble", text); }},
                   scheduler_options(configuration)),
        service_({records_->store(), logs_, events_, terraform_, clock, random, [this] { wake(); }}),
        authenticator_({records_->store(), sts_, logs_, events_, clock, random, records_->keys().hash_key("mfa-code"),
                        [this] { wake(); }, nullptr}),
        checkpoints_(records_->store(), records_->audit_key(), log),
        probe_(configuration.sts_endpoint, curl_options(environment), clock),
        connection_test_({records_->store(), sts_, probe_, clock, random, records_->keys().hash_key("mfa-code")}),
        webhook_sender_(configuration.webhook_allow, curl_options(environment)),
        webhooks_({records_->store(), events_, webhook_sender_, clock, random, run_address(base_url),
                   [this](const std::string& text) { log_.error("webhooks.trouble", text); }}),
        sign_in_(clock),
        context_{records_->store(),
                 *blobs_,
                 service_,
                 logs_,
                 clock,
                 random,
                 records_->token_key(),
                 records_->keys().hash_key("url"),
                 base_url,
                 sign_in_,
                 authenticator_,
                 &feed_,
                 &connection_test_,
                 &webhooks_},
        feed_({records_->store(), logs_, events_, clock, random,
               [this](const std::string& text) { log_.error("events.trouble", text); }},
              feed_options(configuration)),
        api_(context_) {
    look_at_sandbox();
  }
  ~Running() override { stop(); }

  void start() override {
    checkpoints_.start();
    feed_.start();
    webhooks_.start();
    scheduler_.start();
    for (const std::string& version : terraform_.installed())
      log_.info("terraform.found", "terraform can be used", {{"version", version}});
  }
  void stop() override {
    checkpoints_.stop();
    scheduler_.stop();
    executor_.stop();
    webhooks_.stop();
    feed_.stop();
  }

  http::Response handle(const http::Request& request) override {
    const std::string path(request.path());
    try {
      if (path == "/healthz") return plain(200, "ok\n");
      if (path == "/readyz") return readiness();
      if (api_.knows(path)) return api_.handle(request);
      if (auto page = page::answer(page::web_files(), request)) {
        api::add_common_headers(*page, context_, "req-" + random_alphanumeric(random_, 16));
        return std::move(*page);
      }
      return plain(404, "There is no such page.\n");
    } catch (const std::exception& broken) {
      const std::string id = random_alphanumeric(random_, 12);
      log_.error("request.failed", broken.what(), {{"request", id}, {"method", request.method}, {"path", path}});
      return plain(500, fmt::format("Something is broken on the server. Its log says more under request {}.\n", id));
    }
  }

 private:
  static runs::SchedulerOptions scheduler_options(const Configuration& configuration) {
    runs::SchedulerOptions options;
    options.concurrency = configuration.runner_concurrency > 0
                              ? static_cast<std::size_t>(configuration.runner_concurrency)
                              : std::max(1U, std::thread::hardware_concurrency());
    return options;
  }
  static api::EventFeedOptions feed_options(const Configuration& configuration) {
    api::EventFeedOptions options;
    options.streams_per_person = static_cast<std::size_t>(configuration.event_streams_per_person);
    return options;
  }
  void wake() { scheduler_.wake(); }

  // What was found is said by readiness() too: the machine may have changed since the program was started.
  void look_at_sandbox() {
    const auto facts = check_runner(runner_options_);
    if (!facts) {
      sandbox_trouble_ = facts.error().next.empty() ? facts.error().message
                                                    : fmt::format("{}. {}", facts.error().message, facts.error().next);
      log_.error("sandbox.unavailable", sandbox_trouble_);
    } else if (!*facts) {
      log_.warning("sandbox.off", "runs have no sandbox (runner.unsandboxed): they may do whatever this user may");
    } else {
      log_.info("sandbox.ready", "runs are isolated", {{"by", fmt::format("{}", fmt::join((*facts)->applied, ", "))}});
      for (const std::string& warning : (*facts)->warnings)
        log_.warning("sandbox.weaker", warning);
    }
  }

  http::Response readiness() {
    json::Value reasons = json::Value::array();
    if (terraform_.installed().empty()) reasons.push("no terraform or tofu is installed");
    if (!sandbox_trouble_.empty()) reasons.push(sandbox_trouble_);
    try {
      (void)records_->store().read(
          [](domain::Tables& tables) { return tables.settings().get("instance").has_value(); });
    } catch (const std::exception& broken) {
      reasons.push(fmt::format("the database cannot be read: {}", broken.what()));
    }
    const bool ready = reasons.if_array() == nullptr || reasons.if_array()->empty();
    http::Response response;
    response.status = ready ? 200 : 503;
    response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
    response.body = json::to_text(json::Value::object({{"ready", ready}, {"reasons", std::move(reasons)}})) + "\n";
    return response;
  }

  std::unique_ptr<OpenRecords> records_;
  std::unique_ptr<domain::BlobStore> blobs_;
  InstalledTerraform terraform_;
  RandomSource& random_;
  Log& log_;
  runs::EventBus events_;
  runs::FileLogHub logs_;
  SpoolRunnerOptions runner_options_;
  std::string sandbox_trouble_;
  SpoolPhaseRunner runner_;
  CurlSts sts_;
  runs::MfaGate gate_;
  runs::MfaCredentials credentials_;
  runs::PhaseExecutor executor_;
  runs::Scheduler scheduler_;
  runs::StoreRunService service_;
  runs::Authenticator authenticator_;
  AuditCheckpoints checkpoints_;
  CurlProbe probe_;
  runs::ConnectionTest connection_test_;
  CurlWebhook webhook_sender_;
  runs::WebhookDispatch webhooks_;
  api::SignIn sign_in_;
  api::Context context_;
  api::EventFeed feed_;
  api::Api api_;
};

}  // namespace

ServerPaths server_paths(const std::string& directory, const Configuration& configuration) {
  const auto or_else = [&](const std::string& set, std::string_view name) {
    return set.empty() ? fmt::format("{}/{}", directory, name) : set;
  };
  ServerPaths paths;
  paths.configuration = directory + "/server.toml";
  paths.master_key = or_else(configuration.master_key, "master.key");
  paths.tls_authority = directory + "/tls/ca.pem";
  paths.tls_certificate = or_else(configuration.tls_certificate, "tls/server.pem");
  paths.tls_private_key = or_else(configuration.tls_private_key, "tls/server-key.pem");
  paths.data = or_else(configuration.data_directory, "data");
  paths.database = paths.data + "/tollgate.db";
  paths.terraform = or_else(configuration.terraform_directory, "terraform");
  return paths;
}

Result<Configuration> load_configuration(const std::string& directory, const os::Environment& environment) {
  const std::string path = directory + "/server.toml";
  auto text = os::read_file(path, kMaxConfigurationFile);
  if (!text) {
    Error error = std::move(text).error();
    if (error.code == Code::not_found) error.do_next(fmt::format("Run: tollgate-server init {}", directory));
    return fail(std::move(error));
  }
  return read_configuration(*text, path, environment);
}

Result<std::unique_ptr<Records>> Records::open(const ServerPaths& paths, RandomSource& random, const Clock& clock) {
  TG_TRY(std::unique_ptr<OpenRecords> records, open_records(paths, random, clock));
  return std::unique_ptr<Records>(std::move(records));
}

Result<std::unique_ptr<Application>> Application::open(const std::string& directory, const Configuration& configuration,
                                                       const std::string& base_url, const os::Environment& environment,
                                                       RandomSource& random, const Clock& clock, Log& log) {
  const ServerPaths paths = server_paths(directory, configuration);
  TG_TRY(std::unique_ptr<OpenRecords> records, open_records(paths, random, clock));
  for (const char* below : {"logs", "spool", "schemas"})
    TG_CHECK(private_directory(fmt::format("{}/{}", paths.data, below)));
  TG_TRY(auto blobs, store::open_file_blob_store(paths.data + "/blobs", records->keys(), random));
  TG_TRY(InstalledTerraform terraform,
         InstalledTerraform::find(paths.terraform, configuration.terraform_from_path, environment));
  TG_TRY(SpoolRunnerOptions runner, runner_options(configuration, paths));
  return std::unique_ptr<Application>(std::make_unique<Running>(std::move(records), std::move(blobs),
                                                                std::move(terraform), std::move(runner), configuration,
                                                                paths, base_url, environment, random, clock, log));
}

std::uint64_t Application::body_limit(std::string_view method, std::string_view) {
  return method == "PUT" ? kMaxUpload : kMaxDocument;
}

}  // namespace tollgate::app
