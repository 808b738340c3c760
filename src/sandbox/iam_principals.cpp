#include "sandbox/iam_principals.h"

namespace tollgate::sandbox {

std::string iam_arn(const Call& call, std::string_view kind, std::string_view name) {
  return fmt::format("arn:aws:iam::{}:{}{}", call.principal.account, kind, name);
}

void end_sessions(World& world, std::string_view account, std::string_view name, bool of_role) {
  std::vector<std::string> ended;
  for (const auto& [id, session] : world.sessions.all()) {
    if (session.account != account || session.name != name) continue;
    if ((session.kind == Session::Kind::role) == of_role) ended.push_back(id);
  }
  for (const std::string& id : ended)
    world.sessions.erase(id);
}

OrRefused<User> find_user_or_caller(World& world, const Call& call) {
  if (call.find("UserName") != nullptr) return find_principal<UserKind>(world, call);
  if (call.principal.kind != Principal::Kind::user) {
    return tl::unexpected(validation_error("Must specify userName when calling with non-User credentials"));
  }
  return find_named<UserKind>(world, call, call.principal.name);
}

}  // namespace tollgate::sandbox
