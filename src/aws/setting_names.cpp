#include "aws/setting_names.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace tollgate::aws {
namespace {

// What clients and this program read.
constexpr std::array<std::string_view, 52> kKnownKeys = {"account_id_endpoint_mode",
                                                         "auth_scheme_preference",
                                                         "aws_access_key_id",
                                                         "aws_account_id",
                                                         "aws_secret_access_key",
                                                         "aws_session_token",
                                                         "ca_bundle",
                                                         "cli_auto_prompt",
                                                         "cli_pager",
                                                         "credential_process",
                                                         "credential_source",
                                                         "defaults_mode",
                                                         "disable_request_compression",
                                                         "duration_seconds",
                                                         "ec2_metadata_service_endpoint",
                                                         "ec2_metadata_service_endpoint_mode",
                                                         "ec2_metadata_v1_disabled",
                                                         "endpoint_discovery_enabled",
                                                         "endpoint_url",
                                                         "external_id",
                                                         "ignore_configured_endpoint_urls",
                                                         "max_attempts",
                                                         "mfa_serial",
                                                         "output",
                                                         "parameter_validation",
                                                         "region",
                                                         "request_checksum_calculation",
                                                         "request_min_compression_size_bytes",
                                                         "response_checksum_validation",
                                                         "retry_mode",
                                                         "role_arn",
                                                         "role_session_name",
                                                         "s3",
                                                         "s3_disable_express_session_auth",
                                                         "s3_disable_multiregion_access_points",
                                                         "s3_use_arn_region",
                                                         "sdk_ua_app_id",
                                                         "services",
                                                         "source_identity",
                                                         "source_profile",
                                                         "sso_account_id",
                                                         "sso_region",
                                                         "sso_registration_scopes",
                                                         "sso_role_name",
                                                         "sso_session",
                                                         "sso_start_url",
                                                         "sts_regional_endpoints",
                                                         "tcp_keepalive",
                                                         "use_dualstack_endpoint",
                                                         "use_fips_endpoint",
                                                         "web_identity_token_file",
                                                         "include_profile"};

// "mfa-serial" and "MFASerial" both become "mfaserial".
std::string skeleton(std::string_view key) {
  std::string bare;
  for (const char c : key) {
    if (((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
      bare.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }
  return bare;
}

// One letter too many, missing, other, or two swapped.
bool one_slip_apart(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  std::size_t same = 0;
  while (same < a.size() && a[same] == b[same])
    ++same;
  const std::string_view rest_a = a.substr(same);
  const std::string_view rest_b = b.substr(same);
  if (a.size() < b.size()) return rest_a == rest_b.substr(1);
  if (rest_a.empty()) return true;
  if (rest_a.substr(1) == rest_b.substr(1)) return true;
  return rest_a.size() >= 2 && rest_a[0] == rest_b[1] && rest_a[1] == rest_b[0] && rest_a.substr(2) == rest_b.substr(2);
}

}  // namespace

bool is_secret_setting(std::string_view key) {
  const auto has = [key](std::string_view part) { return key.find(part) != key.npos; };
  return has("secret") || has("password") || (has("token") && !key.ends_with("_file"));
}

std::string_view setting_meant_by(std::string_view key) {
  if (std::find(kKnownKeys.begin(), kKnownKeys.end(), key) != kKnownKeys.end()) return {};
  const std::string bare = skeleton(key);
  if (bare.size() < 6) return {};
  for (const std::string_view known : kKnownKeys) {
    if (known.size() >= 6 && one_slip_apart(bare, skeleton(known))) return known;
  }
  return {};
}

}  // namespace tollgate::aws
