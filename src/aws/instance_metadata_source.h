// Credentials of the role of an EC2 instance, by the instance metadata service version 2. Version 1 is never used: it
// answers any request that a confused program can be made to send. Functions hold no state.
#pragma once

#include <string>

#include "aws/container_source.h"
#include "aws/credentials.h"
#include "common/base/error.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace tollgate::aws {

struct InstanceMetadataOptions {
  std::string endpoint = "http://169.254.169.254";
  std::chrono::milliseconds timeout{1000};  // per request: off EC2 the address swallows packets
  unsigned attempts = 1;
};

// AWS_EC2_METADATA_DISABLED (an error, Code::config), AWS_EC2_METADATA_SERVICE_ENDPOINT, ..._ENDPOINT_MODE (IPv4,
// IPv6), AWS_METADATA_SERVICE_TIMEOUT (seconds), AWS_METADATA_SERVICE_NUM_ATTEMPTS.
Result<InstanceMetadataOptions> instance_metadata_options(const Environment& environment);

// Errors: Code::unavailable (not on EC2), Code::not_found (no role attached), Code::forbidden (the service refuses).
Result<Credentials> fetch_instance_credentials(net::Client& client, const Clock& clock,
                                               const InstanceMetadataOptions& options);
// placement/region.
Result<std::string> fetch_instance_region(net::Client& client, const Clock& clock,
                                          const InstanceMetadataOptions& options);

}  // namespace tollgate::aws
