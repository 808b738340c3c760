#include "aws/endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "aws/ini_remarks.h"

namespace tollgate::aws {
namespace {

// botocore/partitions.json; a test compares the two. The IAM columns are the endpoint rules of IAM.
constexpr std::array<Partition, 8> kPartitions = {{
    {"aws", "", "amazonaws.com", "api.aws", "us-east-1", "aws-global", "", "us-east-1"},
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1", "aws-cn-global",
     "cn-north-1", "cn-north-1"},
    {"aws-eusc", "eusc-de-", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1", "", "eusc-de-east-1",
     "eusc-de-east-1"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", "aws-iso-global", "us-iso-east-1",
     "us-iso-east-1"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1", "aws-iso-b-global", "us-isob-east-1",
     "us-isob-east-1"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1", "aws-iso-e-global",
     "eu-isoe-west-1", "eu-isoe-west-1"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1", "aws-iso-f-global",
     "us-isof-south-1", "us-isof-south-1"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", "us-gov-west-1", "aws-us-gov-global", "us-gov",
     "us-gov-west-1"},
}};

constexpr std::array<std::string_view, 9> kCommercialAreas = {"af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us"};

// The regions that used the global STS endpoint before there were regional ones (UseGlobalEndpoint rules of STS).
constexpr std::array<std::string_view, 16> kLegacyStsRegions = {
    "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1",
    "eu-central-1",   "eu-north-1", "eu-west-1",      "eu-west-2",      "eu-west-3",  "sa-east-1",
    "us-east-1",      "us-east-2",  "us-west-1",      "us-west-2"};

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_';
  });
}
bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "east-1": a word, a hyphen, a number.
bool is_direction_and_number(std::string_view text) {
  const std::size_t hyphen = text.find('-');
  return hyphen != text.npos && is_word(text.substr(0, hyphen)) && is_number(text.substr(hyphen + 1));
}

bool is_region_of(const Partition& partition, std::string_view region) {
  if (!partition.region_prefix.empty()) {
    return region.starts_with(partition.region_prefix) &&
           is_direction_and_number(region.substr(partition.region_prefix.size()));
  }
  const std::size_t hyphen = region.find('-');
  return hyphen != region.npos &&
         std::find(kCommercialAreas.begin(), kCommercialAreas.end(), region.substr(0, hyphen)) !=
             kCommercialAreas.end() &&
         is_direction_and_number(region.substr(hyphen + 1));
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

// AWS_ENDPOINT_URL_SSO_OIDC and, in a services section, sso_oidc.
std::string service_key(std::string_view service_id) {
  std::string key = to_lower(service_id);
  std::replace(key.begin(), key.end(), ' ', '_');
  return key;
}
std::string service_variable(std::string_view service_id) {
  std::string name = "AWS_ENDPOINT_URL_" + service_key(service_id);
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return name;
}

Error config_error(std::string message, std::string next, std::string_view reason) {
  return Error(Code::config, std::move(message)).do_next(std::move(next)).because(std::string(reason));
}

Result<Endpoint> custom_endpoint(const EndpointRequest& request) {
  std::string_view url = request.endpoint_url;
  if (request.use_fips || request.use_dual_stack) {
    return fail(config_error(fmt::format("{} and endpoint_url exclude each other",
                                         request.use_fips ? "use_fips_endpoint" : "use_dualstack_endpoint"),
                             "remove one of the two; an endpoint_url may itself name the FIPS or dual-stack host",
                             "endpoint_conflict"));
  }
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const std::string_view host = scheme == 0 ? "" : url.substr(scheme, url.find('/', scheme) - scheme);
  const bool clean = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (host.empty() || !clean || url.find_first_of("@?#\\\"") != url.npos) {
    return fail(config_error(
        fmt::format("the endpoint URL {} of {} is no plain http or https URL", printable(url), request.service_id),
        "write https://HOST or http://HOST:PORT, without user name and query", "bad_endpoint_url"));
  }
  while (url.ends_with('/'))
    url.remove_suffix(1);
  Endpoint endpoint;
  endpoint.url = url;
  endpoint.signing_region = request.region.empty() ? "us-east-1" : request.region;
  if (const Partition* partition = partition_of_region(request.region);
      partition != nullptr && partition->global_pseudo_region == request.region) {
    endpoint.signing_region = partition->global_region;
  }
  endpoint.configured = true;
  return endpoint;
}

Error not_offered(const EndpointRequest& request, std::string_view partition) {
  return config_error(fmt::format("{} has no {} endpoint in partition {} that is known here", request.service_id,
                                  request.use_fips ? "FIPS" : "dual-stack", partition),
                      fmt::format("set {} to the endpoint's URL", service_variable(request.service_id)),
                      "endpoint_not_offered");
}

// IAM is one service for a whole partition.
Result<Endpoint> iam_endpoint(const EndpointRequest& request, const Partition& partition) {
  const bool commercial = partition.id == "aws";
  const bool government = partition.id == "aws-us-gov";
  if ((request.use_fips && !commercial && !government) ||
      (request.use_dual_stack && !commercial && !government && partition.id != "aws-cn")) {
    return fail(not_offered(request, partition.id));
  }
  const std::string_view host = request.use_fips && commercial ? "iam-fips" : "iam";
  std::string_view label = partition.iam_label;
  if (request.use_dual_stack && !government) label = "global";
  const std::string_view suffix = request.use_dual_stack ? partition.dual_stack_suffix : partition.dns_suffix;
  Endpoint endpoint;
  endpoint.url = fmt::format("https://{}{}{}.{}", host, label.empty() ? "" : ".", label, suffix);
  endpoint.signing_region = partition.iam_signing_region;
  return endpoint;
}

Result<Endpoint> regional_endpoint(const EndpointRequest& request, const Partition& partition,
                                   std::string_view service) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kHosts = {
      {{"sts", "sts"}, {"sso", "portal.sso"}, {"sso_oidc", "oidc"}}};
  const auto known = std::find_if(kHosts.begin(), kHosts.end(), [&](const auto& row) { return row.first == service; });
  const bool modelled = known != kHosts.end();
  if (!modelled && (request.use_fips || request.use_dual_stack)) return fail(not_offered(request, partition.id));
  if (!modelled && !valid_region_name(service)) {
    return fail(config_error(fmt::format("the endpoint of service {} is not known", printable(request.service_id)),
                             fmt::format("set {} to its URL", service_variable(request.service_id)),
                             "endpoint_not_offered"));
  }
  std::string host(modelled ? known->second : service);
  // In GovCloud the ordinary hosts are the FIPS hosts.
  if (request.use_fips && (partition.id != "aws-us-gov" || request.use_dual_stack)) host += "-fips";
  Endpoint endpoint;
  endpoint.url = fmt::format("https://{}.{}.{}", host, request.region,
                             request.use_dual_stack ? partition.dual_stack_suffix : partition.dns_suffix);
  endpoint.signing_region = request.region;
  return endpoint;
}

// The value of a yes-or-no setting: environment first. A file's value that is neither counts as false, as in the SDK.
Result<bool> flag(const Environment& environment, std::string_view variable_name, const Profile* profile,
                  std::string_view key) {
  if (const std::string value = to_lower(variable(environment, variable_name)); !value.empty()) {
    if (value == "true") return true;
    if (value == "false") return false;
    return fail(config_error(fmt::format("{} is neither true nor false", variable_name),
                             fmt::format("set {} to true or false, or unset it", variable_name), "bad_variable")
                    .at(std::string(variable_name)));
  }
  return profile != nullptr && to_lower(profile->text(key)) == "true";
}

}  // namespace

std::span<const Partition> partitions() {
  return kPartitions;
}

const Partition* partition_of_region(std::string_view region) {
  for (const Partition& partition : kPartitions) {
    if (is_region_of(partition, region)) return &partition;
    if (!region.empty() && partition.global_pseudo_region == region) return &partition;
  }
  return nullptr;
}

const Partition* partition_of_arn(std::string_view arn) {
  if (!arn.starts_with("arn:")) return nullptr;
  const std::string_view id = arn.substr(4, arn.find(':', 4) - 4);
  for (const Partition& partition : kPartitions) {
    if (partition.id == id) return &partition;
  }
  return nullptr;
}

bool valid_region_name(std::string_view region) {
  return !region.empty() && region.size() <= 63 && region.front() != '-' && region.back() != '-' &&
         std::all_of(region.begin(), region.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<Endpoint> resolve_endpoint(const EndpointRequest& request) {
  if (!request.region.empty() && !valid_region_name(request.region)) {
    return fail(config_error(fmt::format("{} is no region's name", printable(request.region)),
                             "write a region such as eu-west-1", "bad_region"));
  }
  if (!request.endpoint_url.empty()) return custom_endpoint(request);

  const std::string service = service_key(request.service_id);
  const Partition* found = partition_of_region(request.region);
  const Partition& partition = found == nullptr ? kPartitions.front() : *found;
  if (service == "iam") return iam_endpoint(request, partition);

  const bool plain = !request.use_fips && !request.use_dual_stack;
  const bool global = request.region.empty() || partition.global_pseudo_region == request.region;
  if (service == "sts" && plain) {
    const bool legacy = request.legacy_global && std::find(kLegacyStsRegions.begin(), kLegacyStsRegions.end(),
                                                           request.region) != kLegacyStsRegions.end();
    if (legacy || (global && partition.id == "aws")) {
      Endpoint endpoint;
      endpoint.url = "https://sts.amazonaws.com";
      endpoint.signing_region = "us-east-1";
      return endpoint;
    }
  }
  if (request.region.empty() || (global && !plain)) {
    return fail(config_error(
        fmt::format("{} needs a region{}", request.service_id, plain ? "" : " for FIPS and dual-stack endpoints"),
        "set AWS_REGION, or region in the profile", "region_missing"));
  }
  if (global) {
    EndpointRequest real = request;
    real.region = partition.global_region;
    return regional_endpoint(real, partition, service);
  }
  return regional_endpoint(request, partition, service);
}

std::optional<std::string> configured_endpoint_url(std::string_view service_id, const Environment& environment,
                                                   const ProfileSet& set, const Profile* profile) {
  const Result<bool> ignored =
      flag(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", profile, "ignore_configured_endpoint_urls");
  if (ignored && *ignored) return std::nullopt;
  for (const std::string& name : {service_variable(service_id), std::string("AWS_ENDPOINT_URL")}) {
    if (std::string url = variable(environment, name); !url.empty()) return url;
  }
  if (profile == nullptr) return std::nullopt;
  if (const Section* services = set.find_services(profile->text("services")); services != nullptr) {
    if (const Setting* service = services->find(service_key(service_id)); service != nullptr) {
      // The last of equal keys counts.
      for (auto nested = service->nested.rbegin(); nested != service->nested.rend(); ++nested) {
        if (nested->first == "endpoint_url" && !nested->second.empty()) return nested->second;
      }
    }
  }
  const std::string_view url = profile->text("endpoint_url");
  return url.empty() ? std::nullopt : std::optional<std::string>(url);
}

Result<EndpointRequest> endpoint_request(std::string_view service_id, std::string_view region,
                                         const Environment& environment, const ProfileSet& set,
                                         const Profile* profile) {
  EndpointRequest request;
  request.service_id = service_id;
  request.region = region;
  TG_TRY(request.use_fips, flag(environment, "AWS_USE_FIPS_ENDPOINT", profile, "use_fips_endpoint"));
  TG_TRY(request.use_dual_stack, flag(environment, "AWS_USE_DUALSTACK_ENDPOINT", profile, "use_dualstack_endpoint"));
  std::string mode = variable(environment, "AWS_STS_REGIONAL_ENDPOINTS");
  if (mode.empty() && profile != nullptr) mode = profile->text("sts_regional_endpoints");
  request.legacy_global = to_lower(mode) == "legacy";
  request.endpoint_url = configured_endpoint_url(service_id, environment, set, profile).value_or("");
  return request;
}

Result<Endpoint> endpoint_for(std::string_view service_id, std::string_view region, const Environment& environment,
                              const ProfileSet& set, const Profile* profile) {
  TG_TRY(const EndpointRequest request, endpoint_request(service_id, region, environment, set, profile));
  return resolve_endpoint(request);
}

}  // namespace tollgate::aws
