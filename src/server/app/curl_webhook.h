// The WebhookSender of a running server: libcurl, to https on public addresses alone, except for the receivers that the
// server's configuration names. A name is looked up once for each message, every address that it has must be allowed,
// and the connection goes to the one that was looked at; redirects are not followed, proxies are not used. Threads: all
// methods at once.
#pragma once

#include <string>
#include <vector>

#include "common/net/curl/curl_client.h"
#include "common/net/url.h"
#include "server/runs/webhook_sender.h"

namespace tollgate::app {

class CurlWebhook final : public runs::WebhookSender {
 public:
  // `exceptions`: "host:port", separated by commas.
  CurlWebhook(const std::string& exceptions, net::CurlOptions options);

  Result<void> check(const std::string& url) const override;
  runs::WebhookAnswer send(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                           const std::string& body) override;

 private:
  bool excepted(const net::Url& url) const;
  Result<net::Url> checked(const std::string& url) const;
  Result<std::string> address_of(const net::Url& url) const;

  std::vector<std::string> exceptions_;
  net::CurlOptions options_;
};

}  // namespace tollgate::app
