#include "server/app/host.h"

#include <unistd.h>

#include <cerrno>

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

Result<Secret> secret_from_stdin(std::string_view what) {
  std::string text;
  char c = 0;
  while (text.size() < 4096) {
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || c == '\n') break;
    if (c != '\r') text += c;
  }
  if (text.empty()) {
    return fail(Error(Code::usage, fmt::format("{} is read from stdin, and nothing came", what))
                    .do_next("for example: tollgate-server ... < file"));
  }
  return Secret::take(std::move(text));
}

}  // namespace tollgate::app
