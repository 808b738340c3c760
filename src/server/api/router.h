// The route table: what the API answers, and who may ask. A route is a row with its permission; there is none without.
//
// How to add a resource, in a file of its own:
//   1. `things.cpp` with handlers `Result<http::Response> show_thing(const Call& call)` in an anonymous namespace, and
//      one function `Routes thing_routes()` that returns their rows.
//   2. Declare it in routes.h and name it in route_table.cpp's list.
//   3. Parameters whose names stand in subject.h are found and authorized before the handler runs: use call.subject.
//      Another kind of thing gets a row in subject.cpp first.
//   4. Effects go through call.store().write, with call.audit in the same transaction. Errors are values; jsonapi.h
//      turns them into answers.
//   5. The documents of a resource are built by one function `json::Value to_resource(...)` in `things.h`, if others
//      include it.
// The walk over all routes and roles (tests/unit/server/api/route_walk_test.cpp) covers new rows by itself.
//
// Plain values; a Router is immutable after construction and may be used by all threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/url_text.h"
#include "server/api/call.h"

namespace tollgate::api {

using RouteHandler = Result<http::Response> (*)(const Call&);

enum class Body { none, json, bytes, form };

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/api/v2/organizations/:organization/workspaces"
  Permission permission;
  RouteHandler handler;
  std::string_view summary;                 // one line, for the OpenAPI document
  Body body = Body::none;                   // json and form: at most kMaxJsonBody
  std::string_view subject_in_body = {};    // a relationship whose id is a parameter, "workspace" -> :workspace_id
  std::string_view subject_in_filter = {};  // "workspace": filter[organization][name] and filter[workspace][name]
};
using Routes = std::vector<Route>;

inline constexpr std::size_t kMaxJsonBody = 2U << 20;

struct Match {
  const Route* route = nullptr;
  http::Pairs parameters;
  std::string allow;  // of a path that exists with other methods
};

class Router {
 public:
  // Throws std::logic_error where two rows are the same or a pattern is none: a mistake in the table.
  explicit Router(Routes routes);

  // A literal segment wins over a parameter. HEAD is answered as GET.
  Match match(std::string_view method, std::string_view path) const;
  const Routes& routes() const { return routes_; }

 private:
  Routes routes_;
  std::vector<std::vector<std::string_view>> segments_;  // of each route
};

}  // namespace tollgate::api
