// How clients find the API and what they ask first.
#include "server/api/routes.h"
#include "server/api/terraform_login.h"

namespace tollgate::api {

namespace {

Result<http::Response> show_services(const Call&) {
  // The three versions of tfe are the cloud block, the older remote backend and the tfe provider, which refuses to
  // start without its own.
  return plain_json(200, json::Value::object({{"tfe.v2", "/api/v2/"},
                                              {"tfe.v2.1", "/api/v2/"},
                                              {"tfe.v2.2", "/api/v2/"},
                                              {"state.v2", "/api/v2/"},
                                              {"login.v1", login_service()}}));
}

Result<http::Response> ping(const Call&) {
  return no_content();
}

}  // namespace

Routes discovery_routes() {
  return {
      {"GET", "/.well-known/terraform.json", Permission::anyone, show_services, "Terraform's service discovery"},
      {"GET", "/api/v2/ping", Permission::anyone, ping, "Nothing but the headers that tell the version"},
  };
}

}  // namespace tollgate::api
