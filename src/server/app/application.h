// The parts of the server, constructed and connected; it decides nothing itself. Opened once for a directory that
// `init` laid out, by the worker that serves and by commands beside it. Threads: handle() from any; everything else
// from one.
#pragma once

#include <memory>
#include <string>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "common/http/server.h"
#include "server/app/configuration.h"
#include "server/domain/store.h"

namespace tollgate::app {

// Where things lie below the server's directory, unless the configuration says otherwise.
struct ServerPaths {
  std::string configuration;  // server.toml
  std::string master_key;
  std::string tls_authority;  // what clients are to trust, where `init` made it
  std::string tls_certificate;
  std::string tls_private_key;
  std::string data;
  std::string database;
  std::string terraform;
};
ServerPaths server_paths(const std::string& directory, const Configuration& configuration);

// Reads DIR/server.toml with the environment over it. Errors: Code::not_found with the advice to run init;
// Code::config.
Result<Configuration> load_configuration(const std::string& directory, const os::Environment& environment);

// What commands beside the server need: the database and the key of token hashes.
class Records {
 public:
  static Result<std::unique_ptr<Records>> open(const ServerPaths& paths, RandomSource& random, const Clock& clock);
  virtual ~Records() = default;
  virtual domain::Store& store() = 0;
  virtual const Secret& token_key() const = 0;
  virtual Secret audit_key() const = 0;
};

class Application {
 public:
  // `base_url` is what clients reach it by. References outlive the application.
  static Result<std::unique_ptr<Application>> open(const std::string& directory, const Configuration& configuration,
                                                   const std::string& base_url, const os::Environment& environment,
                                                   RandomSource& random, const Clock& clock, Log& log);
  virtual ~Application() = default;  // stops
  // Takes up what an earlier process left, then begins to work on runs.
  virtual void start() = 0;
  // Lets go of the phases that run, without ending them. Idempotent.
  virtual void stop() = 0;
  virtual http::Response handle(const http::Request& request) = 0;
  // The headers of an answer that the HTTP server makes by itself, of which a line of the log is made here.
  virtual http::Headers refusing(const http::Request& head, int status) = 0;
  static std::uint64_t body_limit(std::string_view method, std::string_view target);
};

}  // namespace tollgate::app
