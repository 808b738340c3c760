#include "broker/cli/supervise.h"

#include <signal.h>

#include "broker/cli/output.h"
#include "broker/deliver/session_watch.h"
#include "common/os/program_search.h"
#include "common/os/terminal_readers.h"

namespace tollgate::cli {
namespace {

constexpr Duration kLookEvery{1000};

}  // namespace

Result<int> supervise_with_renewal(App& app, const std::string& profile, const os::Command& command) {
  TG_TRY(const std::string program, os::own_program());
  TG_TRY(deliver::CredentialBroker* const broker, app.broker(profile, {}));
  deliver::SessionWatch watch;
  std::optional<os::ChildProcess> asking;

  os::SuperviseOptions options;
  options.poll_every = kLookEvery;
  options.on_poll = [&] {
    if (asking && asking->try_wait()) asking.reset();
    if (asking) return;
    const auto session = broker->cached_session(profile);
    if (!session) return;
    const TimePoint now = app.clock().now();
    switch (watch.decide(session->created, session->expires, now, os::terminal_is_being_read())) {
      case deliver::SessionWatch::Action::none:
        return;
      case deliver::SessionWatch::Action::tell:
        print_notice(
            fmt::format("the MFA session of {} ends in {}. Next: run `tollgate login {} --min-ttl 1h` in another "
                        "terminal, the running "
                        "program then goes on by itself",
                        profile, format_duration(session->expires - now), profile));
        return;
      case deliver::SessionWatch::Action::ask:
        break;
    }
    os::Command login;
    login.argv = {
        program, "login", profile, "--min-ttl",
        fmt::format("{}s", std::chrono::duration_cast<std::chrono::seconds>(session->expires - now).count() + 2)};
    login.environment = app.environment();
    login.death_signal = SIGTERM;
    if (auto started = os::spawn(login)) asking.emplace(std::move(*started));
  };
  auto status = os::run_supervised(command, options);
  if (asking && !asking->try_wait()) {
    // The question has lost its purpose; TERM lets it put the terminal back first.
    asking->kill(SIGTERM);
    asking->wait();
  }
  return status;
}

}  // namespace tollgate::cli
