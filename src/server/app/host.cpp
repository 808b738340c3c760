#include "server/app/host.h"

#include "common/os/user.h"

namespace tollgate::app {

domain::Actor operator_of_this_host() {
  domain::Actor actor;
  actor.username = os::user_name(os::current_environment());
  actor.address = "host";
  return actor;
}

Result<Opened> open_records_of(const std::string& directory) {
  TG_TRY(const Configuration configuration, load_configuration(directory, os::current_environment()));
  Opened opened;
  TG_TRY(const ListenAddress listen, parse_listen_address(configuration.listen));
  opened.url = public_url(configuration, listen.port);
  TG_TRY(opened.records, Records::open(server_paths(directory, configuration), *opened.random, *opened.clock));
  return opened;
}

tl::unexpected<Error> no_such_user(std::string_view name) {
  return fail(Error(Code::not_found, fmt::format("there is no user {}", name))
                  .do_next(fmt::format("make one: tollgate-server user create DIR {} --email ADDRESS", name)));
}

}  // namespace tollgate::app
