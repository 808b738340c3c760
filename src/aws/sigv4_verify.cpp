#include <algorithm>
#include <charconv>

#include "aws/sigv4.h"
#include "common/base/encoding.h"
#include "common/crypto/hash.h"

namespace tollgate::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTokenParameter = "X-Amz-Security-Token";
constexpr std::chrono::seconds kMaxPresignLife = std::chrono::hours(24 * 7);

tl::unexpected<Error> refuse(std::string_view code, std::string message) {
  return fail(Error(Code::unauthorized, std::move(message)).because(std::string(code)));
}

std::string_view query_of(std::string_view target) {
  const auto question = target.find('?');
  return question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
}

template <class Visit>
void for_each_pair(std::string_view query, Visit visit) {
  for (std::size_t at = 0; at < query.size();) {
    const auto end = std::min(query.find('&', at), query.size());
    const auto pair = query.substr(at, end - at);
    const auto equals = std::min(pair.find('='), pair.size());
    visit(pair, pair.substr(0, equals), equals == pair.size() ? std::string_view() : pair.substr(equals + 1));
    at = end + 1;
  }
}

// The decoded value of the first parameter of that name.
std::optional<std::string> query_parameter(std::string_view target, std::string_view wanted) {
  std::optional<std::string> found;
  for_each_pair(query_of(target), [&](std::string_view, std::string_view name, std::string_view value) {
    if (!found && percent_decode(name) == wanted) found = percent_decode(value).value_or(std::string(value));
  });
  return found;
}

std::string without_parameter(std::string_view target, std::string_view unwanted) {
  std::string result(target.substr(0, std::min(target.find('?'), target.size())));
  char separator = '?';
  for_each_pair(query_of(target), [&](std::string_view pair, std::string_view name, std::string_view) {
    if (percent_decode(name) == unwanted) return;
    result.push_back(separator);
    result += pair;
    separator = '&';
  });
  return result;
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

// ACCESSKEY/YYYYMMDD/region/service/aws4_request
bool read_credential(std::string_view text, Authorization& into) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) break;
    text.remove_prefix(slash + 1);
  }
  if (parts.size() != 5 || parts[0].empty() || parts[1].size() != 8 || parts[4] != "aws4_request") return false;
  into.access_key_id = parts[0];
  into.date = parts[1];
  into.scope.region = parts[2];
  into.scope.service = parts[3];
  return true;
}

std::string header_or_empty(const WireRequest& request, std::string_view name) {
  const auto* value = net::find_header(request.headers, name);
  return value == nullptr ? std::string() : *value;
}

Result<Authorization> parse_header_form(const WireRequest& request, std::string_view header) {
  const auto blank = std::min(header.find(' '), header.size());
  if (header.substr(0, blank) != kAlgorithm) {
    return refuse("IncompleteSignature", "the Authorization header does not begin with AWS4-HMAC-SHA256");
  }
  Authorization authorization;
  authorization.form = SignatureForm::header;
  std::string_view rest = header.substr(blank);
  bool credential = false;
  while (!rest.empty()) {
    const auto start = std::min(rest.find_first_not_of(" ,\t"), rest.size());
    rest.remove_prefix(start);
    const auto end = std::min(rest.find_first_of(", \t"), rest.size());
    const auto part = rest.substr(0, end);
    rest.remove_prefix(end);
    const auto equals = std::min(part.find('='), part.size());
    const auto name = part.substr(0, equals);
    const auto value = equals == part.size() ? std::string_view() : part.substr(equals + 1);
    if (name == "Credential") {
      credential = true;
      if (!read_credential(value, authorization)) {
        return refuse("IncompleteSignature", "Credential must be KEY/YYYYMMDD/region/service/aws4_request");
      }
    } else if (name == "SignedHeaders") {
      authorization.signed_headers = split_names(value);
    } else if (name == "Signature") {
      authorization.signature = value;
    }
  }
  std::string missing;
  if (!credential) missing += " Credential";
  if (authorization.signed_headers.empty()) missing += " SignedHeaders";
  if (authorization.signature.empty()) missing += " Signature";
  if (!missing.empty()) return refuse("IncompleteSignature", "the Authorization header lacks" + missing);

  std::optional<TimePoint> time;
  if (const auto* stamp = net::find_header(request.headers, "x-amz-date")) {
    time = parse_amz_date(*stamp);
  } else if (const auto* date = net::find_header(request.headers, "date")) {
    time = parse_http_date(*date);
    if (!time) time = parse_amz_date(*date);
  } else {
    return refuse("IncompleteSignature", "neither an X-Amz-Date nor a Date header was sent");
  }
  if (!time) return refuse("IncompleteSignature", "the date must be in ISO 8601 basic form, as 20260102T030405Z");
  authorization.time = *time;
  authorization.security_token = header_or_empty(request, kTokenParameter);
  authorization.payload_hash = header_or_empty(request, "x-amz-content-sha256");
  return authorization;
}

Result<Authorization> parse_query_form(const WireRequest& request) {
  constexpr std::string_view kReason = "AuthorizationQueryParametersError";
  const auto parameter = [&](std::string_view name) { return query_parameter(request.target, name); };
  if (parameter("X-Amz-Algorithm") != kAlgorithm) {
    return refuse(kReason, "X-Amz-Algorithm only supports AWS4-HMAC-SHA256");
  }
  Authorization authorization;
  authorization.form = SignatureForm::query;
  const auto credential = parameter("X-Amz-Credential");
  const auto date = parameter("X-Amz-Date");
  const auto names = parameter("X-Amz-SignedHeaders");
  const auto signature = parameter("X-Amz-Signature");
  const auto expires = parameter("X-Amz-Expires");
  if (!credential || !date || !names || !signature || !expires || signature->empty() || names->empty()) {
    return refuse(kReason,
                  "a signed URL needs X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
                  "X-Amz-SignedHeaders and X-Amz-Expires");
  }
  if (!read_credential(*credential, authorization)) {
    return refuse(kReason, "X-Amz-Credential must be KEY/YYYYMMDD/region/service/aws4_request");
  }
  const auto time = parse_amz_date(*date);
  if (!time) return refuse(kReason, "X-Amz-Date must be in ISO 8601 basic form, as 20260102T030405Z");
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(expires->data(), expires->data() + expires->size(), seconds);
  if (parsed.ec != std::errc() || parsed.ptr != expires->data() + expires->size() || seconds < 0 ||
      seconds > kMaxPresignLife.count()) {
    return refuse(kReason, "X-Amz-Expires must be a number of seconds, at most 604800");
  }
  authorization.time = *time;
  authorization.expires = std::chrono::seconds(seconds);
  authorization.signed_headers = split_names(*names);
  authorization.signature = *signature;
  authorization.security_token = parameter(kTokenParameter).value_or("");
  authorization.payload_hash = header_or_empty(request, "x-amz-content-sha256");
  if (authorization.payload_hash.empty()) {
    authorization.payload_hash = parameter("X-Amz-Content-Sha256").value_or("");
  }
  if (authorization.payload_hash.empty() && authorization.scope.service == "s3") {
    authorization.payload_hash = kUnsignedPayload;
  }
  return authorization;
}

bool is_content_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Only S3 may leave its payload unsigned or hash it in pieces; everywhere else the body itself counts.
std::string payload_hash_for(const WireRequest& request, const Authorization& authorization) {
  if (authorization.scope.service == "s3" && !authorization.payload_hash.empty()) return authorization.payload_hash;
  return crypto::sha256_hex(request.body);
}

std::string signature_of(std::string_view text, const Authorization& authorization, const Secret& secret_access_key) {
  const Secret key = derive_signing_key(secret_access_key, authorization.date, authorization.scope);
  return hex_encode(crypto::hmac_sha256(key.reveal(), text));
}

// The token itself may stay unsigned: some services have it added after signing, and it names the key that signed.
bool leaves_headers_unsigned(const WireRequest& request, const Authorization& authorization) {
  const auto is_signed = [&](const std::string& name) {
    return std::find(authorization.signed_headers.begin(), authorization.signed_headers.end(), name) !=
           authorization.signed_headers.end();
  };
  if (!is_signed("host")) return true;
  for (const auto& [name, value] : request.headers) {
    std::string lower(name);
    for (char& c : lower) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (lower.starts_with("x-amz-") && lower != "x-amz-security-token" && !is_signed(lower)) return true;
  }
  return false;
}

}  // namespace

Result<Authorization> parse_authorization(const WireRequest& request) {
  const auto* header = net::find_header(request.headers, "authorization");
  const bool in_query =
      query_parameter(request.target, "X-Amz-Algorithm") || query_parameter(request.target, "X-Amz-Signature");
  if (header == nullptr && !in_query) {
    return refuse("MissingAuthenticationToken", "the request is not signed");
  }
  if (header != nullptr && in_query) {
    return refuse("InvalidArgument", "the request is signed twice, by header and by query");
  }
  auto authorization = header != nullptr ? parse_header_form(request, *header) : parse_query_form(request);
  if (!authorization) return authorization;
  if (authorization->date != format_amz_date(authorization->time).substr(0, 8)) {
    return refuse("SignatureDoesNotMatch", "the date of the credential scope is not the day of the request's date");
  }
  return authorization;
}

Expectation expected_signature(const WireRequest& request, const Authorization& authorization,
                               const Secret& secret_access_key, const CanonicalRules& rules) {
  Expectation expectation;
  expectation.canonical_request =
      canonical_request(request, authorization.signed_headers, payload_hash_for(request, authorization), rules);
  expectation.string_to_sign =
      string_to_sign(authorization.time, authorization.date, authorization.scope, expectation.canonical_request);
  expectation.signature = signature_of(expectation.string_to_sign, authorization, secret_access_key);
  return expectation;
}

Verdict verify(const WireRequest& request, const Authorization& authorization, const Secret& secret_access_key) {
  return verify(request, authorization, secret_access_key, CanonicalRules::for_service(authorization.scope.service));
}

Verdict verify(const WireRequest& request, const Authorization& authorization, const Secret& secret_access_key,
               const CanonicalRules& rules) {
  if (leaves_headers_unsigned(request, authorization)) return Verdict::header_unsigned;
  const auto matches = [&](std::string_view target) {
    const WireRequest candidate{request.method, target, request.headers, request.body};
    return crypto::constant_time_equal(expected_signature(candidate, authorization, secret_access_key, rules).signature,
                                       authorization.signature);
  };
  bool valid = matches(request.target);
  if (!valid && authorization.form == SignatureForm::query && !authorization.security_token.empty()) {
    valid = matches(without_parameter(request.target, kTokenParameter));
  }
  if (!valid) return Verdict::signature_differs;
  if (is_content_hash(authorization.payload_hash) &&
      !crypto::constant_time_equal(authorization.payload_hash, crypto::sha256_hex(request.body))) {
    return Verdict::content_differs;
  }
  return Verdict::valid;
}

TimeVerdict check_time(const Authorization& authorization, TimePoint now) {
  if (authorization.time > now + kAllowedClockSkew) return TimeVerdict::not_yet_valid;
  const auto life = authorization.expires ? std::chrono::duration_cast<Duration>(*authorization.expires)
                                          : std::chrono::duration_cast<Duration>(kAllowedClockSkew);
  return now > authorization.time + life ? TimeVerdict::expired : TimeVerdict::valid;
}

}  // namespace tollgate::aws
