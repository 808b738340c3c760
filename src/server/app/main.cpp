#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "common/os/process_hardening.h"
#include "server/app/backup.h"
#include "server/app/commands.h"
#include "server/app/configuration.h"
#include "server/app/mfa_commands.h"
#include "server/app/own_certificate.h"
#include "server/app/webhook_commands.h"

namespace {

using tollgate::Error;
using tollgate::Result;

constexpr const char* kAbout =
    "Examples:\n"
    "  tollgate-server init /srv/tollgate --admin ana --admin-email ana@example.com\n"
    "  tollgate-server user create /srv/tollgate bob --email bob@example.com --setup-link\n"
    "  tollgate-server org create /srv/tollgate acme --owner ana --email ops@example.com\n"
    "  tollgate-server serve /srv/tollgate\n"
    "\n"
    "A run server with the API of Terraform Enterprise. It never executes what a configuration holds: tollgate-runner\n"
    "does.";

int report(const Error& error) {
  fmt::print(stderr, "tollgate-server: {}\n", error.text());
  if (!error.next.empty()) fmt::print(stderr, "{}\n", error.next);
  return tollgate::exit_status(error.code);
}

std::string settings_text() {
  std::string text = "Settings of server.toml, each also TOLLGATE_SERVER_SECTION_KEY:\n";
  for (const auto& setting : tollgate::app::configuration_settings())
    text += fmt::format("  {:<26} {}\n", setting.name, setting.help);
  return text;
}

int run(int argc, char** argv) {
  using namespace tollgate::app;
  CLI::App app(kAbout, "tollgate-server");
  app.set_version_flag("--version", "tollgate-server " TOLLGATE_VERSION);
  app.require_subcommand(1);
  std::string directory;
  std::function<Result<void>()> chosen;
  const auto command = [&](CLI::App& parent, const char* name, const char* summary,
                           std::function<Result<void>()> body) {
    CLI::App* made = parent.add_subcommand(name, summary);
    made->add_option("DIR", directory, "the server's directory")->required();
    made->callback([&chosen, body = std::move(body)] { chosen = body; });
    return made;
  };
  InitRequest init;
  CLI::App* made = command(app, "init", "lay out a server in a new directory", [&] {
    init.directory = directory;
    return run_init(init);
  });
  made->add_option("--url", init.url, "how people and clients reach it; default https://localhost:PORT");
  made->add_option("--listen", init.listen, "address and port to listen on")->capture_default_str();
  made->add_option("--name", init.names, "a further DNS name or address for the certificate");
  made->add_option("--admin", init.admin, "name of a first administrator, whose set-up link is printed");
  made->add_option("--admin-email", init.admin_email, "that person's address");
  command(app, "serve", "serve until SIGTERM; SIGHUP puts a new program or new settings in place",
          [&] { return run_serve(directory); });
  command(app, "worker", "", [&] { return run_worker(directory); })->group("");

  std::string target;
  made = command(app, "backup", "copy all but the master key into a new directory, while the server goes on",
                 [&] { return run_backup(directory, target); });
  made->add_option("TARGET", target, "the new directory")->required();

  CLI::App* config = app.add_subcommand("config", "settings")->require_subcommand(1);
  command(*config, "check", "read settings, key and certificate as the server does", [&] {
    return run_config_check(directory);
  })->footer(settings_text());
  CertificateRenewal renewal;
  CLI::App* certificates = app.add_subcommand("certificate", "what clients know the server by")->require_subcommand(1);
  made = command(*certificates, "renew", "a new certificate in place of the one that init made", [&] {
    renewal.directory = directory;
    return run_certificate_renew(renewal);
  });
  made->add_option("--name", renewal.names, "a DNS name or address, in place of the present ones; may be given again");
  NewUser user;
  CLI::App* users = app.add_subcommand("user", "people")->require_subcommand(1);
  made = command(*users, "create", "a new user; prints the id", [&] {
    user.directory = directory;
    return run_user_create(user);
  });
  made->add_option("NAME", user.name, "letters, digits, '-' and '_'")->required();
  made->add_option("--email", user.email, "the user's address")->required();
  made->add_flag("--site-admin", user.site_admin, "may make organizations and acts as an owner of each");
  made->add_flag("--setup-link", user.setup_link, "print a link by which the user chooses a password");
  std::string setup_user;
  made = command(*users, "setup-link", "print a link by which a user chooses a password, once",
                 [&] { return run_user_setup_link(directory, setup_user); });
  made->add_option("NAME", setup_user, "a user's name")->required();
  std::string remove_user;
  made = command(*users, "remove-two-factor", "a user's authenticator app and recovery codes are lost: take them away",
                 [&] { return run_user_remove_two_factor(directory, remove_user); });
  made->add_option("NAME", remove_user, "a user's name")->required();
  NewOrganization organization;
  CLI::App* organizations = app.add_subcommand("org", "organizations")->require_subcommand(1);
  made = command(*organizations, "create", "a new organization; prints the id", [&] {
    organization.directory = directory;
    return run_org_create(organization);
  });
  made->add_option("NAME", organization.name, "3 to 40 letters, digits, '-' and '_'")->required();
  made->add_option("--owner", organization.owner, "a user's name")->required();
  made->add_option("--email", organization.email, "whom to write to")->required();
  MfaSettingsChange mfa;
  made = command(*organizations, "mfa", "shows or changes what the MFA gate of an organization demands", [&] {
    mfa.directory = directory;
    return run_org_mfa(mfa);
  });
  made->add_option("ORGANIZATION", mfa.organization, "its name")->required();
  made->add_option("--level", mfa.level, "never, applies-only or plans-and-applies");
  made->add_option("--identity-policy", mfa.identity_policy, "personal, organization or personal-then-organization");
  made->add_option("--account", mfa.accounts, "an AWS account whose identities open the gate; may be given again");
  made->add_option("--plan-gate-deadline", mfa.plan_gate_deadline, "such as 15m");
  made->add_option("--apply-gate-deadline", mfa.apply_gate_deadline, "such as 24h");
  made->add_option("--plan-limit", mfa.plan_limit, "how long a plan may run; its session lasts five minutes longer");
  made->add_option("--apply-limit", mfa.apply_limit, "the same of an apply");
  made->add_option("--plan-role", mfa.plan_role, "role of plans behind the gate, or none");
  made->add_option("--plan-role-external-id", mfa.plan_role_external_id, "its external id");
  made->add_option("--apply-role", mfa.apply_role, "role of applies, or none");
  made->add_option("--apply-role-external-id", mfa.apply_role_external_id, "its external id");
  made->add_option("--read-only-plan-role", mfa.read_only_plan_role, "role of plans without a gate, or none");
  made->add_option("--read-only-plan-role-external-id", mfa.read_only_plan_role_external_id, "its external id");
  made->add_option("--raw-key-plans", mfa.raw_key_plans, "plans without a gate get the organization's key itself")
      ->check(CLI::IsMember({"true", "false"}));
  tollgate::runs::BreakGlassRequest glass;
  made = command(*organizations, "break-glass", "the only MFA device is lost: later runs wait for no code",
                 [&] { return run_break_glass(directory, glass); });
  made->add_option("ORGANIZATION", glass.organization, "its name")->required();
  made->add_option("--owner", glass.owner, "in whose name")->required();
  made->add_option("--reason", glass.reason, "what the other owners are told")->required();
  made->add_option("--workspace", glass.workspaces, "also take away its own, stricter level; may be given again");
  WebhookWish webhook;
  made = command(*organizations, "webhook", "shows, sets or tests who is told that a run waits; the secret from stdin",
                 [&] {
                   webhook.directory = directory;
                   return run_org_webhook(webhook);
                 });
  made->add_option("ORGANIZATION", webhook.organization, "its name")->required();
  made->add_option("--url", webhook.url, "where messages go; the secret that signs them comes from stdin");
  made->add_option("--trigger", webhook.triggers, "what is told; default everything; may be given again");
  made->add_option("--enabled", webhook.enabled, "turns it on or off")->check(CLI::IsMember({"true", "false"}));
  made->add_flag("--remove", webhook.remove, "takes it away");
  made->add_flag("--test", webhook.test, "sends a verification now");
  CLI::App* identities = app.add_subcommand("identity", "AWS keys and MFA devices")->require_subcommand(1);
  NewAwsIdentity identity;
  made = command(*identities, "set", "sets an AWS identity; its secret access key comes from stdin", [&] {
    identity.directory = directory;
    return run_identity_set(identity);
  });
  made->add_option("ORGANIZATION", identity.organization, "its name")->required();
  made->add_flag("--organization", identity.of_organization, "the organization's own");
  made->add_option("--user", identity.user, "of this person, for this organization");
  made->add_option("--access-key-id", identity.access_key_id, "of an IAM user")->required();
  made->add_option("--mfa-serial", identity.mfa_serial, "ARN or serial of the MFA device");
  made->add_option("--region", identity.region, "whose STS is asked, and AWS_REGION of the phases; default us-east-1");
  made->add_flag("--shared", identity.shared, "the device of the organization's identity is everybody's");
  made->add_option("--device-of", identity.device_of, "whose that device is");
  NewIdentityDevice device;
  made = command(*identities, "device", "registers a person's own device for the organization's identity", [&] {
    device.directory = directory;
    return run_identity_device(device);
  });
  made->add_option("ORGANIZATION", device.organization, "its name")->required();
  made->add_option("--user", device.user, "a user's name")->required();
  made->add_option("--mfa-serial", device.mfa_serial, "ARN or serial of the MFA device")->required();
  NewToken token;
  CLI::App* tokens = app.add_subcommand("token", "API tokens")->require_subcommand(1);
  made = command(*tokens, "create", "a new token of a user; prints it, this once", [&] {
    token.directory = directory;
    return run_token_create(token);
  });
  made->add_option("--user", token.user, "a user's name")->required();
  made->add_option("--description", token.description, "what it is for");
  CLI::App* audits = app.add_subcommand("audit", "the record of who did what")->require_subcommand(1);
  command(*audits, "verify", "check that no record was changed, removed or reordered",
          [&] { return run_audit_verify(directory); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return report(Error(tollgate::Code::usage, error.what()).do_next("See tollgate-server --help."));
  }
  const Result<void> done = chosen();
  return done ? 0 : report(done.error());
}

}  // namespace

int main(int argc, char** argv) {
  // What this process holds stays out of cores and debuggers; its runners set their own masks.
  (void)tollgate::os::harden_process();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return report(Error(tollgate::Code::internal, error.what()));
  }
}
