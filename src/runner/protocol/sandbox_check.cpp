#include "runner/protocol/sandbox_check.h"

#include "common/json/value.h"
#include "common/os/child_process.h"
#include "runner/protocol/phase_result.h"

namespace tollgate::runner {
namespace {

constexpr Duration kLimit{30000};

json::Value list_of(const std::vector<std::string>& texts) {
  json::Value list = json::Value::array();
  for (const std::string& text : texts)
    list.push(text);
  return list;
}

Result<std::vector<std::string>> texts_of(const json::Reader& reader, std::string_view key) {
  TG_TRY(const json::Reader list, reader.member(key));
  TG_TRY(const auto items, list.items());
  std::vector<std::string> texts;
  for (const json::Reader& item : items) {
    const std::string* text = item.value().if_string();
    if (!text) return fail(item.error("must be text"));
    texts.push_back(*text);
  }
  return texts;
}

// "tollgate-runner: WHAT\nNEXT\n", as the program says an error.
Error said(std::string_view text) {
  constexpr std::string_view kName = "tollgate-runner: ";
  if (text.substr(0, kName.size()) == kName) text.remove_prefix(kName.size());
  const std::size_t end = text.find('\n');
  Error error(Code::unavailable, fmt::format("runs cannot be isolated: {}", text.substr(0, end)));
  error.reason = std::string(reason::kSandboxUnavailable);
  if (end != std::string_view::npos) {
    const std::string_view rest = text.substr(end + 1);
    error.next = std::string(rest.substr(0, rest.find('\n')));
  }
  return error;
}

}  // namespace

std::string to_text(const SandboxFacts& facts) {
  return json::to_text(
      json::Value::object({{"applied", list_of(facts.applied)}, {"warnings", list_of(facts.warnings)}}));
}

Result<SandboxFacts> parse_sandbox_facts(std::string_view text) {
  TG_TRY(const json::Value document, json::parse(text));
  const json::Reader reader(document);
  SandboxFacts facts;
  TG_TRY(facts.applied, texts_of(reader, "applied"));
  TG_TRY(facts.warnings, texts_of(reader, "warnings"));
  return facts;
}

Result<SandboxFacts> check_sandbox(const std::string& program, const Bundle& bundle) {
  os::Command command;
  command.argv = {program, "check"};
  command.environment.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  command.error = os::Stdio::pipe();
  os::CaptureOptions options;
  options.time_limit = kLimit;
  const Secret text = to_text(bundle);
  options.input = std::string(text.reveal());
  auto captured = os::capture(std::move(command), options);
  wipe(options.input);
  if (!captured) return fail(std::move(captured).error().while_doing("asking the runner for its sandbox"));
  if (!captured->succeeded()) return fail(said(captured->error_output));
  return parse_sandbox_facts(captured->output.reveal());
}

}  // namespace tollgate::runner
