#include "aws/sigv4.h"

#include <strings.h>

#include <algorithm>
#include <stdexcept>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "common/net/url.h"

namespace tollgate::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Headers that proxies and transports add or change on the way.
bool is_left_unsigned(std::string_view name) {
  static constexpr std::string_view kNames[] = {"authorization", "connection",      "expect",
                                                "user-agent",    "x-amzn-trace-id", "transfer-encoding"};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](auto known) { return same_name(name, known); });
}

// Blanks around are cut, runs of blanks (a folded header's line ends too) become one.
void append_trimmed(std::string& out, std::string_view value) {
  bool pending = false;
  bool any = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      pending = any;
      continue;
    }
    if (pending) out.push_back(' ');
    pending = false;
    any = true;
    out.push_back(c);
  }
}

std::string normalise_path(std::string_view path) {
  std::vector<std::string_view> segments;
  std::size_t at = 0;
  while (at <= path.size()) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto segment = path.substr(at, end - at);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    at = end + 1;
  }
  std::string normal;
  for (const auto segment : segments)
    normal.append("/").append(segment);
  if (normal.empty() || path.ends_with('/')) normal.push_back('/');
  return normal;
}

std::string canonical_path(std::string_view path, const CanonicalRules& rules) {
  std::string result = rules.normalise_path ? normalise_path(path) : std::string(path);
  if (result.empty()) result = "/";
  if (!rules.encode_path_twice) {
    if (auto decoded = percent_decode(result)) result = std::move(*decoded);
  }
  return percent_encode(result, "/");
}

// Decodes and encodes again, so that each byte has one spelling. + is a plus: no signer writes a blank so.
std::string respell(std::string_view text) {
  const auto decoded = percent_decode(text);
  return percent_encode(decoded ? std::string_view(*decoded) : text);
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::size_t at = 0;
  while (at < query.size()) {
    const auto end = std::min(query.find('&', at), query.size());
    const auto pair = query.substr(at, end - at);
    at = end + 1;
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    std::string name = respell(pair.substr(0, equals));
    if (name == "X-Amz-Signature") continue;
    pairs.emplace_back(std::move(name), equals == pair.size() ? std::string() : respell(pair.substr(equals + 1)));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string text;
  for (const auto& [name, value] : pairs) {
    if (!text.empty()) text.push_back('&');
    text.append(name).append("=").append(value);
  }
  return text;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text.push_back(';');
    text += name;
  }
  return text;
}

std::vector<std::string> names_to_sign(const net::Headers& headers) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers) {
    if (!is_left_unsigned(name)) names.push_back(lower_case(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void remove_header(net::Headers& headers, std::string_view name) {
  headers.erase(
      std::remove_if(headers.begin(), headers.end(), [&](const auto& header) { return same_name(header.first, name); }),
      headers.end());
}

void set_header(net::Headers& headers, std::string_view name, std::string value) {
  remove_header(headers, name);
  headers.emplace_back(name, std::move(value));
}

net::Url split_url(const net::Request& request) {
  auto url = net::parse_url(request.url);
  // A request is built by this program from checked parts: anything else is a bug.
  if (!url) throw std::invalid_argument("signing a request: " + url.error().message);
  return std::move(*url);
}

void require_host(net::Headers& headers, const net::Url& url) {
  if (net::find_header(headers, "host") == nullptr) headers.emplace_back("Host", url.authority());
}

std::string payload_hash_of(const net::Request& request, const SigningOptions& options) {
  return options.payload_hash.empty() ? crypto::sha256_hex(request.body) : options.payload_hash;
}

std::string signature_of(const net::Request& request, const std::string& target, const std::vector<std::string>& names,
                         std::string_view payload_hash, const Credentials& credentials, const Scope& scope,
                         TimePoint now, const CanonicalRules& rules) {
  const std::string date = format_amz_date(now).substr(0, 8);
  const WireRequest wire{request.method, target, request.headers, request.body};
  const std::string text = string_to_sign(now, date, scope, canonical_request(wire, names, payload_hash, rules));
  const Secret key = derive_signing_key(credentials.secret_access_key, date, scope);
  return hex_encode(crypto::hmac_sha256(key.reveal(), text));
}

std::string credential_of(const Credentials& credentials, const Scope& scope, TimePoint now) {
  return fmt::format("{}/{}/{}/{}/aws4_request", credentials.access_key_id, format_amz_date(now).substr(0, 8),
                     scope.region, scope.service);
}

}  // namespace

CanonicalRules CanonicalRules::for_service(std::string_view service) {
  CanonicalRules rules;
  rules.encode_path_twice = rules.normalise_path = service != "s3";
  return rules;
}

SigningOptions SigningOptions::for_service(std::string_view service) {
  SigningOptions options;
  options.rules = CanonicalRules::for_service(service);
  options.content_sha256_header = service == "s3";
  return options;
}

std::string canonical_request(const WireRequest& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, const CanonicalRules& rules) {
  const auto question = std::min(request.target.find('?'), request.target.size());
  std::string text;
  text.append(request.method).append("\n");
  text.append(canonical_path(request.target.substr(0, question), rules)).append("\n");
  text.append(canonical_query(request.target.substr(std::min(question + 1, request.target.size())))).append("\n");
  for (const auto& name : signed_headers) {
    text.append(name).append(":");
    bool first = true;
    for (const auto& [key, value] : request.headers) {
      if (!same_name(key, name)) continue;
      if (!first) text.push_back(',');
      first = false;
      append_trimmed(text, value);
    }
    text.append("\n");
  }
  text.append("\n").append(join(signed_headers)).append("\n").append(payload_hash);
  return text;
}

std::string string_to_sign(TimePoint time, std::string_view date, const Scope& scope,
                           std::string_view canonical_request_text) {
  return fmt::format("{}\n{}\n{}/{}/{}/aws4_request\n{}", kAlgorithm, format_amz_date(time), date, scope.region,
                     scope.service, crypto::sha256_hex(canonical_request_text));
}

Secret derive_signing_key(const Secret& secret_access_key, std::string_view date, const Scope& scope) {
  std::string key;
  key.reserve(4 + secret_access_key.size());
  key.append("AWS4").append(secret_access_key.reveal());
  for (const std::string_view part :
       {date, std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")}) {
    std::string next = crypto::hmac_sha256(key, part);
    wipe(key);
    key = std::move(next);
  }
  return Secret::take(std::move(key));
}

void sign(net::Request& request, const Credentials& credentials, const Scope& scope, TimePoint now) {
  sign(request, credentials, scope, now, SigningOptions::for_service(scope.service));
}

void sign(net::Request& request, const Credentials& credentials, const Scope& scope, TimePoint now,
          const SigningOptions& options) {
  const net::Url url = split_url(request);
  auto& headers = request.headers;
  remove_header(headers, "Authorization");
  remove_header(headers, "X-Amz-Security-Token");
  require_host(headers, url);
  set_header(headers, "X-Amz-Date", format_amz_date(now));
  const std::string payload_hash = payload_hash_of(request, options);
  if (options.content_sha256_header) set_header(headers, "X-Amz-Content-Sha256", payload_hash);
  const bool token = credentials.temporary();
  if (token && options.sign_session_token) {
    headers.emplace_back("X-Amz-Security-Token", credentials.session_token.reveal());
  }
  const auto names = names_to_sign(headers);
  const std::string signature =
      signature_of(request, url.target, names, payload_hash, credentials, scope, now, options.rules);
  if (token && !options.sign_session_token) {
    headers.emplace_back("X-Amz-Security-Token", credentials.session_token.reveal());
  }
  headers.emplace_back("Authorization", fmt::format("{} Credential={}, SignedHeaders={}, Signature={}", kAlgorithm,
                                                    credential_of(credentials, scope, now), join(names), signature));
}

void presign(net::Request& request, const Credentials& credentials, const Scope& scope, TimePoint now,
             std::chrono::seconds expires, const SigningOptions& options) {
  net::Url url = split_url(request);
  require_host(request.headers, url);
  const auto names = names_to_sign(request.headers);
  std::string& target = url.target;
  const auto add = [&](std::string_view name, std::string_view value) {
    target += target.find('?') == std::string::npos ? '?' : '&';
    target.append(name).append("=").append(percent_encode(value));
  };
  const auto add_token = [&] { add("X-Amz-Security-Token", credentials.session_token.reveal()); };
  add("X-Amz-Algorithm", kAlgorithm);
  add("X-Amz-Credential", credential_of(credentials, scope, now));
  add("X-Amz-Date", format_amz_date(now));
  add("X-Amz-SignedHeaders", join(names));
  add("X-Amz-Expires", fmt::format("{}", expires.count()));
  if (credentials.temporary() && options.sign_session_token) add_token();
  const std::string payload_hash = scope.service == "s3" && options.payload_hash.empty()
                                       ? std::string(kUnsignedPayload)
                                       : payload_hash_of(request, options);
  const std::string signature =
      signature_of(request, target, names, payload_hash, credentials, scope, now, options.rules);
  if (credentials.temporary() && !options.sign_session_token) add_token();
  add("X-Amz-Signature", signature);
  request.url = url.text();
}

}  // namespace tollgate::aws
