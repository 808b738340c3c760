#include "aws/process_source.h"

#include "aws/aws_error.h"
#include "common/json/value.h"

namespace tollgate::aws {
namespace {

tl::unexpected<Error> unusable(std::string_view why) {
  return fail(Error(Code::invalid, fmt::format("the credential_process's output is unusable: {}", why))
                  .do_next("run the command by hand; it must print one JSON object with Version 1, AccessKeyId and "
                           "SecretAccessKey")
                  .because("process_output_invalid"));
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  const auto start = text.rfind('\n');
  return displayable(start == std::string_view::npos ? text : text.substr(start + 1));
}

}  // namespace

Result<Credentials> parse_process_output(std::string_view output, TimePoint now) {
  if (output.size() > kMaxProcessOutputBytes) return unusable("it is larger than 4 MiB");
  if (output.starts_with("\xef\xbb\xbf")) return unusable("it begins with a byte order mark");
  const auto root = json::parse(output);
  if (!root || !root->is_object()) return unusable("it is not one JSON object");
  const json::Value* version = root->find("Version");
  if (version == nullptr || version->if_integer() == nullptr || *version->if_integer() != 1) {
    return unusable("Version is not 1");
  }
  bool well_typed = true;
  const auto text = [&](std::string_view name) {
    const json::Value* member = root->find(name);
    if (member == nullptr || member->is_null()) return std::string();
    if (!member->is_string()) well_typed = false;
    return member->is_string() ? *member->if_string() : std::string();
  };
  Credentials credentials;
  credentials.access_key_id = text("AccessKeyId");
  credentials.secret_access_key = Secret::take(text("SecretAccessKey"));
  credentials.session_token = Secret::take(text("SessionToken"));
  const std::string expiration = text("Expiration");
  if (!well_typed) return unusable("a member is not a text");
  if (credentials.access_key_id.empty()) return unusable("AccessKeyId is missing");
  if (credentials.secret_access_key.empty()) return unusable("SecretAccessKey is missing");
  if (expiration.empty()) return credentials;
  credentials.expiration = parse_iso8601(expiration);
  if (!credentials.expiration) return unusable("Expiration is no RFC 3339 time");
  if (*credentials.expiration <= now) return unusable("the credentials have expired already");
  return credentials;
}

Result<Credentials> fetch_process_credentials(const ProcessRunner& run, const std::string& command, TimePoint now) {
  TG_TRY(auto outcome, run(command, kProcessTimeout));
  if (outcome.exit_status != 0) {
    const std::string reason = last_line(outcome.error);
    return fail(Error(Code::unavailable, fmt::format("the credential_process failed with exit status {}{}{}",
                                                     outcome.exit_status, reason.empty() ? "" : ": ", reason))
                    .do_next("run the command by hand to see why")
                    .because("process_failed"));
  }
  return parse_process_output(outcome.output.reveal(), now);
}

}  // namespace tollgate::aws
