#include "aws/container_source.h"

#include <algorithm>
#include <array>

#include "aws/aws_error.h"
#include "common/json/value.h"
#include "common/net/url.h"

namespace tollgate::aws {
namespace {

constexpr std::string_view kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr std::string_view kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr std::string_view kTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
constexpr std::string_view kToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr unsigned kAttempts = 3;
constexpr std::chrono::seconds kPause{1};

// The link-local addresses of ECS and of EKS Pod Identity.
bool is_container_host(std::string_view host) {
  static constexpr std::array<std::string_view, 3> kHosts = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  return std::find(kHosts.begin(), kHosts.end(), host) != kHosts.end();
}

tl::unexpected<Error> misconfigured(std::string_view variable_name, std::string message, std::string next) {
  return fail(Error(Code::config, std::move(message)).at(std::string(variable_name)).do_next(std::move(next)));
}

Result<Credentials> read_answer(const std::string& body) {
  const auto unusable = [](std::string_view why) {
    return fail(Error(Code::unknown, fmt::format("the container credentials endpoint's answer is unusable: {}", why))
                    .do_next("check the service behind AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  };
  const auto root = json::parse(body);
  if (!root) return unusable("it is not JSON");
  const auto text = [&](std::string_view name) {
    const json::Value* member = root->find(name);
    return member != nullptr && member->is_string() ? *member->if_string() : std::string();
  };
  Credentials credentials;
  credentials.access_key_id = text("AccessKeyId");
  credentials.secret_access_key = Secret::take(text("SecretAccessKey"));
  credentials.session_token = Secret::take(text("Token"));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty() || credentials.session_token.empty()) {
    return unusable("AccessKeyId, SecretAccessKey or Token is missing");
  }
  if (const auto expiration = text("Expiration"); !expiration.empty()) {
    credentials.expiration = parse_iso8601(expiration);
    if (!credentials.expiration) return unusable("Expiration is no RFC 3339 time");
  }
  return credentials;
}

}  // namespace

Result<std::string> container_endpoint(const Environment& environment) {
  if (const std::string relative = variable(environment, kRelative); !relative.empty()) {
    if (!relative.starts_with('/')) return misconfigured(kRelative, "it must start with /", "unset it or correct it");
    return "http://169.254.170.2" + relative;
  }
  const std::string full = variable(environment, kFull);
  if (full.empty()) {
    return fail(Error(Code::config, fmt::format("neither {} nor {} is set", kRelative, kFull))
                    .do_next("run where a container service sets one of them, or choose another credential source"));
  }
  const auto url = net::parse_url(full);
  if (!url) return misconfigured(kFull, url.error().message, "give the whole URL, with http:// or https:// and a host");
  if (!url->secure() && !net::is_loopback_host(url->host) && !is_container_host(url->host)) {
    return misconfigured(kFull,
                         fmt::format("plain http goes only to this machine and to ECS and EKS, not to {}", url->host),
                         "use https");
  }
  return full;
}

Result<Secret> container_token(const Environment& environment, const FileReader& read_file) {
  std::string token;
  std::string_view origin = kToken;
  if (const std::string path = variable(environment, kTokenFile); !path.empty()) {
    origin = kTokenFile;
    TG_TRY(auto content, read_file(path));
    if (!content)
      return misconfigured(kTokenFile, path + " does not exist", "mount the token file or unset the variable");
    token = std::move(*content);
  } else {
    token = variable(environment, kToken);
  }
  if (token.find_first_of("\r\n") != std::string::npos) {
    wipe(token);
    return misconfigured(origin, "the authorization token holds a line break", "write it without a final line end");
  }
  return Secret::take(std::move(token));
}

Result<Credentials> fetch_container_credentials(net::Client& client, const Clock& clock, const std::string& url,
                                                const Secret& token) {
  net::Request request;
  request.url = url;
  request.headers = {{"Accept", "application/json"}};
  if (!token.empty()) request.headers.emplace_back("Authorization", token.reveal());
  request.use_proxy = url.starts_with("https:");
  request.connect_timeout = std::chrono::seconds(2);
  request.total_timeout = std::chrono::seconds(5);
  request.max_response_bytes = 256U << 10;
  Error last;
  for (unsigned attempt = 1;; ++attempt) {
    auto sent = client.send(request);
    bool again = true;
    if (!sent) {
      last = std::move(sent.error().error).while_doing("asking the container credentials endpoint");
    } else if (sent->status == 200) {
      wipe(request.headers.back().second);
      auto credentials = read_answer(sent->body);
      wipe(sent->body);
      return credentials;
    } else {
      const ErrorAnswer answer = parse_error_answer(*sent);
      last = Error(answer.status == 401 || answer.status == 403 ? Code::forbidden : Code::unavailable,
                   fmt::format("the container credentials endpoint refused with HTTP status {}{}{}{}{}", answer.status,
                               answer.code.empty() ? "" : ": ", answer.code, answer.message.empty() ? "" : ": ",
                               answer.message));
      last.next = "check AWS_CONTAINER_AUTHORIZATION_TOKEN and the service behind the URL";
      again = answer.status >= 500 || answer.status == 429;
    }
    if (!again || attempt == kAttempts) {
      wipe(request.headers.back().second);
      return fail(std::move(last));
    }
    clock.sleep_for(kPause);
  }
}

}  // namespace tollgate::aws
