#include "broker/mfa/gate_note.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/os/terminal.h"

namespace tollgate::mfa {
namespace {

constexpr std::array<std::pair<GateNote::State, std::string_view>, 4> kStates = {{
    {GateNote::State::asking, "asking"},
    {GateNote::State::cancelled, "cancelled"},
    {GateNote::State::unanswered, "unanswered"},
    {GateNote::State::refused, "refused"},
}};

template <class Number>
Number to_number(std::string_view text) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() ? value : Number{};
}

}  // namespace

std::string GateNote::who() const {
  std::string text = command.empty() ? fmt::format("process {}", pid) : fmt::format("{} (process {})", command, pid);
  if (!terminal.empty()) text += " on " + terminal;
  return text;
}

std::string to_text(const GateNote& note) {
  const auto found =
      std::find_if(kStates.begin(), kStates.end(), [&](const auto& entry) { return entry.first == note.state; });
  if (found == kStates.end()) return "";
  return fmt::format("{}\n{}\n{}\n{}\n{}\n", found->second, note.at.time_since_epoch().count(), note.pid,
                     os::printable(note.terminal), os::printable(note.command));
}

GateNote parse_note(std::string_view text) {
  std::array<std::string_view, 5> lines;
  for (std::string_view& line : lines) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};  // one is being written
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  GateNote note;
  for (const auto& [state, word] : kStates) {
    if (word == lines[0]) note.state = state;
  }
  note.at = TimePoint(Duration(to_number<std::int64_t>(lines[1])));
  note.pid = to_number<pid_t>(lines[2]);
  note.terminal = os::printable(lines[3]);
  note.command = os::printable(lines[4]);
  return note;
}

std::optional<Error> error_of(const GateNote& note) {
  switch (note.state) {
    case GateNote::State::cancelled:
      return Error(Code::cancelled, fmt::format("the question for a code was cancelled in {}", note.who()))
          .because("cancelled");
    case GateNote::State::unanswered:
      return Error(Code::needs_person, fmt::format("nobody answered the question for a code in {}", note.who()))
          .because("timed_out");
    case GateNote::State::refused:
      return Error(Code::forbidden, fmt::format("AWS has just refused the codes given to {}", note.who()))
          .because("mfa_code_refused");
    case GateNote::State::none:
    case GateNote::State::asking:
      break;
  }
  return std::nullopt;
}

}  // namespace tollgate::mfa
