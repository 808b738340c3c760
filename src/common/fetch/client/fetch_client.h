// A net::Client that performs requests in a child process, tollgate-fetch, so that the program which links it needs
// neither libcurl nor OpenSSL nor a resolver. The child starts at the first send and serves all requests of the client;
// it ends with the client, or with the process. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/net/http_client.h"

namespace tollgate::fetch {

struct FetchOptions {
  std::string program;                   // absolute path of tollgate-fetch
  std::vector<std::string> environment;  // "NAME=value" of this process; only proxy and CA variables reach the child
  std::string ca_file;                   // wins over AWS_CA_BUNDLE of the environment (a profile's ca_bundle)
};

// Failure::delivery is not_sent where the child says so, or where it could not be started or ended before the request
// was handed over; a child that dies later leaves it unknown. A dead child is replaced at the next send.
std::unique_ptr<net::Client> make_fetch_client(FetchOptions options);

}  // namespace tollgate::fetch
