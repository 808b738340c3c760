#include "runner/protocol/phase_result.h"

#include <array>

#include "common/json/value.h"

namespace tollgate::runner {
namespace {

constexpr std::array<std::pair<PhaseStatus, std::string_view>, 3> kStatuses{
    {{PhaseStatus::finished, "finished"}, {PhaseStatus::errored, "errored"}, {PhaseStatus::canceled, "canceled"}}};

json::Value texts(const std::vector<std::string>& words) {
  json::Value list = json::Value::array();
  for (const std::string& word : words)
    list.push(word);
  return list;
}

Result<std::vector<std::string>> read_texts(const json::Reader& reader, std::string_view key) {
  TG_TRY(const json::Reader list, reader.member(key));
  TG_TRY(const auto items, list.items());
  std::vector<std::string> words;
  for (const json::Reader& item : items) {
    const std::string* word = item.value().if_string();
    if (!word) return fail(item.error("must be text"));
    words.push_back(*word);
  }
  return words;
}

std::int64_t milliseconds(TimePoint time) {
  return time.time_since_epoch().count();
}

Result<TimePoint> read_time(const json::Reader& reader, std::string_view key) {
  TG_TRY(const std::int64_t value, reader.integer(key));
  return TimePoint(Duration(value));
}

}  // namespace

std::string_view to_text(PhaseStatus status) {
  for (const auto& [value, word] : kStatuses)
    if (value == status) return word;
  return "errored";
}

std::string to_text(const PhaseResult& result) {
  json::Value document = json::Value::object({{"status", to_text(result.status)},
                                              {"reason", result.reason},
                                              {"sentence", result.sentence},
                                              {"exit-code", result.exit_code},
                                              {"has-changes", result.has_changes},
                                              {"generated-configuration", result.generated_configuration},
                                              {"resource-additions", result.additions},
                                              {"resource-changes", result.changes},
                                              {"resource-destructions", result.destructions},
                                              {"resource-imports", result.imports},
                                              {"terraform-version", result.terraform_version},
                                              {"plan-sha256", result.plan_sha256},
                                              {"lock-file-sha256", result.lock_file_sha256},
                                              {"output-bytes", static_cast<std::int64_t>(result.output_bytes)},
                                              {"output-truncated", result.output_truncated},
                                              {"started-at-ms", milliseconds(result.started_at)},
                                              {"ended-at-ms", milliseconds(result.ended_at)},
                                              {"isolation", texts(result.isolation)},
                                              {"warnings", texts(result.warnings)}});
  if (result.state_serial) document.set("state-serial", *result.state_serial);
  return json::to_pretty_text(document);
}

Result<PhaseResult> parse_phase_result(std::string_view text) {
  TG_TRY(const json::Value document, json::parse(text));
  const json::Reader reader(document);
  PhaseResult result;
  TG_TRY(const std::string status, reader.text("status"));
  bool known = false;
  for (const auto& [value, word] : kStatuses) {
    if (word != status) continue;
    result.status = value;
    known = true;
  }
  if (!known) return fail(reader.error(fmt::format("\"{}\" is no status of a phase", status)).at("/status"));
  TG_TRY(result.reason, reader.text("reason"));
  TG_TRY(result.sentence, reader.text("sentence"));
  TG_TRY(result.exit_code, reader.integer("exit-code"));
  TG_TRY(result.has_changes, reader.boolean("has-changes"));
  TG_TRY(result.generated_configuration, reader.boolean("generated-configuration"));
  TG_TRY(result.additions, reader.integer("resource-additions"));
  TG_TRY(result.changes, reader.integer("resource-changes"));
  TG_TRY(result.destructions, reader.integer("resource-destructions"));
  TG_TRY(result.imports, reader.integer("resource-imports"));
  TG_TRY(result.terraform_version, reader.text("terraform-version"));
  TG_TRY(result.plan_sha256, reader.text("plan-sha256"));
  TG_TRY(result.lock_file_sha256, reader.text("lock-file-sha256"));
  TG_TRY(result.state_serial, reader.optional_integer("state-serial"));
  TG_TRY(const std::int64_t bytes, reader.integer("output-bytes"));
  result.output_bytes = static_cast<std::uint64_t>(bytes);
  TG_TRY(result.output_truncated, reader.boolean("output-truncated"));
  TG_TRY(result.started_at, read_time(reader, "started-at-ms"));
  TG_TRY(result.ended_at, read_time(reader, "ended-at-ms"));
  TG_TRY(result.isolation, read_texts(reader, "isolation"));
  TG_TRY(result.warnings, read_texts(reader, "warnings"));
  return result;
}

}  // namespace tollgate::runner
