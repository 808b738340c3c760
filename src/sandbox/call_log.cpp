#include "sandbox/call_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/json/value.h"

namespace tollgate::sandbox {
namespace {

constexpr const char* kFile = "calls.jsonl";
constexpr std::size_t kMaxLog = 1U << 30;

// Names and reasons hold what callers sent; a terminal must not act on it.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

std::string to_json_line(const LogEntry& entry) {
  json::Value value = json::Value::object({{"time", entry.time},
                                           {"request_id", entry.request_id},
                                           {"principal", entry.principal},
                                           {"access_key", entry.access_key},
                                           {"action", entry.action},
                                           {"resource", entry.resource},
                                           {"mfa", entry.mfa}});
  if (entry.mfa_age) value.set("mfa_age", *entry.mfa_age);
  value.set("decision", entry.decision);
  value.set("status", entry.status);
  value.set("code", entry.code);
  value.set("reason", entry.reason);
  if (!entry.fault.empty()) value.set("fault", entry.fault);
  value.set("source_ip", entry.source_ip);
  value.set("user_agent", entry.user_agent);
  return json::to_text(value);
}

Result<LogEntry> log_entry_from_json(std::string_view line) {
  TG_TRY(const json::Value value, json::parse(line));
  const json::Reader json(value);
  LogEntry entry;
  TG_TRY(entry.time, json.text("time"));
  TG_TRY(entry.request_id, json.text("request_id"));
  TG_TRY(entry.principal, json.text("principal"));
  TG_TRY(entry.access_key, json.text("access_key"));
  TG_TRY(entry.action, json.text("action"));
  TG_TRY(entry.resource, json.text("resource"));
  TG_TRY(entry.mfa, json.text("mfa"));
  TG_TRY(entry.mfa_age, json.optional_integer("mfa_age"));
  TG_TRY(entry.decision, json.text("decision"));
  TG_TRY(entry.status, json.integer("status"));
  TG_TRY(entry.code, json.text("code"));
  TG_TRY(entry.reason, json.text("reason"));
  TG_TRY(const auto fault, json.optional_text("fault"));
  entry.fault = fault.value_or("");
  TG_TRY(entry.source_ip, json.text("source_ip"));
  TG_TRY(entry.user_agent, json.text("user_agent"));
  return entry;
}

std::string to_text_line(const LogEntry& entry) {
  const std::string mfa = entry.mfa_age           ? fmt::format("mfa {}s", *entry.mfa_age)
                          : entry.mfa == "absent" ? "mfa -"
                                                  : "mfa " + entry.mfa;
  std::string text = fmt::format("{}  {:<7} {} {}  {}  {}  {}", entry.time, entry.decision, entry.status, entry.action,
                                 entry.resource.empty() ? "-" : entry.resource,
                                 entry.principal.empty() ? "nobody" : entry.principal, mfa);
  if (!entry.access_key.empty()) text += "  key " + entry.access_key;
  if (!entry.fault.empty()) text += "  fault " + entry.fault;
  if (!entry.code.empty()) text += "  " + entry.code;
  if (!entry.reason.empty()) text += ": " + entry.reason;
  return printable(std::move(text));
}

Result<CallLog> CallLog::open(const os::PrivateDirectory& state) {
  UniqueFd fd(::openat(state.fd(), kFile, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(Code::io, fmt::format("cannot open {}/{}", state.path(), kFile));
  return CallLog(std::move(fd));
}

void CallLog::append(const LogEntry& entry) {
  const std::string line = to_json_line(entry) + "\n";
  if (::write(fd_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw std::system_error(errno, std::generic_category(), "writing the call log");
  }
}

Result<std::vector<std::string>> read_call_log(const os::PrivateDirectory& state) {
  std::vector<std::string> lines;
  const auto text = state.read(kFile, kMaxLog);
  if (!text && text.error().code == Code::not_found) return lines;
  if (!text) return fail(text.error());
  std::string_view rest = *text;
  for (std::size_t end = 0; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
    lines.emplace_back(rest.substr(0, end));
  }
  return lines;
}

}  // namespace tollgate::sandbox
