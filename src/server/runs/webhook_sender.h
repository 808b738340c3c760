// Carries one message to a webhook's receiver. An interface, because addresses are checked against the server's
// configuration and tests answer themselves. Threads: all methods at once; send() waits, for seconds at most.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace tollgate::runs {

struct WebhookAnswer {
  int status = 0;     // HTTP; 0: none came
  std::string body;   // its beginning
  std::string error;  // in words, where it is no 2xx; names no more of the address than its host

  bool successful() const { return status >= 200 && status < 300; }
};

class WebhookSender {
 public:
  virtual ~WebhookSender() = default;
  // Whether such an address may be used at all, as far as that can be said without looking its name up. Errors:
  // Code::invalid with a sentence.
  virtual Result<void> check(const std::string& url) const = 0;
  virtual WebhookAnswer send(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                             const std::string& body) = 0;
};

}  // namespace tollgate::runs
