// The whole API as one function from request to answer: routes, authenticates, finds the subject, checks the
// permission, runs the handler, maps errors, adds the headers that every answer carries. Sees values of common/http and
// never a socket. Threads: handle() may run on several at once. It does not throw for anything a client can cause; what
// throws is a broken environment (store, disk), which it logs nowhere: the caller's catch-all does.
#pragma once

#include "server/api/context.h"
#include "server/api/router.h"

namespace tollgate::api {

// What a request turned out to be, for logs and figures: nothing of it is chosen by who sent it, but for an id that a
// proxy gave it.
struct Exchange {
  std::string request_id;
  std::string_view route;  // the pattern; empty where there is no such route
  std::string user_id;     // who was recognised; empty: nobody
  std::string token_id;    // by which token or session
};
// A proxy's X-Request-Id is kept if it looks like one, so that logs can be joined.
std::string request_id_of(const http::Request& request, RandomSource& random);

class Api {
 public:
  explicit Api(const Context& context);

  // Fills the exchange in as it goes, so that it is right for what throws too.
  http::Response handle(const http::Request& request, Exchange& exchange) const;
  http::Response handle(const http::Request& request) const;
  // Whether the API has an answer for this path (any method): everything else is the web page's.
  bool knows(std::string_view path) const;
  const Routes& routes() const { return router_.routes(); }

 private:
  Result<http::Response> answer(const http::Request& request, Match& match, Exchange& exchange) const;

  const Context& context_;
  Router router_;
};

// The headers of every answer of this server, whoever made it: what stock clients want (facts of the API: versions), no
// caching, and what browsers need to be told. Headers that the answer has stay. `request_id` comes back as
// X-Request-Id.
void add_common_headers(http::Response& response, const Context& context, std::string_view request_id);

}  // namespace tollgate::api
