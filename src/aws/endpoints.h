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
  std::string_view id;                    // aws, aws-cn, aws-us-gov, aws-iso, ...
  std::string_view region_prefix;         // "us-gov-" for aws-us-gov; empty for aws, which has many
  std::string_view dns_suffix;            // amazonaws.com
  std::string_view dual_stack_suffix;     // api.aws
  std::string_view global_region;         // AWS's implicitGlobalRegion
  std::string_view global_pseudo_region;  // aws-global; empty where AWS defines none
  std::string_view iam_label;             // what stands for the region in IAM's host: iam[.label].suffix
  std::string_view iam_signing_region;
};

std::span<const Partition> partitions();
// By the form of the region's name, so also one that AWS opens tomorrow, and by pseudo-regions such as aws-cn-global;
// nullptr if it looks like none. AWS's own rules then take the partition aws, and so does resolve_endpoint.
const Partition* partition_of_region(std::string_view region);
// By the second field of an ARN; nullptr if it is no ARN or the partition is unknown.
const Partition* partition_of_arn(std::string_view arn);
// Lower-case letters, digits and inner hyphens, at most 63 characters: safe inside a host name.
bool valid_region_name(std::string_view region);

struct Endpoint {
  std::string url;  // scheme://host[:port][/path], no final slash
  std::string signing_region;
  bool configured = false;  // the URL comes from a variable or a profile
};

struct EndpointRequest {
  std::string service_id = "STS";  // as in the SDK's models: "STS", "IAM", "SSO", "SSO OIDC", "S3"; case is ignored
  std::string region;              // empty: the global endpoint, for STS and IAM
  bool use_fips = false;
  bool use_dual_stack = false;
  bool legacy_global = false;  // STS only: sts_regional_endpoints = legacy
  std::string endpoint_url;    // wins over everything else if it is not empty
};

// IAM: one endpoint for each partition. STS, SSO, SSO OIDC: by region. Any other service: SERVICE.REGION.SUFFIX,
// without FIPS and dual stack. Legacy mode: sts.amazonaws.com signed for us-east-1, for the 16 regions that knew
// nothing else. Errors (Code::config): no region and FIPS or dual stack or a regional service; FIPS or dual stack
// together with endpoint_url, or where the service has none; a region that is no host name label; an endpoint_url that
// is no plain http or https URL.
Result<Endpoint> resolve_endpoint(const EndpointRequest& request);

// The configured URL of a service: AWS_ENDPOINT_URL_<SERVICE> > AWS_ENDPOINT_URL > the services section > the
// profile's endpoint_url; nullopt where none is set, or where AWS_IGNORE_CONFIGURED_ENDPOINT_URLS (before) or the
// profile's ignore_configured_endpoint_urls is true. `profile` may be nullptr.
std::optional<std::string> configured_endpoint_url(std::string_view service_id, const Environment& environment,
                                                   const ProfileSet& set, const Profile* profile);

// All settings of a service's endpoint: endpoint_url; FIPS (AWS_USE_FIPS_ENDPOINT, use_fips_endpoint); dual stack
// (AWS_USE_DUALSTACK_ENDPOINT, use_dualstack_endpoint); legacy mode (AWS_STS_REGIONAL_ENDPOINTS,
// sts_regional_endpoints; Terraform's SDK knows no legacy mode, the AWS CLI does). Environment before profile.
// Errors (Code::config): a variable that is neither true nor false, as in the SDK.
Result<EndpointRequest> endpoint_request(std::string_view service_id, std::string_view region,
                                         const Environment& environment, const ProfileSet& set, const Profile* profile);
// endpoint_request and resolve_endpoint.
Result<Endpoint> endpoint_for(std::string_view service_id, std::string_view region, const Environment& environment,
                              const ProfileSet& set, const Profile* profile);

}  // namespace tollgate::aws
