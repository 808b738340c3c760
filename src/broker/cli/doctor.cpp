// tollgate doctor: what keeps Terraform from getting credentials, and what to do about it.
#include "broker/deliver/doctor.h"

#include <unistd.h>

#include <climits>

#include "broker/cli/command.h"
#include "broker/cli/output.h"
#include "common/os/program_search.h"
#include "common/os/terminal.h"

namespace tollgate::cli {
namespace {

constexpr int kExitConfig = 78;  // EX_CONFIG

struct DoctorInput {
  std::string profile;
  bool json = false;
  bool offline = false;
};

std::string text_of(const deliver::Report& report) {
  std::string text;
  for (const deliver::Check& check : report.checks) {
    text += fmt::format("{:<8}{:<22}{}\n", check_status_name(check.status), os::printable(check.title),
                        os::printable(check.message));
    for (const deliver::Finding& finding : check.findings) {
      const bool remark = finding.status == deliver::CheckStatus::ok;
      // The message of the only finding stands above already.
      const bool repeats = check.findings.size() == 1 && finding.message == check.message;
      const std::string place = finding.place.empty() ? "" : finding.place + ": ";
      if (!repeats) {
        text += fmt::format("          {}: {}{}\n", remark ? "note" : check_status_name(finding.status),
                            os::printable(place), os::printable(finding.message));
      } else if (!place.empty()) {
        text += fmt::format("          at {}\n", os::printable(finding.place));
      }
      if (!finding.fix.empty()) text += fmt::format("          Next: {}\n", os::printable(finding.fix));
    }
  }
  if (!report.trust_policy.empty()) {
    text += fmt::format("\nThe trust policy that opens {} to MFA alone:\n{}", os::printable(report.role_arn),
                        os::printable(report.trust_policy, true));
  }
  return text;
}

Result<int> doctor(App& app, const DoctorInput& input) {
  TG_TRY(const os::UserDirectories* const directories, app.directories());
  TG_TRY(KeyVault* const keys, app.vault());
  TG_TRY(std::string program, os::own_program());
  char here[PATH_MAX];
  TG_TRY(const std::string fetch, os::program_beside("tollgate-fetch"));
  const bool named =
      !input.profile.empty() || app.environment().has("AWS_PROFILE") || app.environment().has("AWS_DEFAULT_PROFILE");
  deliver::Surroundings around{app.clock(),
                               app.environment(),
                               *directories,
                               app.profiles(),
                               app.has_vault_keys(),
                               aws::selected_profile(app.lookup(), input.profile),
                               named,
                               std::move(program),
                               fetch,
                               ::getcwd(here, sizeof here) == nullptr ? "." : here,
                               static_cast<bool>(os::Terminal::open()),
                               {},
                               app.clock_offset(),
                               [keys] { return keys->protection(); },
                               [keys] { return keys->list(); },
                               [keys](const aws::VaultKeys& stored) { return keys->credentials(stored.profile); },
                               {}};
  if (const auto cache = app.sessions()) {
    around.role_limit = [known = *cache, now = app.clock().now()](std::string_view role_arn) {
      return deliver::known_role_limit(*known, role_arn, now);
    };
  }
  if (!input.offline && ::access(fetch.c_str(), X_OK) == 0) {
    around.network = [&app]() -> net::Client& { return app.network(); };
  }
  const deliver::Report report = deliver::examine(around);
  TG_CHECK(input.json ? print_json(to_json(report)) : print(text_of(report)));
  return report.failed() ? kExitConfig : 0;
}

}  // namespace

Command doctor_command() {
  auto input = std::make_shared<DoctorInput>();
  Command command;
  command.name = "doctor";
  command.summary = "Find what keeps Terraform from getting credentials";
  command.examples = "tollgate doctor\ntollgate doctor prod\ntollgate doctor prod --json\ntollgate doctor --offline";
  command.details =
      "Looks at the AWS files (with line numbers), the environment, Terraform code in this directory, storage, "
      "programs, "
      "clock and endpoint. With a profile whose chain starts from long-term keys it also asks AWS once for the role "
      "without a code, expecting a refusal: that is the proof that the role is closed without MFA. It never sends a "
      "one-time code and changes nothing.\n\n"
      "Each finding comes with one step that mends it. Exit status: 0 if nothing failed (warnings do not count), 78 if "
      "something did.";
  command.positionals = {{"PROFILE", "Default: AWS_PROFILE, else default.", &input->profile, false}};
  command.options = {{"--json", "", "Print JSON (schema tollgate.doctor.v1).", &input->json},
                     {"--offline", "", "Leave out what needs the network.", &input->offline}};
  command.run = [input](App& app) {
    const auto done = doctor(app, *input);
    return done ? *done : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
