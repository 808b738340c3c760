#include <unistd.h>

#include <exception>
#include <string>
#include <vector>

#include "broker/cli/app.h"
#include "broker/cli/command_line.h"
#include "broker/cli/credential_process.h"
#include "broker/cli/output.h"
#include "broker/cli/shim_run.h"
#include "common/os/environment.h"
#include "common/os/process_hardening.h"

int main(int argc, char** argv) {
  using namespace tollgate;
  const os::Inherited inherited = os::harden_process();
  try {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    cli::App app(os::current_environment(), inherited);
    if (const auto name = cli::shim_name(argc > 0 ? argv[0] : "")) {
      return cli::run_shim(app, *name, std::move(arguments));
    }
    // The overlay's calls skip the command-line parser, which costs more than everything else they do.
    if (arguments.size() == 3 && arguments[0] == "credential-process") {
      if (const auto profile = cli::plain_profile_argument({arguments[1], arguments[2]})) {
        // Without taking the App apart: the kernel closes what is open faster than we do.
        ::_exit(cli::run_credential_process(app, *profile, {}));
      }
    }
    return cli::run_command_line(app, std::move(arguments));
  } catch (const std::exception& error) {
    return cli::report(Error(Code::internal, error.what()).do_next("try again; if it stays, report it with this line"));
  }
}
