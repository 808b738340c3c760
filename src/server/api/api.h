// The whole API as one function from request to answer: routes, authenticates, finds the subject, checks the
// permission, runs the handler, maps errors, adds the headers that every answer carries. Sees values of common/http and
// never a socket. Threads: handle() may run on several at once. It does not throw for anything a client can cause; what
// throws is a broken environment (store, disk), which it logs nowhere: the caller's catch-all does.
#pragma once

#include "server/api/context.h"
#include "server/api/router.h"

namespace tollgate::api {

class Api {
 public:
  explicit Api(const Context& context);

  http::Response handle(const http::Request& request) const;
  // Whether the API has an answer for this path (any method): everything else is the web page's.
  bool knows(std::string_view path) const;
  const Routes& routes() const { return router_.routes(); }

 private:
  Result<http::Response> answer(const http::Request& request, Match& match) const;

  const Context& context_;
  Router router_;
};

// The headers of every answer of this server, whoever made it: what stock clients want (facts of the API: versions), no
// caching, and what browsers need to be told. Headers that the answer has stay. `request_id` comes back as
// X-Request-Id.
void add_common_headers(http::Response& response, const Context& context, std::string_view request_id);

}  // namespace tollgate::api
