// The two processes of a running server: the one that holds the socket and the worker that serves it.
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/http/certificate.h"
#include "common/http/listener.h"
#include "common/os/atomic_file.h"
#include "common/os/program_search.h"
#include "server/app/application.h"
#include "server/app/commands.h"
#include "server/app/json_log.h"
#include "server/app/own_certificate.h"
#include "server/app/runner_setup.h"
#include "server/app/worker_supervisor.h"

namespace tollgate::app {
namespace {

constexpr std::chrono::milliseconds kDrain{25000};

Result<http::TlsFiles> tls_files(const ServerPaths& paths, TimePoint now, Log& log) {
  TG_TRY(const std::string chain, os::read_file(paths.tls_certificate, 1 << 20));
  TG_TRY(std::string key, os::read_private_file(paths.tls_private_key, 1 << 20));
  TG_TRY(const auto facts, http::check_server_certificate(chain, Secret::take(std::move(key)), now));
  if (const std::string soon = ends_soon(facts, now); !soon.empty()) log.warning("certificate.ends_soon", soon);
  return http::TlsFiles{paths.tls_certificate, paths.tls_private_key};
}

// Every page that is open is a connection, and the usual soft limit is 1024. Children get limits of their own.
void allow_many_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

// Waits for SIGTERM or SIGINT, which every thread has blocked.
void wait_for_end(const sigset_t& set) {
  int number = 0;
  while (::sigwait(&set, &number) != 0) {
  }
}

}  // namespace

Result<void> run_serve(const std::string& directory) {
  const os::Environment environment = os::current_environment();
  TG_TRY(const Configuration configuration, load_configuration(directory, environment));
  TG_TRY(const ListenAddress listen, parse_listen_address(configuration.listen));
  TG_TRY(const http::Listener listener, http::listen_on(listen.address, listen.port));
  TG_TRY(const std::string program, os::own_program());
  TG_TRY(const SpoolRunnerOptions runner, runner_options(configuration, server_paths(directory, configuration)));
  TG_CHECK(check_runner(runner));
  const SystemClock clock;
  JsonLog log(STDERR_FILENO, clock);
  std::printf("listening on %s://%s:%u\n", configuration.tls_enabled ? "https" : "http",
              listen.address.find(':') == std::string::npos ? listen.address.c_str()
                                                            : fmt::format("[{}]", listen.address).c_str(),
              static_cast<unsigned>(listener.port));
  std::fflush(stdout);
  SupervisorOptions options;
  options.worker_argv = {program, "worker", directory};
  options.environment = environment;
  options.listen_fd = listener.fd.get();
  TG_TRY(const int status, supervise_workers(options, log, clock));
  (void)status;
  return {};
}

Result<void> run_worker(const std::string& directory) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  allow_many_connections();
  const os::Environment environment = os::current_environment();
  TG_TRY(const Configuration configuration, load_configuration(directory, environment));
  const ServerPaths paths = server_paths(directory, configuration);
  const SystemClock clock;
  SystemRandom random;
  JsonLogOptions log_options;
  log_options.own_thread = true;
  JsonLog log(STDERR_FILENO, clock, log_options);
  UniqueFd ready(kWorkerReadyFd);
  TG_TRY(const http::ListenerAddress address, http::listener_address(kWorkerListenFd));
  TG_TRY(const auto application, Application::open(directory, configuration, public_url(configuration, address.port),
                                                   environment, random, clock, log));
  http::ServerOptions options;
  options.listen_fd = kWorkerListenFd;
  options.handler_threads = static_cast<unsigned>(configuration.handler_threads);
  options.max_connections = 8192;
  options.body_limit = Application::body_limit;
  options.refusing = [&](const http::Request& head, int status) { return application->refusing(head, status); };
  if (configuration.tls_enabled) {
    TG_TRY(options.tls, tls_files(paths, clock.now(), log));
  }
  TG_TRY(const auto server,
         http::start_server(options, [&](const http::Request& request) { return application->handle(request); }));
  application->start();
  log.flush();  // what was found at the start is said before it is said to be over
  (void)!::write(ready.get(), "\n", 1);
  ready.reset();
  wait_for_end(set);
  if (!server->drain(kDrain)) log.warning("drain.incomplete", "some requests did not end in time and were cut");
  server->stop();
  application->stop();
  return {};
}

}  // namespace tollgate::app
