#include "aws/instance_metadata_source.h"

#include <charconv>

#include "aws/aws_error.h"
#include "common/base/encoding.h"
#include "common/json/value.h"
#include "common/net/url.h"

namespace tollgate::aws {
namespace {

constexpr std::string_view kEndpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
constexpr std::string_view kMode = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Result<unsigned> number_in(const Environment& environment, std::string_view name, unsigned otherwise, unsigned most) {
  const std::string text = variable(environment, name);
  if (text.empty()) return otherwise;
  unsigned value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 1 || value > most) {
    return fail(Error(Code::config, fmt::format("it must be a number from 1 to {}", most)).at(std::string(name)));
  }
  return value;
}

Error refused(int status) {
  return Error(Code::forbidden, fmt::format("the instance metadata service refused with HTTP status {}", status))
      .do_next("check that IMDSv2 is enabled for the instance and, in a container, that its hop limit is 2");
}

// One session of version 2: a token, then reads with it.
class MetadataReader {
 public:
  MetadataReader(net::Client& client, const Clock& clock, const InstanceMetadataOptions& options)
      : client_(client), clock_(clock), options_(options) {}

  Result<std::string> read(std::string_view path) {
    for (bool renewed = false;; renewed = true) {
      TG_CHECK(require_token());
      TG_TRY(auto response, send("GET", path, {{"X-aws-ec2-metadata-token", std::string(token_.reveal())}}));
      if (response.status == 200) return std::move(response.body);
      if (response.status == 401 && !renewed) {
        token_ = Secret();
        continue;
      }
      if (response.status == 404) return fail(Error(Code::not_found, "there is no such instance metadata"));
      return fail(refused(response.status));
    }
  }

 private:
  Result<void> require_token() {
    if (!token_.empty()) return {};
    TG_TRY(auto response, send("PUT", "/latest/api/token", {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}}));
    if (response.status != 200 || response.body.empty() || response.body.find_first_of("\r\n") != std::string::npos) {
      return fail(refused(response.status));
    }
    token_ = Secret::take(std::move(response.body));
    return {};
  }

  Result<net::Response> send(std::string method, std::string_view path, net::Headers headers) {
    net::Request request;
    request.method = std::move(method);
    request.url = options_.endpoint + std::string(path);
    request.headers = std::move(headers);
    request.connect_timeout = request.total_timeout = options_.timeout;
    request.max_response_bytes = 64U << 10;
    request.use_proxy = false;
    for (unsigned attempt = 1;; ++attempt) {
      auto sent = client_.send(request);
      if (sent && sent->status < 500) return std::move(*sent);
      if (attempt >= options_.attempts) {
        if (sent) return fail(refused(sent->status));
        return fail(Error(Code::unavailable,
                          fmt::format("the instance metadata service does not answer: {}", sent.error().error.message))
                        .do_next("this machine may not be an EC2 instance: choose another credential source"));
      }
      clock_.sleep_for(std::chrono::milliseconds(100) * attempt);
    }
  }

  net::Client& client_;
  const Clock& clock_;
  const InstanceMetadataOptions& options_;
  Secret token_;
};

Result<Credentials> read_credentials(const std::string& body) {
  const auto unusable = [](std::string message) {
    return fail(Error(Code::unknown, std::move(message)).do_next("check the instance's role"));
  };
  const auto root = json::parse(body);
  if (!root) return unusable("the instance metadata service answered with something else than credentials");
  const auto text = [&](std::string_view name) {
    const json::Value* member = root->find(name);
    return member != nullptr && member->is_string() ? *member->if_string() : std::string();
  };
  if (text("Code") != "Success") {
    return unusable(fmt::format("the instance metadata service has no credentials: {} {}", displayable(text("Code")),
                                displayable(text("Message"))));
  }
  Credentials credentials;
  credentials.access_key_id = text("AccessKeyId");
  credentials.secret_access_key = Secret::take(text("SecretAccessKey"));
  credentials.session_token = Secret::take(text("Token"));
  credentials.expiration = parse_iso8601(text("Expiration"));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty() || credentials.session_token.empty() ||
      !credentials.expiration) {
    return unusable("the instance metadata service's credentials are incomplete");
  }
  return credentials;
}

}  // namespace

Result<InstanceMetadataOptions> instance_metadata_options(const Environment& environment) {
  if (lower_case(variable(environment, "AWS_EC2_METADATA_DISABLED")) == "true") {
    return fail(Error(Code::config, "AWS_EC2_METADATA_DISABLED forbids the instance metadata service")
                    .do_next("unset it, or choose another credential source"));
  }
  InstanceMetadataOptions options;
  const std::string mode = lower_case(variable(environment, kMode));
  if (mode == "ipv6")
    options.endpoint = "http://[fd00:ec2::254]";
  else if (!mode.empty() && mode != "ipv4")
    return fail(Error(Code::config, "it must be IPv4 or IPv6").at(std::string(kMode)));
  if (std::string endpoint = variable(environment, kEndpoint); !endpoint.empty()) {
    const auto url = net::parse_url(endpoint);
    if (!url) return fail(Error(Code::config, url.error().message).at(std::string(kEndpoint)));
    while (endpoint.ends_with('/'))
      endpoint.pop_back();
    options.endpoint = std::move(endpoint);
  }
  TG_TRY(const unsigned timeout, number_in(environment, "AWS_METADATA_SERVICE_TIMEOUT", 1, 60));
  options.timeout = std::chrono::seconds(timeout);
  TG_TRY(options.attempts, number_in(environment, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", 1, 20));
  return options;
}

Result<Credentials> fetch_instance_credentials(net::Client& client, const Clock& clock,
                                               const InstanceMetadataOptions& options) {
  MetadataReader reader(client, clock, options);
  const auto no_role = [] {
    return fail(Error(Code::not_found, "no role is attached to this instance").do_next("attach an instance profile"));
  };
  auto roles = reader.read(kRolePath);
  if (!roles && roles.error().code == Code::not_found) return no_role();
  if (!roles) return fail(std::move(roles).error());
  const std::string role = roles->substr(0, roles->find_first_of("\r\n"));
  if (role.empty()) return no_role();
  auto body = reader.read(std::string(kRolePath) + percent_encode(role, "+=,@"));
  if (!body) return fail(std::move(body).error());
  auto credentials = read_credentials(*body);
  wipe(*body);
  return credentials;
}

Result<std::string> fetch_instance_region(net::Client& client, const Clock& clock,
                                          const InstanceMetadataOptions& options) {
  TG_TRY(auto region, MetadataReader(client, clock, options).read("/latest/meta-data/placement/region"));
  while (region.ends_with('\n') || region.ends_with('\r'))
    region.pop_back();
  return region;
}

}  // namespace tollgate::aws
