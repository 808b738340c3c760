// What a command line alone tells of the program that tollgate is about to start: how long credentials must last,
// whether any are needed, whether it writes the user's own AWS files. Knows terraform, tofu, terragrunt and the AWS
// CLI; any other program needs credentials and has no rule. Pure functions.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::deliver {

enum class Work {
  other,
  plan,
  apply,
  destroy,
  import,
  state,  // terraform state, taint, untaint, refresh, force-unlock: they write the state
};

struct CommandTraits {
  Work work = Work::other;
  bool needs_credentials = true;      // false: version, fmt, help, a shell's completion and the like
  bool writes_configuration = false;  // aws configure, aws login, aws sso: must see the user's real files
  std::string profile;                // aws --profile; empty: not given
  std::string directory;              // terraform -chdir, terragrunt --working-dir, as it was typed; empty: not given
};

// `program` is a name or a path; its last component counts. `arguments` come without it.
CommandTraits inspect_command(std::string_view program, const std::vector<std::string>& arguments);

// What must be left of the MFA session before such work starts.
struct MinTtlRules {
  std::chrono::seconds plan{15 * 60};
  std::chrono::seconds apply{2 * 3600};
  std::chrono::seconds destroy{2 * 3600};
  std::chrono::seconds import{2 * 3600};
  std::chrono::seconds state{2 * 3600};
  std::chrono::seconds other{0};
};
// Never less than `other`, which is for every program.
std::chrono::seconds min_ttl_for(Work work, const MinTtlRules& rules);

}  // namespace tollgate::deliver
