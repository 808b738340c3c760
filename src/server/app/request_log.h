// What the server's log and figures say of requests: one line and one count each. A line names the route's pattern and
// never the address itself, whose parts may be proofs (signed addresses, one-time grants), nor anything that the
// request or its answer held. Threads: all at once.
#pragma once

#include <chrono>

#include "common/base/log.h"
#include "common/base/metrics.h"
#include "common/http/server.h"
#include "server/api/api.h"

namespace tollgate::app {

enum class LoggedRequests { all, errors, none };  // errors: answers from 400 on

class RequestLog {
 public:
  RequestLog(Log& log, Metrics& metrics, LoggedRequests which);
  void answered(const http::Request& request, const api::Exchange& exchange, const http::Response& response,
                std::chrono::microseconds took);
  // One that the HTTP server refused by itself: `head` is what was read of it.
  void refused(const http::Request& head, std::string_view request_id, int status);

 private:
  struct Line {
    std::string_view request_id;
    std::string_view method;
    std::string_view route;
    int status = 0;
  };
  void write(const Line& line, LogFields more);

  Log& log_;
  Metrics& metrics_;
  LoggedRequests which_;
};

}  // namespace tollgate::app
