// Where a service is reached and for which region its requests are signed; AWS partitions. Rules: the endpoint rule set
// of STS in the SDKs, and AWS's partitions.json as a small table of our own. No network. Pure functions; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/file_locations.h"
#include "aws/profile_files.h"
#include "common/base/error.h"

namespace tollgate::aws {

struct Partition {
  std::string_view id;                 // aws, aws-cn, aws-us-gov, aws-iso, ...
  std::string_view dns_suffix;         // amazonaws.com
  std::string_view dual_stack_suffix;  // api.aws; empty where AWS offers no dual stack
  std::string_view global_region;      // where global services such as IAM are signed: us-east-1
  bool fips = true;
};

std::span<const Partition> partitions();
// By the region's name, also one that AWS opens tomorrow (the pattern counts); nullptr if it looks like no region.
const Partition* partition_of_region(std::string_view region);
// By the second field of an ARN; nullptr if it is no ARN or the partition is unknown.
const Partition* partition_of_arn(std::string_view arn);
// A region in lower-case letters, digits and single hyphens, at most 63 characters: safe inside a host name.
bool valid_region_name(std::string_view region);

struct Endpoint {
  std::string url;  // scheme://host[:port][/path], no final slash
  std::string signing_region;
  bool configured = false;  // url comes from a variable or a profile
};

struct EndpointRequest {
  std::string service = "sts";  // sts, iam, sso, oidc, s3
  std::string region;           // empty: the global endpoint, where the service has one
  bool use_fips = false;
  bool use_dual_stack = false;
  bool legacy_global = false;  // sts_regional_endpoints = legacy
  std::string endpoint_url;    // wins over everything else if it is not empty
};

// Errors (Code::config): no region and FIPS or dual stack; FIPS or dual stack that the partition does not offer, or
// together with endpoint_url; a region that is no host name label; an endpoint_url that is no http or https URL.
Result<Endpoint> resolve_endpoint(const EndpointRequest& request);

// The configured URL of a service: AWS_ENDPOINT_URL_<SERVICE> > AWS_ENDPOINT_URL > the services section > the
// profile's endpoint_url; nullopt where none is set, or AWS_IGNORE_CONFIGURED_ENDPOINT_URLS or the profile's
// ignore_configured_endpoint_urls is true. `service_id` as in the SDK's model: "STS", "S3", "DynamoDB", "SSO OIDC".
std::optional<std::string> configured_endpoint_url(std::string_view service_id, const Environment& environment,
                                                   const ProfileSet& set, const Profile* profile);

// The whole of it for a service, a profile (nullptr: none) and a region: endpoint_url, FIPS (AWS_USE_FIPS_ENDPOINT,
// use_fips_endpoint), dual stack (AWS_USE_DUALSTACK_ENDPOINT, use_dualstack_endpoint), legacy mode
// (AWS_STS_REGIONAL_ENDPOINTS, sts_regional_endpoints). Environment before profile.
Result<EndpointRequest> endpoint_request(std::string_view service_id, std::string_view region,
                                         const Environment& environment, const ProfileSet& set, const Profile* profile);
Result<Endpoint> endpoint_for(std::string_view service_id, std::string_view region, const Environment& environment,
                              const ProfileSet& set, const Profile* profile);

}  // namespace tollgate::aws
