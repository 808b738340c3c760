#include "server/app/application.h"

#include <unistd.h>

#include <filesystem>
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
#include "server/app/file_sweep.h"
#include "server/app/installed_terraform.h"
#include "server/app/metered.h"
#include "server/app/readiness.h"
#include "server/app/request_log.h"
#include "server/app/runner_setup.h"
#include "server/app/server_metrics.h"
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

// The runner asks the same STS, by the same way.
SpoolRunnerOptions with_sts(SpoolRunnerOptions options, const Configuration& configuration,
                            const os::Environment& environment) {
  net::CurlOptions curl = curl_options(environment);
  options.sts = {configuration.sts_endpoint, std::move(curl.ca_file), std::move(curl.https_proxy),
                 std::move(curl.http_proxy), std::move(curl.no_proxy)};
  return options;
}

http::Response plain(int status, const std::string& text) {
  http::Response response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  response.body = text;
  return response;
}

Result<MetricsAccess> read_metrics_access(const Configuration& configuration) {
  MetricsAccess access;
  access.behind_proxy = !configuration.tls_enabled;
  if (configuration.metrics_token_file.empty()) return access;
  TG_TRY(std::string token, os::read_private_file(configuration.metrics_token_file, 4096));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r'))
    token.pop_back();
  if (token.size() < 16) {
    return fail(Error(Code::config, "the token of metrics.token_file has fewer than 16 characters")
                    .at(configuration.metrics_token_file)
                    .do_next("make a longer one, for example by: openssl rand -hex 32"));
  }
  access.token = Secret::take(std::move(token));
  return access;
}

class Running final : public Application {
 public:
  Running(std::unique_ptr<OpenRecords> records, std::unique_ptr<domain::BlobStore> blobs, InstalledTerraform terraform,
          SpoolRunnerOptions runner, const Configuration& configuration, const ServerPaths& paths,
          const std::string& base_url, const os::Environment& environment, RandomSource& random, const Clock& clock,
          Log& log, MetricsAccess metrics_access)
      : records_(std::move(records)),
        store_(records_->store(), metrics_),
        blobs_(std::move(blobs)),
        terraform_(std::move(terraform)),
        random_(random),
        log_(log),
        logs_({paths.data + "/logs", records_->keys().hash_key("log")}, random),
        runner_options_(with_sts(std::move(runner), configuration, environment)),
        runner_(runner_options_, terraform_),
        aws_(configuration.sts_endpoint, curl_options(environment), clock),
        sts_(aws_, metrics_),
        gate_(run_address(base_url)),
        credentials_(store_, sts_, clock),
        executor_({store_, *blobs_, logs_, runner_, events_, clock, random, [this] { wake(); },
                   [this](const std::string& text) { log_.error("phase.trouble", text); }, nullptr, &credentials_}),
        scheduler_({store_, logs_, events_, gate_, executor_, runner_, clock, random,
                    [this](const std::string& text) { log_.error("scheduler.trouble", text); }},
                   scheduler_options(configuration)),
        service_({store_, logs_, events_, terraform_, clock, random, [this] { wake(); }}),
        authenticator_({store_, sts_, logs_, events_, clock, random, records_->keys().hash_key("mfa-code"),
                        [this] { wake(); }, nullptr}),
        checkpoints_(store_, records_->audit_key(), log),
        file_sweep_(store_, *blobs_, logs_, log),
        probe_(configuration.sts_endpoint, curl_options(environment), clock),
        connection_test_({store_, sts_, probe_, clock, random, records_->keys().hash_key("mfa-code")}),
        webhook_sender_(configuration.webhook_allow, curl_options(environment)),
        webhooks_({store_, events_, webhook_sender_, clock, random, run_address(base_url),
                   [this](const std::string& text) { log_.error("webhooks.trouble", text); }}),
        sign_in_(clock),
        context_{store_,
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
        feed_({store_, logs_, events_, clock, random,
               [this](const std::string& text) { log_.error("events.trouble", text); }},
              feed_options(configuration)),
        api_(context_),
        readiness_(store_, clock, readiness_sources(configuration, paths.data)),
        request_log_(log, metrics_, logged_requests(configuration)),
        server_metrics_(metrics_, store_, events_, clock, std::move(metrics_access),
                        [this, data = paths.data] { return figures(data); }),
        concurrency_(scheduler_options(configuration).concurrency) {
    look_at_sandbox();
  }
  ~Running() override { stop(); }

  void start() override {
    checkpoints_.start();
    file_sweep_.start();
    feed_.start();
    webhooks_.start();
    scheduler_.start();
    for (const std::string& version : terraform_.installed())
      log_.info("terraform.found", "terraform can be used", {{"version", version}});
  }
  void stop() override {
    checkpoints_.stop();
    file_sweep_.stop();
    scheduler_.stop();
    executor_.stop();
    webhooks_.stop();
    feed_.stop();
  }

  http::Response handle(const http::Request& request) override {
    const auto start = std::chrono::steady_clock::now();
    api::Exchange exchange;
    exchange.request_id = api::request_id_of(request, random_);
    http::Response response = answer(request, exchange);
    api::add_common_headers(response, context_, exchange.request_id);
    const auto took = std::chrono::steady_clock::now() - start;
    request_log_.answered(request, exchange, response, std::chrono::duration_cast<std::chrono::microseconds>(took));
    return response;
  }

  http::Headers refusing(const http::Request& head, int status) override {
    const std::string id = api::request_id_of(head, random_);
    http::Response response;
    api::add_common_headers(response, context_, id);
    request_log_.refused(head, id, status);
    return std::move(response.headers);
  }

 private:
  http::Response answer(const http::Request& request, api::Exchange& exchange) {
    const std::string_view path = request.path();
    try {
      if (api_.knows(path)) return api_.handle(request, exchange);
      // What is not the API's has few names, which are words of ours.
      for (const std::string_view own : {"/healthz", "/readyz", "/metrics"}) {
        if (path == own) exchange.route = own;
      }
      if (exchange.route == "/healthz") return plain(200, "ok\n");
      if (exchange.route == "/readyz") return readiness();
      if (exchange.route == "/metrics") return server_metrics_.answer(request);
      auto page = page::answer(page::web_files(), request);
      if (!page) return plain(404, "There is no such page.\n");
      exchange.route = "page";
      return std::move(*page);
    } catch (const std::exception& broken) {
      log_.error("request.failed", broken.what(),
                 {{"request", exchange.request_id}, {"route", std::string(exchange.route)}});
      if (!api_.knows(path)) {
        return plain(500, fmt::format("Something is broken on the server. Its log says more under request {}.\n",
                                      exchange.request_id));
      }
      http::Response response = api::error_document(Error(Code::internal, "broken"));
      api::name_occurrence(response, exchange.request_id);
      return response;
    }
  }

  static LoggedRequests logged_requests(const Configuration& configuration) {
    if (configuration.logged_requests == "none") return LoggedRequests::none;
    return configuration.logged_requests == "errors" ? LoggedRequests::errors : LoggedRequests::all;
  }
  static std::optional<std::uint64_t> disk_free(const std::string& directory) {
    std::error_code unknown;
    const auto space = std::filesystem::space(directory, unknown);
    return unknown ? std::nullopt : std::optional<std::uint64_t>(space.available);
  }
  ReadinessSources readiness_sources(const Configuration& configuration, const std::string& data) {
    ReadinessSources sources;
    sources.terraform_installed = [this] { return !terraform_.installed().empty(); };
    sources.runner_trouble = [this] { return runner_trouble(); };
    sources.disk_free = [data] { return disk_free(data); };
    sources.least_disk_free = static_cast<std::uint64_t>(configuration.least_free_mib) << 20;
    sources.clock_skew = [this] { return aws_.clock_skew(); };
    return sources;
  }
  // What was found at the start, and whether the program is still there.
  std::string runner_trouble() const {
    if (!sandbox_trouble_.empty()) return sandbox_trouble_;
    if (::access(runner_options_.program.c_str(), X_OK) == 0) return {};
    return fmt::format("the runner {} is not there or cannot be executed", runner_options_.program);
  }
  ServerFigures figures(const std::string& data) {
    ServerFigures figures;
    figures.phases = executor_.active().size();
    figures.most_phases = concurrency_;
    figures.log_bytes = logs_.bytes_taken();
    figures.dropped_lines = log_.dropped();
    figures.disk_free = disk_free(data);
    figures.clock_skew = aws_.clock_skew();
    return figures;
  }

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

  // What was found is said by readiness too: the machine may have changed since the program was started.
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
    for (std::string& reason : readiness_.reasons())
      reasons.push(std::move(reason));
    const bool ready = reasons.if_array()->empty();
    http::Response response;
    response.status = ready ? 200 : 503;
    response.headers = {{"Content-Type", "application/json"}};
    response.body = json::to_text(json::Value::object({{"ready", ready}, {"reasons", std::move(reasons)}})) + "\n";
    return response;
  }

  Metrics metrics_;
  std::unique_ptr<OpenRecords> records_;
  MeteredStore store_;
  std::unique_ptr<domain::BlobStore> blobs_;
  InstalledTerraform terraform_;
  RandomSource& random_;
  Log& log_;
  runs::EventBus events_;
  runs::FileLogHub logs_;
  SpoolRunnerOptions runner_options_;
  std::string sandbox_trouble_;
  SpoolPhaseRunner runner_;
  CurlSts aws_;
  MeteredSts sts_;
  runs::MfaGate gate_;
  runs::MfaCredentials credentials_;
  runs::PhaseExecutor executor_;
  runs::Scheduler scheduler_;
  runs::StoreRunService service_;
  runs::Authenticator authenticator_;
  AuditCheckpoints checkpoints_;
  FileSweep file_sweep_;
  CurlProbe probe_;
  runs::ConnectionTest connection_test_;
  CurlWebhook webhook_sender_;
  runs::WebhookDispatch webhooks_;
  api::SignIn sign_in_;
  api::Context context_;
  api::EventFeed feed_;
  api::Api api_;
  Readiness readiness_;
  RequestLog request_log_;
  ServerMetrics server_metrics_;
  const std::size_t concurrency_;
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
  TG_TRY(MetricsAccess metrics_access, read_metrics_access(configuration));
  return std::unique_ptr<Application>(std::make_unique<Running>(
      std::move(records), std::move(blobs), std::move(terraform), std::move(runner), configuration, paths, base_url,
      environment, random, clock, log, std::move(metrics_access)));
}

std::uint64_t Application::body_limit(std::string_view method, std::string_view) {
  return method == "PUT" ? kMaxUpload : kMaxDocument;
}

}  // namespace tollgate::app
