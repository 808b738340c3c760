#include "broker/remote/gate_view.h"

#include "broker/remote/document_fields.h"

namespace tollgate::remote {
namespace {

std::optional<std::int64_t> number(const json::Value& object, std::string_view key) {
  const std::int64_t* found = member(object, key).if_integer();
  return found == nullptr ? std::nullopt : std::optional<std::int64_t>(*found);
}

std::string tries_words(const GateView& gate) {
  if (!gate.tries_left) return "";
  return fmt::format(" ({} {} left)", *gate.tries_left, *gate.tries_left == 1 ? "try" : "tries");
}

std::string time_left(const GateView& gate, TimePoint now) {
  if (!gate.deadline) return "";
  const auto left = std::chrono::floor<std::chrono::seconds>(*gate.deadline - now);
  return left.count() > 0 ? fmt::format(", {} left", format_duration(left)) : ", its time is over";
}

}  // namespace

bool GateView::open() const {
  return state == "waiting" || state == "refused" || state == "checking" || state == "locked";
}

bool GateView::answers() const {
  return (state == "waiting" || state == "refused") && you_can && !gate_id.empty();
}

std::optional<GateView> parse_gate(const json::Value& mfa) {
  if (!mfa.is_object()) return std::nullopt;
  GateView gate;
  gate.level = text(mfa, "level");
  gate.phase = text(mfa, "phase");
  gate.state = text(mfa, "state");
  gate.gate_id = text(mfa, "gate-id");
  gate.since = parse_iso8601(text(mfa, "since"));
  gate.deadline = parse_iso8601(text(mfa, "deadline"));
  const json::Value& by = member(mfa, "by");
  gate.passed_by = text(by, "username");
  gate.session_expires = parse_iso8601(text(by, "session-expires-at"));
  gate.refusal = text(member(mfa, "refusal"), "sentence");
  gate.tries_left = number(mfa, "tries-left");
  gate.next_code_in = number(mfa, "next-code-in");
  const json::Value& identity = member(mfa, "identity");
  gate.identity_kind = text(identity, "kind");
  gate.identity_owner = text(identity, "owner");
  gate.identity_account = text(identity, "account");
  gate.identity_arn = text(identity, "arn");
  const json::Value& you = member(mfa, "you");
  const bool* can = member(you, "can").if_bool();
  gate.you_can = can != nullptr && *can;
  gate.your_serial = text(you, "serial");
  gate.your_reason = text(you, "reason");
  return gate;
}

std::string gate_words(const GateView& gate, TimePoint now) {
  const std::string phase = gate.phase.empty() ? std::string("run") : gate.phase;
  if (gate.state == "not-yet") return fmt::format("{} will need an AWS MFA code", phase);
  if (gate.state == "waiting") return fmt::format("{} waits for an AWS MFA code{}", phase, time_left(gate, now));
  if (gate.state == "checking") return "AWS is being asked about a code";
  if (gate.state == "refused") {
    return fmt::format("{} waits for an AWS MFA code{}; the last one was refused: {}{}", phase, time_left(gate, now),
                       gate.refusal, tries_words(gate));
  }
  if (gate.state == "locked")
    return fmt::format("{} is locked after too many wrong codes{}", phase, time_left(gate, now));
  if (gate.state == "passed") {
    std::string words = fmt::format("{} was authenticated with MFA by {}", phase, gate.passed_by);
    if (gate.session_expires) words += fmt::format(", whose session ends {}", format_iso8601(*gate.session_expires));
    return words;
  }
  if (gate.state == "expired") return fmt::format("nobody gave a code for the {} in time", phase);
  if (gate.state == "closed") return fmt::format("the run was ended before its {} got a code", phase);
  return "";
}

std::string who_may_answer(const GateView& gate) {
  if (gate.state == "locked" && gate.your_reason.empty()) return "an owner of the organization has to unlock it";
  if (!gate.you_can) return gate.your_reason.empty() ? "not you" : gate.your_reason;
  return gate.your_serial.empty() ? "you" : fmt::format("you, with the device {}", gate.your_serial);
}

std::string identity_words(const GateView& gate, std::string_view created_by) {
  if (gate.identity_kind.empty()) return "";
  const std::string owner = gate.identity_kind == "organization" ? std::string("the organization's")
                            : gate.identity_owner.empty()        ? std::string("a personal")
                                                                 : gate.identity_owner + "'s";
  const std::string whose = created_by.empty() ? std::string("this") : fmt::format("{}'s", created_by);
  const std::string& arn = gate.identity_arn.empty() ? gate.identity_account : gate.identity_arn;
  return fmt::format("{} configuration will run with {} AWS session{}", whose, owner,
                     arn.empty() ? "" : fmt::format(" ({})", arn));
}

}  // namespace tollgate::remote
