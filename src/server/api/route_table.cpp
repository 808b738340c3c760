#include "server/api/routes.h"

namespace tollgate::api {

Routes route_table() {
  Routes table;
  for (const auto& routes : {discovery_routes(), account_routes(), organization_routes()}) {
    table.insert(table.end(), routes.begin(), routes.end());
  }
  return table;
}

}  // namespace tollgate::api
