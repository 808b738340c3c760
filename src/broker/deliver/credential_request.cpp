#include "broker/deliver/credential_request.h"

#include "broker/deliver/durations.h"

namespace tollgate::deliver {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

std::string CredentialBroker::Request::realm() const {
  if (endpoint.configured) return endpoint.url;
  const aws::Partition* partition = aws::partition_of_region(endpoint.signing_region);
  return partition != nullptr ? std::string(partition->id) : endpoint.url;
}

bool CredentialBroker::Request::asks_with_role() const {
  return !serial.empty() && role_takes_code(chain, options.role_duration, options.use_session);
}

bool CredentialBroker::Request::gets_session() const {
  return !serial.empty() && options.use_session && !asks_with_role();
}

std::optional<std::chrono::seconds> CredentialBroker::Request::wanted(std::size_t index) const {
  return index + 1 == chain.roles.size() && options.role_duration ? options.role_duration : chain.roles[index].duration;
}

void CredentialBroker::Request::want(std::size_t index, std::chrono::seconds duration) {
  if (index + 1 == chain.roles.size() && options.role_duration) {
    options.role_duration = duration;
  } else {
    chain.roles[index].duration = duration;
  }
}

vault::CacheKey CredentialBroker::Request::session_key() const {
  return vault::CacheKey::Builder("session")
      .add("source", identity)
      .add("serial", serial)
      .add("realm", realm())
      .build();
}

vault::CacheKey CredentialBroker::Request::role_key(std::size_t count) const {
  vault::CacheKey::Builder builder("role");
  builder.add("source", identity).add("serial", serial).add("realm", realm());
  builder.add("with_code", asks_with_role() ? "yes" : "no").add("session", options.use_session ? "yes" : "no");
  for (std::size_t i = 0; i < count; ++i) {
    const aws::AssumeRole& role = chain.roles[i];
    const auto duration = wanted(i);
    builder.add("role_arn", role.role_arn)
        .add("external_id", role.external_id)
        .add("session_name", role.role_session_name)
        .add("source_identity", role.source_identity)
        .add("duration", duration ? fmt::format("{}", duration->count()) : "");
  }
  return builder.build();
}

std::string source_identity(const aws::Source& source, const aws::Environment& environment) {
  return std::visit(
      Overloaded{
          [](const aws::StaticKeys& keys) {
            return fmt::format("keys:{}:{}", keys.credentials.access_key_id,
                               keys.credentials.temporary() ? "session" : "");
          },
          [](const aws::VaultKeys& keys) { return fmt::format("vault:{}", keys.profile); },
          [&](const aws::EnvironmentCredentials&) {
            return fmt::format("environment:{}", aws::variable(environment, "AWS_ACCESS_KEY_ID"));
          },
          [&](const aws::ContainerMetadata&) {
            return fmt::format("container:{}:{}", aws::variable(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
                               aws::variable(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
          },
          [](const aws::InstanceMetadata&) { return std::string("instance"); },
          [](const aws::CredentialProcess& process) {
            return fmt::format("process:{}:{}", process.profile, process.command);
          },
          [](const aws::WebIdentity& identity) {
            return fmt::format("web:{}:{}:{}", identity.token_file, identity.role_arn, identity.role_session_name);
          },
          [](const aws::Sso& sso) {
            return fmt::format("sso:{}:{}:{}:{}", sso.session, sso.start_url, sso.account_id, sso.role_name);
          },
      },
      source);
}

std::string account_of(std::string_view arn) {
  std::size_t at = 0;
  for (int colons = 0; colons < 4; ++colons) {
    at = arn.find(':', at);
    if (at == std::string_view::npos) return "";
    ++at;
  }
  return std::string(arn.substr(at, arn.find(':', at) - at));
}

// [\w+=,.@-]{2,64} (STS API reference, RoleSessionName).
std::string session_name_from(std::string_view user, RandomSource& random) {
  std::string name;
  for (const char c : user.substr(0, 40)) {
    const bool allowed = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                         std::string_view("_+=,.@-").find(c) != std::string_view::npos;
    name.push_back(allowed ? c : '-');
  }
  if (name.empty()) name = "tollgate";
  return name + "-" + random_alphanumeric(random, 8);
}

}  // namespace tollgate::deliver
