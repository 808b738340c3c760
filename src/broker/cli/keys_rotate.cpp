// tollgate keys rotate: a new key in place of a stored one.
#include <signal.h>
#include <unistd.h>

#include "aws/iam_client.h"
#include "broker/cli/keys_shared.h"
#include "broker/cli/output.h"
#include "broker/deliver/key_rotation.h"

namespace tollgate::cli {
namespace {

struct KeysRotateInput {
  std::string profile;
  CodeOptions codes;
};

// Whose keys are rotated, and which profile's device their MFA session is asked for.
struct Subject {
  std::string keys;         // the name that the keys are stored under
  std::string mfa_profile;  // empty: no profile names a device, so the keys sign for themselves
  std::string region;
};

// A role profile stands for the keys behind it. Keys without a device of their own borrow that of a profile whose
// source they are: the device belongs to the user either way.
Subject subject_of(App& app, const aws::ProfileSet& set, const std::string& profile) {
  const auto resolve = [&](std::string_view name) {
    return aws::resolve_chain(set, name, app.lookup(), app.has_vault_keys());
  };
  Subject subject;
  subject.keys = profile;
  if (const auto chain = resolve(profile)) {
    if (const auto* stored = std::get_if<aws::VaultKeys>(&chain->source)) subject.keys = stored->profile;
    subject.region = chain->region.empty() ? chain->source_region : chain->region;
    if (!aws::first_mfa_serial(*chain).empty()) subject.mfa_profile = profile;
  }
  for (const aws::Profile& other : set.profiles) {
    if (!subject.mfa_profile.empty()) break;
    const auto chain = resolve(other.name);
    const auto* stored = chain ? std::get_if<aws::VaultKeys>(&chain->source) : nullptr;
    if (stored != nullptr && stored->profile == subject.keys && !aws::first_mfa_serial(*chain).empty()) {
      subject.mfa_profile = other.name;
    }
  }
  return subject;
}

deliver::KeyService service_for(App& app, const Subject& subject, const std::shared_ptr<aws::IamClient>& iam,
                                const std::shared_ptr<aws::StsClient>& sts, const CodeOptions& codes) {
  deliver::KeyService service;
  service.sign = [&app, subject, codes](const vault::LongTermKey& key, bool renew) -> Result<aws::Credentials> {
    if (subject.mfa_profile.empty()) {
      aws::Credentials credentials;
      credentials.access_key_id = key.access_key_id;
      credentials.secret_access_key = key.secret_access_key;
      return credentials;
    }
    TG_TRY(deliver::CredentialBroker* const broker, app.broker(subject.mfa_profile, codes));
    deliver::ObtainOptions options;
    options.renew = renew;
    TG_TRY(deliver::Obtained obtained, broker->obtain_source(subject.mfa_profile, options));
    return std::move(obtained.credentials);
  };
  service.list = [iam](const aws::Credentials& signer) { return iam->list_access_keys(signer); };
  service.create = [iam](const aws::Credentials& signer) { return iam->create_access_key(signer); };
  service.set_active = [iam](const aws::Credentials& signer, const std::string& id, bool active) {
    return iam->set_access_key_active(signer, id, active);
  };
  service.remove = [iam](const aws::Credentials& signer, const std::string& id) {
    return iam->delete_access_key(signer, id);
  };
  service.identity = [sts](const aws::Credentials& signer) { return sts->get_caller_identity(signer); };
  return service;
}

Result<void> rotate(App& app, KeysRotateInput& input) {
  apply_environment(app.environment(), input.codes);
  TG_TRY(const aws::ProfileSet* const set, app.profiles());
  const Subject subject = subject_of(app, *set, input.profile);
  TG_TRY(KeyVault* const vault, app.vault());
  TG_TRY(const vault::LongTermKeys* const records, vault->records());
  TG_TRY(const os::PrivateDirectory* const locks, app.lock_directory());
  const auto endpoint = [&](std::string_view service) {
    return aws::endpoint_for(service, subject.region, app.lookup(), *set, set->find(input.profile));
  };
  TG_TRY(aws::Endpoint iam_endpoint, endpoint("IAM"));
  TG_TRY(aws::Endpoint sts_endpoint, endpoint("STS"));
  const Duration offset = app.clock_offset();
  aws::StsOptions sts_options;
  sts_options.clock_offset = offset;
  const auto iam = std::make_shared<aws::IamClient>(app.network(), app.clock(), std::move(iam_endpoint), offset);
  const auto sts = std::make_shared<aws::StsClient>(app.network(), app.clock(), std::move(sts_endpoint), sts_options);

  const std::string failpoint = app.environment().get_or("TOLLGATE_FAILPOINT", "");
  deliver::RotationPorts ports{*records, *locks, app.clock(), service_for(app, subject, iam, sts, input.codes), {}, {}};
  ports.say = [](std::string_view sentence) { print_notice(sentence); };
  if (!failpoint.empty()) {
    ports.reached = [failpoint](std::string_view name) {
      if (name == failpoint) ::kill(::getpid(), SIGKILL);
    };
  }
  auto outcome = deliver::rotate_key(subject.keys, ports);
  if (!outcome) {
    const std::string& reason = outcome.error().reason;
    if (subject.mfa_profile.empty() && (reason == "not_authorized" || reason == "explicit_deny")) {
      outcome.error().do_next(
          fmt::format("if your policies demand MFA for this, add mfa_serial to profile {}; else ask "
                      "for iam:CreateAccessKey, ListAccessKeys, UpdateAccessKey and "
                      "DeleteAccessKey on your own user",
                      subject.keys));
    }
    return fail(std::move(outcome.error()));
  }
  print_notice(fmt::format("{} has a new key, {} instead of {}; nothing else needs to change", outcome->arn,
                           outcome->new_key, outcome->old_key));
  return {};
}

}  // namespace

Command keys_rotate_command() {
  auto input = std::make_shared<KeysRotateInput>();
  Command command;
  command.name = "keys rotate";
  command.summary = "Replace a stored key by a new one";
  command.examples = "tollgate keys rotate work";
  command.details =
      "Makes a new key, stores it, waits until AWS accepts it, switches to it, then makes the old one inactive and "
      "deletes it. Interrupted at any point, by a crash too, the same command goes on where it ended: there is always "
      "a "
      "key that works, and never a third one. AWS allows two keys per user, so a second one must be gone first.\n\n"
      "The calls are made with an MFA session where a profile names a device, because policies often demand it. Needs "
      "iam:ListAccessKeys, CreateAccessKey, UpdateAccessKey and DeleteAccessKey on the own user.";
  command.positionals = {
      {"PROFILE", "The name that the key is stored under, or a role profile that uses it.", &input->profile, true}};
  for (Option& option : code_flags(input->codes))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) {
    const auto done = rotate(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
