#include "runner/protocol/control.h"

#include <array>

#include "common/json/value.h"

namespace tollgate::runner {
namespace {

constexpr std::array<std::pair<ControlCommand, std::string_view>, 4> kCommands{
    {{ControlCommand::cancel, "cancel"},
     {ControlCommand::terminate, "terminate"},
     {ControlCommand::kill, "kill"},
     {ControlCommand::ping, "ping"}}};

std::string line_of(const json::Value& document) {
  return json::to_text(document) + "\n";
}

}  // namespace

std::string to_line(ControlCommand command) {
  for (const auto& [value, word] : kCommands)
    if (value == command) return line_of(json::Value::object({{"command", word}}));
  return {};
}

std::string to_line(const Progress& progress) {
  json::Value document = json::Value::object(
      {{"event", progress.ended ? "ended" : "progress"}, {"output", static_cast<std::int64_t>(progress.output_bytes)}});
  if (progress.state_serial) document.set("state", *progress.state_serial);
  return line_of(document);
}

Result<ControlCommand> parse_control_command(std::string_view line) {
  TG_TRY(const json::Value document, json::parse(line));
  TG_TRY(const std::string word, json::Reader(document).text("command"));
  for (const auto& [value, known] : kCommands)
    if (known == word) return value;
  return fail(Error(Code::invalid, fmt::format("\"{}\" is no command", word)).at("/command"));
}

Result<Progress> parse_progress(std::string_view line) {
  TG_TRY(const json::Value document, json::parse(line));
  const json::Reader reader(document);
  Progress progress;
  TG_TRY(const std::string event, reader.text("event"));
  if (event != "progress" && event != "ended") {
    return fail(Error(Code::invalid, fmt::format("\"{}\" is no event", event)).at("/event"));
  }
  progress.ended = event == "ended";
  TG_TRY(const std::int64_t output, reader.integer("output"));
  progress.output_bytes = static_cast<std::uint64_t>(output);
  TG_TRY(progress.state_serial, reader.optional_integer("state"));
  return progress;
}

bool LineSplitter::feed(std::string_view bytes, const std::function<void(std::string_view)>& take) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    partial_.append(bytes.substr(0, end));
    if (partial_.size() > kMaxControlLine) return false;
    if (end == std::string_view::npos) return true;
    const std::string line = std::move(partial_);
    partial_.clear();
    bytes.remove_prefix(end + 1);
    take(line);
  }
  return true;
}

}  // namespace tollgate::runner
