// tollgate status and clear: what is cached, and forgetting it.
#include <algorithm>

#include "broker/cli/command.h"
#include "broker/cli/output.h"
#include "broker/deliver/role_limits.h"

namespace tollgate::cli {
namespace {

struct StatusInput {
  bool json = false;
  bool prompt = false;
};

struct ClearInput {
  std::string profile;
  bool all = false;
};

std::string label(const vault::EntrySummary& entry, const std::string& name) {
  const auto found = entry.labels.find(name);
  return found == entry.labels.end() ? "" : found->second;
}

json::Value to_json(const vault::EntrySummary& entry, TimePoint now) {
  json::Value value = json::Value::object({{"key", entry.key.hex()}, {"kind", entry.kind}});
  for (const auto& [name, text] : entry.labels)
    value.set(name, text);
  value.set("created", format_iso8601(entry.created));
  value.set("expires", format_iso8601(entry.expires));
  value.set("seconds_left", std::max<std::int64_t>(0, unix_seconds(entry.expires) - unix_seconds(now)));
  return value;
}

Result<void> status(App& app, const StatusInput& input) {
  TG_TRY(const vault::SessionCache* const cache, app.sessions());
  TG_TRY(std::vector<vault::EntrySummary> entries, cache->list());
  const TimePoint now = app.clock().now();
  std::vector<vault::EntrySummary> live;
  for (const vault::EntrySummary& entry : entries) {
    if (!entry.problem.empty()) {
      print_notice(fmt::format("a cached entry cannot be used and counts as absent: {}", entry.problem));
    } else if (entry.expires > now && entry.kind != deliver::kRoleLimitKind) {
      live.push_back(entry);
    }
  }
  std::sort(live.begin(), live.end(), [](const auto& a, const auto& b) {
    return std::pair(a.kind != "session", a.expires) < std::pair(b.kind != "session", b.expires);
  });
  if (input.prompt) {
    const auto session =
        std::find_if(live.begin(), live.end(), [](const auto& entry) { return entry.kind == "session"; });
    if (session == live.end()) return {};
    return print(fmt::format("{} {}\n", label(*session, "profile"), format_duration(session->expires - now)));
  }
  if (input.json) {
    json::Value sessions = json::Value::array();
    for (const auto& entry : live)
      sessions.push(to_json(entry, now));
    return print_json(json::Value::object({{"schema", "tollgate.status.v1"}, {"sessions", std::move(sessions)}}));
  }
  if (live.empty()) {
    print_notice("nothing is cached: the next command that needs credentials asks for a code");
    return {};
  }
  std::vector<std::vector<std::string>> rows{{"KIND", "PROFILE", "FOR", "LEFT", "UNTIL"}};
  for (const auto& entry : live) {
    const std::string role = label(entry, "role_arn");
    rows.push_back({entry.kind == "session" ? "MFA session" : entry.kind, label(entry, "profile"),
                    role.empty() ? label(entry, "serial") : role, format_duration(entry.expires - now),
                    format_iso8601(entry.expires)});
  }
  return print(table(rows));
}

// The profile's own entries and the MFA session behind them, so that its next use asks anew.
Result<void> clear(App& app, const ClearInput& input) {
  if (input.all && !input.profile.empty()) {
    return fail(Error(Code::usage, "clear takes a profile or --all, not both").do_next("leave one of them out"));
  }
  TG_TRY(const vault::SessionCache* const cache, app.sessions());
  std::string source;
  std::string serial;
  if (!input.profile.empty()) {
    TG_TRY(const aws::ProfileSet* const set, app.profiles());
    TG_TRY(const aws::Chain chain, aws::resolve_chain(*set, input.profile, app.lookup(), app.has_vault_keys()));
    source = chain.source_profile;
    serial = aws::first_mfa_serial(chain);
  }
  std::size_t count = 0;
  TG_CHECK(cache->clear([&](const vault::EntrySummary& entry) {
    const bool meant = input.profile.empty() || !entry.problem.empty() || label(entry, "profile") == input.profile ||
                       (entry.kind == "session" && !serial.empty() && label(entry, "serial") == serial &&
                        label(entry, "profile") == source);
    if (meant && entry.kind != deliver::kRoleLimitKind) ++count;
    return meant;
  }));
  print_notice(
      fmt::format("{} cached {} forgotten. Sessions that programs already hold stay valid at AWS until they expire",
                  count, count == 1 ? "session" : "sessions"));
  return {};
}

}  // namespace

Command status_command() {
  auto input = std::make_shared<StatusInput>();
  Command command;
  command.name = "status";
  command.summary = "Show which sessions are cached, and until when";
  command.examples = "tollgate status\ntollgate status --json\nPS1='$(tollgate status --prompt) \\$ '";
  command.options = {
      {"--json", "", "Print JSON (schema tollgate.status.v1).", &input->json},
      {"--prompt", "", "One short line for a shell prompt; empty where there is no session.", &input->prompt}};
  command.run = [input](App& app) {
    const auto done = status(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

Command clear_command() {
  auto input = std::make_shared<ClearInput>();
  Command command;
  command.name = "clear";
  command.summary = "Forget cached sessions, all or a profile's";
  command.examples = "tollgate clear\ntollgate clear prod";
  command.positionals = {
      {"PROFILE", "Only this profile's sessions and the MFA session behind them.", &input->profile, false}};
  command.options = {{"--all", "", "Every profile's sessions: the same as naming none.", &input->all}};
  command.run = [input](App& app) {
    const auto done = clear(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
