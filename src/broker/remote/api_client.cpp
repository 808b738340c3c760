#include "broker/remote/api_client.h"

#include "common/base/secret.h"
#include "common/net/url.h"

namespace tollgate::remote {
namespace {

constexpr std::string_view kJsonApi = "application/vnd.api+json";
constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kMaxDocumentBytes = 16U << 20;

bool is_success(int status) {
  return status >= 200 && status < 300;
}

Error not_the_api(std::string_view host) {
  return Error(Code::config, fmt::format("{} answers, but not as a run server does", host))
      .because("not_the_api")
      .do_next("check the host and its port");
}

// The first entry of an error document; empty texts where there is none.
struct Refusal {
  std::string sentence;
  std::string code;
};

Refusal refusal_in(const net::Response& response) {
  Refusal refusal;
  const auto document = json::parse(response.body);
  const json::Value* errors = document ? document->find("errors") : nullptr;
  const json::Array* entries = errors == nullptr ? nullptr : errors->if_array();
  if (entries == nullptr || entries->empty()) return refusal;
  const auto text = [&](std::string_view key) {
    const json::Value* found = entries->front().find(key);
    const std::string* value = found == nullptr ? nullptr : found->if_string();
    return value == nullptr ? std::string() : *value;
  };
  refusal.sentence = text("detail").empty() ? text("title") : text("detail");
  refusal.code = text("code");
  return refusal;
}

Code code_of(int status) {
  switch (status) {
    case 400:
    case 422:
      return Code::invalid;
    case 401:
      return Code::unauthorized;
    case 403:
      return Code::forbidden;
    case 404:
      return Code::not_found;
    case 409:
      return Code::conflict;
    case 423:
      return Code::locked;
    case 429:
      return Code::throttled;
    case 503:
    case 504:
      return Code::unavailable;
    default:
      return status >= 500 ? Code::unknown : Code::config;
  }
}

std::string advice(int status, std::string_view host, const Token& token) {
  switch (status) {
    case 401:
      return fmt::format("the token is from {}: run `terraform login {}` for a new one", token.origin, host);
    case 403:
      return "ask an owner of the organization for the right to do this";
    case 404:
      return "check the id and the names: what you may not see is not there either";
    case 429:
      return "wait a moment";
    case 502:
    case 503:
    case 504:
      return "try again in a moment; if it stays, look at the server's log";
    default:
      return status >= 500 ? "look at the server's log" : "";
  }
}

net::Request request_to(std::string method, std::string url) {
  net::Request request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.total_timeout = kPatience;
  request.max_response_bytes = kMaxDocumentBytes;
  return request;
}

// Where `place` leads as an address on `host`; it may be one already.
std::string resolved(const std::string& host, std::string place) {
  if (place.find("://") == std::string::npos) {
    place = fmt::format("https://{}{}{}", host, place.starts_with('/') ? "" : "/", place);
  }
  if (!place.ends_with('/')) place += '/';
  return place;
}

Result<std::string> checked(const std::string& host, std::string base, bool by_settings) {
  const auto url = net::parse_url(base);
  if (!url) return fail(not_the_api(host));
  if (!url->secure() && !by_settings && !net::is_loopback_host(url->host)) {
    return fail(Error(Code::config, fmt::format("{} has its API without TLS, where tokens are not sent", host))
                    .do_next("ask who runs the server"));
  }
  return base;
}

}  // namespace

Error error_of(net::Failure failure, std::string_view host) {
  Error error = std::move(failure.error);
  if (error.reason == net::kBadCaFile) {
    error.do_next("check SSL_CERT_FILE");
  } else if (error.reason == net::kNotTrusted) {
    error.do_next(
        fmt::format("if {} has a certificate authority of its own, set SSL_CERT_FILE to its ca.pem, as for "
                    "terraform; otherwise do not go on",
                    host));
  } else {
    error.do_next(fmt::format("check that {} is right and that its server runs; HTTPS_PROXY and NO_PROXY count", host));
  }
  return error;
}

Result<std::string> find_api(net::Client& network, const std::string& host, const TerraformSettings& settings) {
  std::string named = settings.api_of(host);
  if (!named.empty()) return checked(host, resolved(host, std::move(named)), true);
  net::Request request = request_to("GET", fmt::format("https://{}/.well-known/terraform.json", host));
  request.headers = {{"Accept", "application/json"}};
  request.max_response_bytes = 1U << 20;
  const auto answer = network.send(request);
  if (!answer) return fail(error_of(answer.error(), host));
  if (answer->status >= 500) {
    return fail(Error(code_of(answer->status), fmt::format("{} answers with status {}", host, answer->status))
                    .do_next(advice(answer->status, host, {})));
  }
  const auto document = answer->status == 200 ? json::parse(answer->body) : json::parse("null");
  const json::Value* service = document ? document->find("tfe.v2") : nullptr;
  const std::string* place = service == nullptr ? nullptr : service->if_string();
  if (place == nullptr) return fail(not_the_api(host));
  return checked(host, resolved(host, *place), false);
}

ApiClient::ApiClient(net::Client& network, std::string host, std::string base, Token token)
    : network_(network), host_(std::move(host)), base_(std::move(base)), token_(std::move(token)) {}

tl::expected<net::Response, net::Failure> ApiClient::send(std::string method, std::string_view path, std::string body) {
  net::Request request = request_to(std::move(method), base_ + std::string(path));
  request.headers = {{"Accept", std::string(kJsonApi)},
                     {"Authorization", fmt::format("Bearer {}", token_.value.reveal())}};
  if (request.method != "GET") request.headers.emplace_back("Content-Type", kJsonApi);
  request.body = std::move(body);
  auto outcome = network_.send(request);
  wipe(request.headers[1].second);
  wipe(request.body);
  return outcome;
}

Result<json::Value> ApiClient::document_of(tl::expected<net::Response, net::Failure> outcome) const {
  if (!outcome) return fail(remote::error_of(std::move(outcome).error(), host_));
  if (!is_success(outcome->status)) return fail(error_of(*outcome));
  if (outcome->body.empty()) return json::Value();
  auto document = json::parse(outcome->body);
  if (!document) return fail(not_the_api(host_));
  return std::move(*document);
}

Result<json::Value> ApiClient::get(std::string_view path) {
  return document_of(send("GET", path, ""));
}

Result<json::Value> ApiClient::post(std::string_view path, const json::Value& body) {
  return document_of(send("POST", path, json::to_text(body)));
}

Result<std::string> ApiClient::read_signed(const std::string& url) {
  const net::Request request = request_to("GET", url);
  auto outcome = network_.send(request);
  if (!outcome) return fail(remote::error_of(std::move(outcome).error(), host_));
  if (!is_success(outcome->status)) return fail(error_of(*outcome));
  return std::move(outcome->body);
}

Error ApiClient::error_of(const net::Response& response) const {
  const Refusal refusal = refusal_in(response);
  Error error(code_of(response.status), refusal.sentence);
  if (response.status == 401) {
    error.message = fmt::format("{} does not accept the token", host_);
  } else if (response.status == 404) {
    error.message = fmt::format("{} has no such thing", host_);
  } else if (refusal.sentence.empty()) {
    if (response.status < 500) return not_the_api(host_);
    error.message = fmt::format("{} answers with status {}", host_, response.status);
  }
  error.reason = refusal.code;
  error.next = advice(response.status, host_, token_);
  return error;
}

}  // namespace tollgate::remote
