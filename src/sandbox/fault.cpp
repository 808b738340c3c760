#include "sandbox/fault.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/os/directory_names.h"
#include "common/os/file_lock.h"

namespace tollgate::sandbox {
namespace {

constexpr std::array<std::pair<FaultKind, std::string_view>, 9> kNames{{{FaultKind::delay, "delay"},
                                                                        {FaultKind::error_500, "500"},
                                                                        {FaultKind::error_503, "503"},
                                                                        {FaultKind::throttling, "throttling"},
                                                                        {FaultKind::reset_before, "reset-before"},
                                                                        {FaultKind::reset_after, "reset-after"},
                                                                        {FaultKind::truncated_body, "truncated"},
                                                                        {FaultKind::foreign_body, "html"},
                                                                        {FaultKind::clock, "clock"}}};
constexpr std::string_view kLock = "lock";
constexpr std::size_t kMaxFaultFile = 4096;
constexpr Duration kPatience{2000};

bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = pattern.npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

}  // namespace

std::string_view fault_kind_name(FaultKind kind) {
  for (const auto& [value, name] : kNames) {
    if (value == kind) return name;
  }
  return "unknown";
}

std::optional<FaultKind> fault_kind_by_name(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> fault_kind_names() {
  std::vector<std::string_view> names;
  for (const auto& entry : kNames)
    names.push_back(entry.second);
  return names;
}

bool fault_matches(const Fault& fault, std::string_view action) {
  return glob(lower(fault.action), lower(action));
}

json::Value to_json(const Fault& fault) {
  json::Value value = json::Value::object({{"action", fault.action}, {"kind", fault_kind_name(fault.kind)}});
  if (fault.count) value.set("count", *fault.count);
  if (fault.delay_ms != 0) value.set("delay_ms", fault.delay_ms);
  if (fault.offset_seconds != 0) value.set("offset_seconds", fault.offset_seconds);
  return value;
}

Result<Fault> fault_from_json(const json::Reader& json) {
  Fault fault;
  TG_TRY(fault.action, json.text("action"));
  TG_TRY(const std::string kind, json.text("kind"));
  const auto known = fault_kind_by_name(kind);
  if (!known) return fail(json.error(fmt::format("unknown kind of fault {}", kind)));
  fault.kind = *known;
  TG_TRY(fault.count, json.optional_integer("count"));
  TG_TRY(const auto delay, json.optional_integer("delay_ms"));
  fault.delay_ms = delay.value_or(0);
  TG_TRY(const auto offset, json.optional_integer("offset_seconds"));
  fault.offset_seconds = offset.value_or(0);
  return fault;
}

Result<FaultFolder> FaultFolder::open(const os::PrivateDirectory& state) {
  TG_TRY(auto directory, state.create_below("faults"));
  return FaultFolder(std::move(directory));
}

Result<std::vector<std::string>> FaultFolder::names() const {
  TG_TRY(std::vector<std::string> found, os::directory_names(directory_.fd(), directory_.path()));
  std::erase_if(found, [](const std::string& name) { return name.size() <= 5 || !name.ends_with(".json"); });
  return found;
}

Result<void> FaultFolder::add(const Fault& fault, const std::string& name) {
  return directory_.write(name + ".json", json::to_text(to_json(fault)));
}

Result<void> FaultFolder::clear() {
  TG_TRY(const auto lock, os::FileLock::acquire(directory_, kLock, kPatience, SystemClock()));
  TG_TRY(const auto found, names());
  for (const std::string& name : found)
    TG_CHECK(directory_.remove(name));
  return {};
}

Result<std::vector<Fault>> FaultFolder::list() const {
  std::vector<Fault> faults;
  TG_TRY(const auto found, names());
  for (const std::string& name : found) {
    const auto text = directory_.read(name, kMaxFaultFile);
    if (!text) continue;  // cleared in between
    TG_TRY(const json::Value value, json::parse(*text));
    TG_TRY(Fault fault, fault_from_json(json::Reader(value)));
    faults.push_back(std::move(fault));
  }
  return faults;
}

Result<std::vector<Fault>> FaultFolder::take(std::string_view action) {
  std::vector<Fault> taken;
  TG_TRY(const auto found, names());
  if (found.empty()) return taken;
  TG_TRY(const auto lock, os::FileLock::acquire(directory_, kLock, kPatience, SystemClock()));
  for (const std::string& name : found) {
    const auto text = directory_.read(name, kMaxFaultFile);
    if (!text) continue;
    TG_TRY(const json::Value value, json::parse(*text));
    TG_TRY(Fault fault, fault_from_json(json::Reader(value)));
    if (!fault_matches(fault, action)) continue;
    taken.push_back(fault);
    if (!fault.count) continue;
    if (--*fault.count <= 0) {
      TG_CHECK(directory_.remove(name));
    } else {
      TG_CHECK(directory_.write(name, json::to_text(to_json(fault))));
    }
  }
  return taken;
}

}  // namespace tollgate::sandbox
