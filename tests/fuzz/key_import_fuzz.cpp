// Any bytes as an AWS file from which keys are taken, and as a record of stored keys: no crash; afterwards the profile
// has no key left, every other section says what it said before, and a second time changes nothing.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "aws/ini_file.h"
#include "broker/deliver/key_import.h"
#include "broker/vault/long_term_keys.h"

namespace {

using namespace tollgate;

void require(bool holds) {
  if (!holds) std::abort();
}

using Settings = std::map<std::string, std::string>;

// Sections other than the profile's, by kind, form and name.
std::map<std::string, Settings> others(std::string_view text, aws::FileKind kind, std::string_view profile) {
  std::map<std::string, Settings> all;
  for (const aws::IniSection& section : aws::parse_ini(text, kind).sections) {
    if (section.kind == aws::SectionKind::profile && section.name == profile) continue;
    Settings& settings = all[fmt::format("{} {} {}", static_cast<int>(section.kind), section.prefixed, section.name)];
    for (const aws::IniSetting& setting : section.settings)
      settings[std::string(setting.key)] = setting.value;
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kProcess = "/bin/tollgate credential-process --profile a";
  for (const auto kind : {aws::FileKind::config, aws::FileKind::credentials}) {
    for (const std::string_view profile : {"a", "default"}) {
      const auto after = deliver::without_keys(text, kind, profile, kProcess);
      if (!after) continue;
      const aws::IniFile file = aws::parse_ini(*after, kind);
      bool line = false;
      for (const aws::IniSection& section : file.sections) {
        if (section.kind != aws::SectionKind::profile || section.name != profile) continue;
        require(section.find("aws_access_key_id") == nullptr && section.find("aws_secret_access_key") == nullptr);
        const aws::IniSetting* process = section.find("credential_process");
        line = line || process != nullptr;
      }
      require(line);
      require(others(text, kind, profile) == others(*after, kind, profile));
      require(!deliver::without_keys(*after, kind, profile, kProcess));
    }
  }
  deliver::own_process_profile(text);
  [[maybe_unused]] const auto summary = vault::read_summary(text);
  static const Secret key(std::string(32, 'k'));
  require(!vault::open_record(key, "a", text));
  return 0;
}
