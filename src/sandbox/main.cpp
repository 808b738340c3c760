#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "sandbox/commands.h"
#include "sandbox/fault.h"
#include "sandbox/world_file.h"

namespace {

using tollgate::Code;
using tollgate::Error;
using tollgate::Result;
using tollgate::sandbox::Fault;

constexpr const char* kAbout =
    "Examples:\n"
    "  tollgate-sandbox init ~/aws-sandbox          write an example world\n"
    "  tollgate-sandbox serve ~/aws-sandbox &       imitate AWS on 127.0.0.1:4777\n"
    "  . ~/aws-sandbox/env                          let this shell's AWS clients speak to it\n"
    "  tollgate-sandbox code ~/aws-sandbox ana      what ana's phone shows\n"
    "  aws --profile prod sts get-caller-identity\n"
    "  tollgate-sandbox log ~/aws-sandbox           who was allowed what, and why not\n"
    "\n"
    "A local imitation of the AWS that MFA needs: STS, IAM and a small S3. It checks signatures, clocks, one-time "
    "codes\n"
    "(each counts once), device ownership, trust and identity policies, and durations, as AWS does.";

int report(const Error& error) {
  fmt::print(stderr, "tollgate-sandbox: {}\n", error.text());
  if (!error.next.empty()) fmt::print(stderr, "{}\n", error.next);
  return tollgate::exit_status(error.code);
}

struct Arguments {
  std::string directory;
  std::uint16_t port = tollgate::sandbox::kDefaultPort;
  std::string user;
  std::string serial;
  bool next = false;
  bool json = false;
  bool explain = false;
  Fault fault;
  std::string fault_kind;
  std::int64_t fault_count = 0;
  std::string fault_offset;
  bool list = false;
  bool clear = false;
};

Result<void> run_fault(Arguments& arguments, bool named) {
  using namespace tollgate::sandbox;
  if (arguments.clear) return clear_faults(arguments.directory);
  if (arguments.list || !named) return list_faults(arguments.directory);
  const auto kind = fault_kind_by_name(arguments.fault_kind);
  if (!kind) {
    return tollgate::fail(Code::usage, fmt::format("unknown kind of fault {}; known are {}", arguments.fault_kind,
                                                   fmt::join(fault_kind_names(), ", ")));
  }
  arguments.fault.kind = *kind;
  if (arguments.fault_count > 0) arguments.fault.count = arguments.fault_count;
  return set_fault(arguments.directory, arguments.fault);
}

int run(int argc, char** argv) {
  using namespace tollgate::sandbox;
  Arguments a;
  CLI::App app(kAbout, "tollgate-sandbox");
  app.set_version_flag("--version", TOLLGATE_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  const auto directory = [&](CLI::App* command) {
    command->add_option("DIR", a.directory, "the world's directory")->required();
  };

  CLI::App* init_command = app.add_subcommand(
      "init",
      "Example:\n  tollgate-sandbox init ~/aws-sandbox\n\nWrites an example world with fresh keys. Never overwrites.");
  directory(init_command);
  init_command->add_option("--port", a.port, "the port to write into it")->capture_default_str();

  CLI::App* serve_command = app.add_subcommand(
      "serve",
      "Example:\n  tollgate-sandbox serve ~/aws-sandbox --port 0\n\nImitates AWS until SIGTERM or SIGINT. Prints one "
      "line, \"listening on http://127.0.0.1:PORT\", once ready.");
  directory(serve_command);
  CLI::Option* serve_port = serve_command->add_option("--port", a.port, "in place of world.toml's; 0 = any free one");

  CLI::App* code_command = app.add_subcommand(
      "code",
      "Example:\n  tollgate-sandbox code ~/aws-sandbox ana\n\nPrints the six digits that a user's phone shows now.");
  directory(code_command);
  code_command->add_option("USER", a.user, "NAME or ACCOUNT/NAME")->required();
  code_command->add_flag("--next", a.next, "those of the next 30 seconds (AWS accepts them already)");
  code_command->add_option("--serial", a.serial, "which device, where there are several");

  CLI::App* log_command = app.add_subcommand(
      "log", "Example:\n  tollgate-sandbox log ~/aws-sandbox\n\nPrints every call and why it was allowed or refused.");
  directory(log_command);
  log_command->add_flag("--json", a.json, "JSON lines");

  CLI::App* fault_command = app.add_subcommand(
      "fault",
      "Examples:\n  tollgate-sandbox fault ~/aws-sandbox sts:AssumeRole throttling --count 2\n  tollgate-sandbox fault "
      "~/aws-sandbox '*' clock --offset=-1200\n  tollgate-sandbox fault ~/aws-sandbox --clear\n\nSets a fault while "
      "the "
      "server runs; without ACTION lists those set. Kinds: delay, 500, 503, throttling,\nreset-before and reset-after "
      "(the call is executed), truncated, html, clock.");
  directory(fault_command);
  CLI::Option* action = fault_command->add_option("ACTION", a.fault.action, "service:Operation; * and ? match");
  fault_command->add_option("KIND", a.fault_kind, "what happens")->needs(action);
  fault_command->add_option("--count", a.fault_count, "to so many calls; otherwise until cleared")
      ->check(CLI::Range(1, 1000000));
  fault_command->add_option("--delay", a.fault.delay_ms, "milliseconds to wait first")->check(CLI::Range(0, 3600000));
  fault_command->add_option("--offset", a.fault.offset_seconds, "of clock: seconds that AWS's clock is ahead");
  fault_command->add_flag("--list", a.list, "list the faults that are set");
  fault_command->add_flag("--clear", a.clear, "remove all of them");

  CLI::App* evaluate_command = app.add_subcommand(
      "evaluate",
      "Example:\n  tollgate-sandbox evaluate < case.json\n\nReads one AssumeRole case (principal, role, context, "
      "identityPolicy, trustPolicy) and prints Allowed,\nImplicitlyDenied or ExplicitlyDenied.");
  evaluate_command->add_flag("--explain", a.explain, "and which statement decided");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return report(Error(Code::usage, error.what()).do_next("See tollgate-sandbox --help."));
  }

  Result<void> done;
  if (*init_command) {
    done = init(a.directory, a.port);
  } else if (*serve_command) {
    done = serve(a.directory, serve_port->count() == 0 ? std::nullopt : std::optional<std::uint16_t>(a.port));
  } else if (*code_command) {
    done = show_code(a.directory, a.user, a.serial, a.next);
  } else if (*log_command) {
    done = show_log(a.directory, a.json);
  } else if (*fault_command) {
    done = run_fault(a, action->count() != 0);
  } else {
    done = evaluate_stdin(a.explain);
  }
  return done ? 0 : report(done.error());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    return report(Error(Code::internal, e.what()));
  }
}
