// What the program can be told on the command line, one function each. They print results on stdout and talk on stderr.
// Main thread.
#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"

namespace tollgate::app {

struct InitRequest {
  std::string directory;
  std::string url;  // empty: https://localhost:PORT of listen
  std::string listen = "127.0.0.1:8443";
  std::vector<std::string> names;  // further DNS names and addresses of the certificate
  std::string admin;               // empty: no user is made
  std::string admin_email;
};
// Lays out DIR: server.toml, master key, an authority and a certificate of its own, an empty database; with a first
// administrator and the link by which that person chooses a password. Refuses a directory that has any of it.
Result<void> run_init(const InitRequest& request);

// Holds the socket and keeps a worker running until SIGTERM or SIGINT; SIGHUP replaces the worker.
Result<void> run_serve(const std::string& directory);
// The worker: serves the inherited socket until SIGTERM.
Result<void> run_worker(const std::string& directory);

Result<void> run_config_check(const std::string& directory);

struct NewUser {
  std::string directory;
  std::string name;
  std::string email;
  bool site_admin = false;
  bool setup_link = false;
};
Result<void> run_user_create(const NewUser& request);

// Prints a link by which that user chooses a password, also where there is one already.
Result<void> run_user_setup_link(const std::string& directory, const std::string& name);

// The person's phone is lost: the next sign-in needs the password alone. Their sessions end.
Result<void> run_user_remove_two_factor(const std::string& directory, const std::string& name);

struct NewOrganization {
  std::string directory;
  std::string name;
  std::string email;
  std::string owner;
};
Result<void> run_org_create(const NewOrganization& request);

struct NewToken {
  std::string directory;
  std::string user;
  std::string description;
};
// Prints the token, which is shown this once.
Result<void> run_token_create(const NewToken& request);

// Walks the audit's chain and says how many records it holds.
Result<void> run_audit_verify(const std::string& directory);

}  // namespace tollgate::app
