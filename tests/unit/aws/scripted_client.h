// A net::Client that answers from a list and keeps what it was asked. For tests; one thread.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "common/net/http_client.h"

namespace tollgate::aws {

class ScriptedClient final : public net::Client {
 public:
  using Outcome = tl::expected<net::Response, net::Failure>;

  ScriptedClient& answer(int status, std::string body, net::Headers headers = {}) {
    outcomes_.emplace_back(net::Response{status, std::move(headers), std::move(body)});
    return *this;
  }
  ScriptedClient& failure(net::Delivery delivery) {
    net::Failure failure;
    failure.delivery = delivery;
    failure.error = Error(Code::unavailable, "host: scripted failure");
    outcomes_.emplace_back(tl::unexpected(failure));
    return *this;
  }

  Outcome send(const net::Request& request) override {
    requests.push_back(request);
    if (on_send) on_send();
    if (outcomes_.empty()) {
      ADD_FAILURE() << "a request nobody expected: " << request.method << " " << request.url;
      return net::Response{500, {}, ""};
    }
    Outcome outcome = std::move(outcomes_.front());
    outcomes_.pop_front();
    return outcome;
  }
  bool exhausted() const { return outcomes_.empty(); }

  std::vector<net::Request> requests;
  std::function<void()> on_send;

 private:
  std::deque<Outcome> outcomes_;
};

}  // namespace tollgate::aws
