#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
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

// Commands by name: one line for the list, and what `COMMAND --help` begins with.
struct Words {
  const char* name;
  const char* summary;
  const char* help;
};
constexpr std::array<Words, 6> kCommands{{
    {"init", "write an example world",
     "Example:\n"
     "  tollgate-sandbox init ~/aws-sandbox\n\n"
     "Writes world.toml, aws/config, aws/credentials and env with fresh keys. Never overwrites a world."},
    {"serve", "imitate AWS until SIGTERM or SIGINT",
     "Examples:\n"
     "  tollgate-sandbox serve ~/aws-sandbox\n"
     "  tollgate-sandbox serve ~/aws-sandbox --port 0\n\n"
     "Prints one line, \"listening on http://127.0.0.1:PORT\", once ready, and writes DIR/env for that port."},
    {"code", "print what a user's phone shows",
     "Examples:\n"
     "  tollgate-sandbox code ~/aws-sandbox ana\n"
     "  tollgate-sandbox code ~/aws-sandbox ana --next\n\n"
     "Each code counts once; those of the step before and the step after count too."},
    {"log", "print every call, and why it was allowed or refused",
     "Examples:\n"
     "  tollgate-sandbox log ~/aws-sandbox\n"
     "  tollgate-sandbox log ~/aws-sandbox --json | jq 'select(.decision == \"denied\")'"},
    {"fault", "let AWS have a bad day",
     "Examples:\n"
     "  tollgate-sandbox fault ~/aws-sandbox sts:AssumeRole throttling --count 2\n"
     "  tollgate-sandbox fault ~/aws-sandbox 's3:*' delay --delay 3000\n"
     "  tollgate-sandbox fault ~/aws-sandbox '*' clock --offset=-1200\n"
     "  tollgate-sandbox fault ~/aws-sandbox --clear\n\n"
     "Works while the server runs; without ACTION it lists the faults that are set. Kinds: delay; 500, 503, "
     "throttling\n"
     "and reset-before (the call is not executed); reset-after, truncated and html (it is); clock."},
    {"evaluate", "ask the policy evaluator about one case on stdin",
     "Example:\n"
     "  tollgate-sandbox evaluate --explain < case.json\n\n"
     "Reads one AssumeRole case (principal, role, context, identityPolicy, trustPolicy) and prints Allowed,\n"
     "ImplicitlyDenied or ExplicitlyDenied."},
}};

bool known_command(std::string_view name) {
  return std::any_of(kCommands.begin(), kCommands.end(), [&](const Words& words) { return words.name == name; });
}

void add_commands(CLI::App& app, Arguments& a) {
  using namespace tollgate::sandbox;
  for (const Words& words : kCommands) {
    CLI::App* command = app.add_subcommand(words.name, words.summary);
    if (std::string_view(words.name) != "evaluate") {
      command->add_option("DIR", a.directory, "the world's directory")->required();
    }
  }
  app.get_subcommand("init")->add_option("--port", a.port, "the port to write into it")->capture_default_str();
  app.get_subcommand("serve")->add_option("--port", a.port, "in place of world.toml's; 0 = any free one");
  CLI::App* code = app.get_subcommand("code");
  code->add_option("USER", a.user, "NAME or ACCOUNT/NAME")->required();
  code->add_flag("--next", a.next, "the code of the next 30 seconds");
  code->add_option("--serial", a.serial, "which device, where there are several");
  app.get_subcommand("log")->add_flag("--json", a.json, "JSON lines");
  CLI::App* fault = app.get_subcommand("fault");
  CLI::Option* action = fault->add_option("ACTION", a.fault.action, "service:Operation; * and ? match");
  action->needs(fault->add_option("KIND", a.fault_kind, "what happens"));
  fault->add_option("--count", a.fault_count, "to so many calls; otherwise until cleared")
      ->check(CLI::Range(1, 1000000));
  fault->add_option("--delay", a.fault.delay_ms, "milliseconds to wait first")->check(CLI::Range(0, 3600000));
  fault->add_option("--offset", a.fault.offset_seconds, "of clock: seconds that AWS's clock is ahead");
  fault->add_flag("--list", a.list, "list the faults that are set");
  fault->add_flag("--clear", a.clear, "remove all of them");
  app.get_subcommand("evaluate")->add_flag("--explain", a.explain, "and which statement decided");
}

int print_help(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    fmt::print("{}\n\n{}", kAbout, app.help());
    return 0;
  }
  for (const Words& words : kCommands) {
    if (chosen.front()->get_name() == words.name) fmt::print("{}\n\n", words.help);
  }
  chosen.front()->description("");
  fmt::print("{}", chosen.front()->help("tollgate-sandbox"));
  return 0;
}

int run(int argc, char** argv) {
  using namespace tollgate::sandbox;
  Arguments a;
  CLI::App app("", "tollgate-sandbox");
  app.set_version_flag("--version", "tollgate-sandbox " TOLLGATE_VERSION);
  app.require_subcommand(1);
  add_commands(app, a);
  const Error misused = Error(Code::usage, "").do_next("See tollgate-sandbox --help.");
  if (argc > 1 && argv[1][0] != '-' && !known_command(argv[1])) {
    Error error = misused;
    error.message = fmt::format("there is no command {}", argv[1]);
    return report(error);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print_help(app);
  } catch (const CLI::ParseError& parse_error) {
    if (parse_error.get_exit_code() == 0) return app.exit(parse_error);
    Error error = misused;
    error.message = parse_error.what();
    return report(error);
  }
  const CLI::App* command = app.get_subcommands().front();
  const std::string& name = command->get_name();
  Result<void> done;
  if (name == "init") {
    done = init(a.directory, a.port);
  } else if (name == "serve") {
    done = serve(a.directory, command->count("--port") == 0 ? std::nullopt : std::optional<std::uint16_t>(a.port));
  } else if (name == "code") {
    done = show_code(a.directory, a.user, a.serial, a.next);
  } else if (name == "log") {
    done = show_log(a.directory, a.json);
  } else if (name == "fault") {
    done = run_fault(a, command->count("ACTION") != 0);
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
