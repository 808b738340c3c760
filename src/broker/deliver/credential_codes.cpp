// What a one-time code is spent on: an MFA session, or a role that shall live longer than AWS allows on top of one.
#include "broker/deliver/credential_request.h"
#include "broker/deliver/durations.h"
#include "broker/deliver/role_limits.h"

namespace tollgate::deliver {
namespace {

using std::chrono::seconds;

// "ana" of arn:aws:iam::111111111111:mfa/ana.
std::string device_owner(std::string_view serial) {
  const auto slash = serial.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(serial.substr(slash + 1));
}

}  // namespace

Result<aws::Credentials> CredentialBroker::pass_gate(
    Request& request, const aws::Credentials& keys, const std::function<std::optional<aws::Credentials>()>& recheck,
    const std::function<aws::AwsResult<Granted>(const aws::MfaCode&)>& spend) {
  std::optional<aws::Credentials> credentials;
  mfa::CodePrompt prompt;
  prompt.serial = request.serial;
  prompt.user_label = device_owner(request.serial);
  prompt.profile = request.chain.profile;
  if (!request.chain.roles.empty()) prompt.role_arn = request.chain.roles.back().role_arn;
  prompt.asked_by = ports_.asked_by();

  mfa::GateCallbacks callbacks;
  callbacks.recheck = [&] {
    credentials = recheck();
    return credentials.has_value();
  };
  callbacks.spend = [&](const Secret& code) -> mfa::Attempt {
    request.called_aws = true;
    auto answer = spend({request.serial, code});
    if (!answer) {
      aws::MappedError& error = answer.error();
      if (error.kind == aws::MappedKind::mfa_code_refused) return mfa::Attempt::refused(error.error.message);
      return mfa::Attempt::failed(std::move(error.error), error.code == aws::CodeFate::unspent);
    }
    if (answer->kept) {
      if (auto stored = ports_.sessions.put(answer->kept->key, answer->kept->entry); !stored) {
        // The code is spent and the session is here: use it, and say why the next process will ask again.
        request.result.notices.push_back(fmt::format("the session could not be kept: {}", stored.error().text()));
      }
    }
    credentials = std::move(answer->credentials);
    return mfa::Attempt::accepted();
  };
  TG_TRY(mfa::DeviceGate* const gate, ports_.gate());
  TG_CHECK(gate->pass({request.serial, keys.access_key_id}, prompt, callbacks));
  if (!credentials) return fail(Code::internal, "the device gate was passed and no session is there");
  return std::move(*credentials);
}

Result<aws::Credentials> CredentialBroker::mfa_session(Request& request, const aws::Credentials& keys) {
  TG_TRY(const seconds duration, session_duration(request));
  aws::StsClient client = sts(request);
  auto session = pass_gate(
      request, keys, [&] { return cached(request, request.session_key(), true); },
      [&](const aws::MfaCode& code) { return spend_on_session(request, client, keys, duration, code); });
  keep_offset(client);
  return session;
}

Result<seconds> CredentialBroker::session_duration(const Request& request) const {
  if (request.options.session_duration) return *request.options.session_duration;
  if (ports_.session_duration) return ports_.session_duration();
  return kDefaultSessionDuration;
}

aws::AwsResult<CredentialBroker::Granted> CredentialBroker::spend_on_session(Request& request, aws::StsClient& client,
                                                                             const aws::Credentials& keys,
                                                                             seconds duration,
                                                                             const aws::MfaCode& code) {
  auto credentials = client.get_session_token(keys, duration, code);
  if (!credentials) return tl::unexpected<aws::MappedError>(std::move(credentials.error()));
  const TimePoint now = ports_.clock.now();
  vault::Entry entry{"session",
                     process_json(*credentials),
                     now,
                     credentials->expiration.value_or(now),
                     {{"profile", request.chain.source_profile},
                      {"serial", request.serial},
                      {"account", account_of(request.serial)},
                      {"source_key", last_four(keys.access_key_id)}}};
  return Granted{std::move(*credentials), Granted::Kept{request.session_key(), std::move(entry)}};
}

Result<aws::Credentials> CredentialBroker::role_with_code(Request& request, const aws::Credentials& keys) {
  TG_TRY(const seconds duration, session_duration(request));
  aws::StsClient client = sts(request);
  aws::AssumeRoleRequest call = role_call(request, 0);
  auto credentials = pass_gate(
      request, keys,
      [&] {
        // Whoever was asked before us may have found out what the role allows.
        use_known_limit(request);
        return request.asks_with_role() ? cached(request, request.role_key(1), true)
                                        : cached(request, request.session_key(), true);
      },
      [&](const aws::MfaCode& code) { return spend_on_role(request, client, keys, call, duration, code); });
  keep_offset(client);
  if (!credentials || request.asks_with_role()) return credentials;
  // The role allows no more than a session gives, so the code brought a session, which serves other roles too.
  request.session = std::move(*credentials);
  return after_roles(request, 1);
}

aws::AwsResult<CredentialBroker::Granted> CredentialBroker::spend_on_role(Request& request, aws::StsClient& client,
                                                                          const aws::Credentials& keys,
                                                                          aws::AssumeRoleRequest& call,
                                                                          seconds session_life,
                                                                          const aws::MfaCode& code) {
  call.mfa = code;
  const aws::AssumeRole& role = request.chain.roles.front();
  for (bool shortened = false; request.asks_with_role(); shortened = true) {
    call.duration = effective_duration(request.chain, request.options.role_duration, 0, keys.temporary());
    auto answer = client.assume_role(keys, call);
    if (answer) {
      const TimePoint now = ports_.clock.now();
      vault::Entry entry{"role",
                         process_json(answer->credentials),
                         now,
                         answer->credentials.expiration.value_or(now),
                         {{"profile", role.profile},
                          {"role_arn", role.role_arn},
                          {"account", account_of(role.role_arn)},
                          {"serial", request.serial},
                          {"session_name", call.session_name}}};
      return Granted{std::move(answer->credentials), Granted::Kept{request.role_key(1), std::move(entry)}};
    }
    if (shortened && answer.error().kind == aws::MappedKind::mfa_code_refused) {
      // The refusal before has used the code up after all. Another refusal must not cost another code, and an hour
      // every role allows.
      shorten(request, 0, kMaxChainedDuration);
      if (!request.asks_with_role() && cached(request, request.session_key(), true)) break;
      answer.error().error.message = "AWS took the code and refused a session as long as that";
      return tl::unexpected<aws::MappedError>(std::move(answer.error()));
    }
    if (!shorten(request, 0, answer.error())) return tl::unexpected<aws::MappedError>(std::move(answer.error()));
  }
  if (auto held = cached(request, request.session_key(), true)) return Granted{std::move(*held), std::nullopt};
  return spend_on_session(request, client, keys, session_life, code);
}

bool CredentialBroker::shorten(Request& request, std::size_t index, const aws::MappedError& refusal) {
  const auto refused = request.wanted(index);
  if (refusal.kind != aws::MappedKind::role_max_duration || !refused || *refused <= kMaxChainedDuration) return false;
  shorten(request, index, next_shorter(*refused));
  return true;
}

void CredentialBroker::shorten(Request& request, std::size_t index, seconds instead) {
  const seconds refused = request.wanted(index).value_or(instead);
  if (refused <= instead) return;
  const aws::AssumeRole& role = request.chain.roles[index];
  if (!request.too_long) request.too_long = refused;
  request.want(index, instead);
  // What is lost if this fails is a refused call next time.
  static_cast<void>(keep_role_limit(ports_.sessions, request.realm(), role.role_arn, role.profile, {refused, instead},
                                    ports_.clock.now()));
}

void CredentialBroker::use_known_limit(Request& request) {
  if (request.chain.roles.size() != 1) return;
  const auto wanted = request.wanted(0);
  if (!wanted || *wanted <= kMaxChainedDuration) return;
  const auto limit =
      known_role_limit(ports_.sessions, request.realm(), request.chain.roles.front().role_arn, ports_.clock.now());
  if (!limit || *wanted < limit->refused) return;
  if (!request.too_long) request.too_long = *wanted;
  request.want(0, limit->instead);
}

}  // namespace tollgate::deliver
