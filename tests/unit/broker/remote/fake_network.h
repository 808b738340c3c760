// A net::Client that answers from a script and remembers what it was asked.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/net/http_client.h"

namespace tollgate::remote {

class FakeNetwork final : public net::Client {
 public:
  using Outcome = tl::expected<net::Response, net::Failure>;

  std::function<Outcome(const net::Request&)> answer;
  std::vector<net::Request> requests;

  Outcome send(const net::Request& request) override {
    requests.push_back(request);
    return answer(request);
  }

  static net::Response response(int status, std::string body) { return {status, {}, std::move(body)}; }
  static Outcome failure(net::Delivery delivery, Error error) {
    return tl::unexpected(net::Failure{delivery, std::move(error)});
  }
};

}  // namespace tollgate::remote
