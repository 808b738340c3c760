// The API's own description (OpenAPI 3.0.3), drawn from the route table, so that it cannot lack a route or name one
// that is not there. Schemas say which attributes the main resources carry; they are checked against real answers by a
// test. Pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "common/json/value.h"
#include "server/api/router.h"

namespace tollgate::api {

json::Value openapi_document(const Routes& routes, std::string_view base_url);

// What a resource's attributes are: "name:string locked:boolean ...", a '?' behind what can be null.
struct ResourceSchema {
  std::string_view type;
  std::string_view attributes;
};
const std::vector<ResourceSchema>& resource_schemas();

Routes openapi_routes();

}  // namespace tollgate::api
