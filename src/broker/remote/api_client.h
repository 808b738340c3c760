// The API of a run server as documents: finds where it is, sends the token along, and turns refusals into errors that
// say what to do. It knows no resource and repeats nothing. One thread at a time, as its net::Client.
#pragma once

#include <string>
#include <string_view>

#include "broker/remote/terraform_settings.h"
#include "common/base/error.h"
#include "common/json/value.h"
#include "common/net/http_client.h"

namespace tollgate::remote {

// Where the API is: "https://HOST/api/v2/", by the settings' host block, else by asking the host as Terraform does.
// Never plain http but on this machine or where the settings say so. Errors: Code::unavailable, Code::config.
Result<std::string> find_api(net::Client& network, const std::string& host, const TerraformSettings& settings);

class ApiClient {
 public:
  // The network must outlive this.
  ApiClient(net::Client& network, std::string host, std::string base, Token token);

  const std::string& host() const { return host_; }

  // `path` is relative to the base: "runs/run-x?include=plan". A lost connection or an answer that is no 2xx is an
  // error: Code::unauthorized (401), forbidden, not_found, conflict, invalid (422), locked (423), throttled (429),
  // unavailable (503 and what never arrived), unknown (502 and what may have arrived).
  Result<json::Value> get(std::string_view path);
  // null where the answer has no body.
  Result<json::Value> post(std::string_view path, const json::Value& body);
  // Any answer, for those who read statuses themselves.
  tl::expected<net::Response, net::Failure> send(std::string method, std::string_view path, std::string body);
  // A document without the token, from an address that proves itself: the bytes of a log.
  Result<std::string> read_signed(const std::string& url);

  // What an answer that is no 2xx means, for people. `reason` is the document's code.
  Error error_of(const net::Response& response) const;

 private:
  Result<json::Value> document_of(tl::expected<net::Response, net::Failure> outcome) const;

  net::Client& network_;
  std::string host_;
  std::string base_;
  Token token_;
};

// A request that got no answer, as an error with advice for this server.
Error error_of(net::Failure failure, std::string_view host);

}  // namespace tollgate::remote
