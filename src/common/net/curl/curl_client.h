// The libcurl implementation of net::Client: HTTP/1.1, http and https only, no redirects, no cookies, no netrc,
// connections kept alive between sends. Certificates are always verified. A client belongs to one thread at a time;
// several clients may run in several threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/http_client.h"

namespace tollgate::net {

struct CurlOptions {
  std::string ca_file;  // PEM bundle; empty: the system's
  // Proxies as URLs, empty for none; used where Request::use_proxy is set, never for loopback hosts.
  std::string https_proxy;
  std::string http_proxy;
  std::string no_proxy;  // comma-separated hosts and domains, or *
  std::string user_agent = "tollgate/" TOLLGATE_VERSION;
};

// Reads AWS_CA_BUNDLE (else SSL_CERT_FILE) and HTTPS_PROXY, HTTP_PROXY, NO_PROXY (lower case wins, except that
// HTTP_PROXY in upper case is ignored where REQUEST_METHOD is set: a CGI client controls it). ALL_PROXY stands in for
// either.
CurlOptions curl_options_from(const std::function<std::optional<std::string>(std::string_view)>& variable);

// Throws std::runtime_error where libcurl cannot be initialised.
std::unique_ptr<Client> make_curl_client(CurlOptions options);

}  // namespace tollgate::net
