#include "server/app/commands.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include "common/http/certificate.h"
#include "common/os/atomic_file.h"
#include "server/api/authentication.h"
#include "server/api/setup.h"
#include "server/app/application.h"
#include "server/app/host.h"
#include "server/app/own_certificate.h"
#include "server/app/runner_setup.h"
#include "server/audit/audit.h"
#include "server/domain/ids.h"
#include "server/store/key_ring.h"

namespace tollgate::app {
namespace {

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

Result<void> check_new_user(const NewUser& request) {
  if (request.email.find('@') == std::string::npos) {
    return fail(Error(Code::usage, fmt::format("{} is not an address", request.email)).at("--email"));
  }
  if (!domain::valid_workspace_name(request.name)) {
    return fail(Error(Code::usage, fmt::format("{} cannot be a user name", request.name))
                    .do_next("use letters, digits, '-' and '_'"));
  }
  return {};
}

Result<std::string> make_user(const Opened& opened, const NewUser& request) {
  domain::User user;
  user.id = domain::new_id(domain::id_prefix::kUser, *opened.random);
  user.username = request.name;
  user.email = request.email;
  user.site_admin = request.site_admin;
  user.created_at = opened.clock->now();
  const auto make = [&](domain::Tables& tables) -> Result<void> {
    TG_CHECK(tables.users().insert(user));
    audit::append(tables, operator_of_this_host(), {"", "user.created", "user", user.id, {}}, user.created_at);
    return {};
  };
  TG_CHECK(opened.records->store().write(make));
  return user.id;
}

Result<void> print_setup_link(const Opened& opened, const std::string& name) {
  const TimePoint now = opened.clock->now();
  const auto make = [&](domain::Tables& tables) -> Result<Secret> {
    const auto user = tables.users().find_by_name(name);
    if (!user) return no_such_user(name);
    audit::append(tables, operator_of_this_host(), {"", "user.setup_link_made", "user", user->id, {}}, now);
    return api::make_setup_link(tables, opened.records->token_key(), *opened.random, opened.url, user->id, now);
  };
  TG_TRY(const Secret link, opened.records->store().write(make));
  print(fmt::format("{} chooses a password here, once and within {} minutes, while the server runs:\n  ", name,
                    api::kSetupLinkLife.count()));
  print(link.reveal());
  print("\n");
  return {};
}

}  // namespace

Result<void> run_init(const InitRequest& request) {
  TG_TRY(const ListenAddress listen, parse_listen_address(request.listen));
  const NewUser admin{request.directory, request.admin, request.admin_email, true, true};
  if (!admin.name.empty()) TG_CHECK(check_new_user(admin));
  const std::string url = request.url.empty() ? fmt::format("https://localhost:{}", listen.port) : request.url;
  TG_TRY(const auto folder, os::PrivateDirectory::create(request.directory));
  for (const char* name : {"server.toml", "master.key", "tls", "data"}) {
    if (exists(fmt::format("{}/{}", request.directory, name))) {
      return fail(Error(Code::conflict, fmt::format("{}/{} is there already", request.directory, name))
                      .do_next("choose an empty directory; an existing server is never overwritten"));
    }
  }
  const SystemClock clock;
  SystemRandom random;
  const std::string text = configuration_template(url, request.listen);
  TG_CHECK(read_configuration(text, "server.toml", os::Environment()));
  TG_CHECK(store::KeyRing::create_file(request.directory + "/master.key", random));
  std::vector<std::string> names = usual_names(url);
  names.insert(names.end(), request.names.begin(), request.names.end());
  TG_CHECK(write_own_certificate(request.directory, names, clock.now()));
  TG_CHECK(folder.write("server.toml", text, {.mode = 0600, .durable = true}));
  TG_TRY(const Opened opened, open_records_of(request.directory));
  print(
      fmt::format("{}/server.toml   settings\n"
                  "{}/master.key    seals everything at rest: keep a copy of it elsewhere, apart from backups\n"
                  "{}/tls/ca.pem    what clients trust, for example by SSL_CERT_FILE\n\n"
                  "Next:\n{}"
                  "  tollgate-server org create {} ORGANIZATION --owner {} --email ADDRESS\n"
                  "  tollgate-server serve {}\n",
                  request.directory, request.directory, request.directory,
                  admin.name.empty()
                      ? fmt::format("  tollgate-server user create {} NAME --email ADDRESS --site-admin --setup-link\n",
                                    request.directory)
                      : "",
                  request.directory, admin.name.empty() ? "NAME" : admin.name, request.directory));
  if (admin.name.empty()) return {};
  TG_CHECK(make_user(opened, admin));
  print("\n");
  return print_setup_link(opened, admin.name);
}

Result<void> run_config_check(const std::string& directory) {
  TG_TRY(const Configuration configuration, load_configuration(directory, os::current_environment()));
  const ServerPaths paths = server_paths(directory, configuration);
  TG_CHECK(store::KeyRing::read_file(paths.master_key));
  if (configuration.tls_enabled) {
    TG_TRY(const std::string chain, os::read_file(paths.tls_certificate, 1 << 20));
    TG_TRY(std::string key, os::read_private_file(paths.tls_private_key, 1 << 20));
    const SystemClock clock;
    std::vector<std::string> names;
    if (!configuration.url.empty()) names.push_back(host_of(configuration.url));
    TG_TRY(const http::CertificateFacts facts,
           http::check_server_certificate(chain, Secret::take(std::move(key)), clock.now(), names));
    print(fmt::format("certificate: {}, until {}\n", fmt::join(facts.names, ", "), format_iso8601(facts.not_after)));
    if (const std::string soon = ends_soon(facts, clock.now()); !soon.empty())
      print(fmt::format("warning: {}\n", soon));
  }
  TG_TRY(const SpoolRunnerOptions runner, runner_options(configuration, paths));
  TG_TRY(const auto facts, check_runner(runner));
  print(facts ? fmt::format("sandbox: {}\n", fmt::join(facts->applied, ", "))
              : "sandbox: none (runner.unsandboxed): runs may do whatever this user may\n");
  if (facts) {
    for (const std::string& warning : facts->warnings)
      print(warning + "\n");
  }
  print("the configuration is good\n");
  return {};
}

Result<void> run_user_create(const NewUser& request) {
  TG_CHECK(check_new_user(request));
  TG_TRY(const Opened opened, open_records_of(request.directory));
  TG_TRY(const std::string id, make_user(opened, request));
  print(fmt::format("{}\n", id));
  return request.setup_link ? print_setup_link(opened, request.name) : Result<void>();
}

Result<void> run_user_setup_link(const std::string& directory, const std::string& name) {
  TG_TRY(const Opened opened, open_records_of(directory));
  return print_setup_link(opened, name);
}

Result<void> run_user_remove_two_factor(const std::string& directory, const std::string& name) {
  TG_TRY(const Opened opened, open_records_of(directory));
  const TimePoint now = opened.clock->now();
  const auto remove = [&](domain::Tables& tables) -> Result<bool> {
    const auto user = tables.users().find_by_name(name);
    if (!user) return no_such_user(name);
    const auto factor = tables.two_factors().find(user->id);
    tables.two_factors().erase(user->id);
    if (!factor || !factor->enabled_at) return false;
    for (const auto& session : tables.web_sessions().of_user(user->id))
      tables.web_sessions().erase(session.id);
    audit::append(tables, operator_of_this_host(), {"", "two_factor.removed", "user", user->id, {}}, now);
    return true;
  };
  TG_TRY(const bool removed, opened.records->store().write(remove));
  print(removed ? fmt::format("{0} signs in with the password alone from now on, and is signed out everywhere.\n"
                              "Ask {0} to set up another authenticator app: My settings, Two-factor authentication.\n",
                              name)
                : fmt::format("{} has no two-factor authentication; nothing was changed.\n", name));
  return {};
}

Result<void> run_org_create(const NewOrganization& request) {
  if (!domain::valid_organization_name(request.name)) {
    return fail(Error(Code::usage, fmt::format("{} cannot be the name of an organization", request.name))
                    .do_next("use 3 to 40 letters, digits, '-' and '_'"));
  }
  TG_TRY(const Opened opened, open_records_of(request.directory));
  const TimePoint now = opened.clock->now();
  SystemRandom& random = *opened.random;
  domain::Organization organization;
  organization.id = domain::new_id(domain::id_prefix::kOrganization, random);
  organization.name = request.name;
  organization.email = request.email;
  organization.created_at = now;
  const auto make = [&](domain::Tables& tables) -> Result<void> {
    const auto owner = tables.users().find_by_name(request.owner);
    if (!owner) return no_such_user(request.owner);
    TG_CHECK(tables.organizations().insert(organization));
    domain::Membership membership;
    membership.id = domain::new_id(domain::id_prefix::kMembership, random);
    membership.organization_id = organization.id;
    membership.user_id = owner->id;
    membership.role = domain::MembershipRole::owner;
    membership.created_at = now;
    TG_CHECK(tables.memberships().insert(membership));
    domain::Project project;
    project.id = domain::new_id(domain::id_prefix::kProject, random);
    project.organization_id = organization.id;
    project.name = domain::kDefaultProjectName;
    project.created_at = now;
    TG_CHECK(tables.projects().insert(project));
    audit::append(tables, operator_of_this_host(),
                  {organization.id, "organization.created", "organization", organization.id, {}}, now);
    return {};
  };
  TG_CHECK(opened.records->store().write(make));
  print(fmt::format("{}\n", organization.id));
  return {};
}

Result<void> run_token_create(const NewToken& request) {
  TG_TRY(const Opened opened, open_records_of(request.directory));
  const TimePoint now = opened.clock->now();
  const Secret text = api::new_token_text(domain::TokenKind::user, *opened.random);
  const auto make = [&](domain::Tables& tables) -> Result<void> {
    const auto user = tables.users().find_by_name(request.user);
    if (!user) return no_such_user(request.user);
    domain::Token token;
    token.id = domain::new_id(domain::id_prefix::kToken, *opened.random);
    token.user_id = user->id;
    token.description = request.description;
    token.hash = api::token_hash(opened.records->token_key(), text.reveal());
    token.created_at = now;
    TG_CHECK(tables.tokens().insert(token));
    audit::append(tables, operator_of_this_host(), {"", "token.created", "token", token.id, {}}, now);
    return {};
  };
  TG_CHECK(opened.records->store().write(make));
  print(text.reveal());
  print("\n");
  return {};
}

Result<void> run_audit_verify(const std::string& directory) {
  TG_TRY(const Opened opened, open_records_of(directory));
  TG_TRY(const audit::Verified verified, opened.records->store().read([&](domain::Tables& tables) {
    return audit::verify(tables, opened.records->audit_key());
  }));
  print(fmt::format("{} records, unbroken; the last hash is {}\n", verified.records, verified.last_hash));
  return {};
}

}  // namespace tollgate::app
