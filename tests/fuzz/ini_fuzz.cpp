// Any bytes as configuration and credentials file: reading, merging, resolving and judging must neither crash nor hang,
// and must keep what the headers promise. The input is split at the first "\0\0" into the two files.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/ini_file.h"
#include "aws/profile_diagnostics.h"
#include "aws/profile_files.h"

namespace {

using namespace tollgate::aws;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_file(std::string_view text, FileKind kind) {
  const IniFile file = parse_ini(text, kind);
  int lines = 1;
  for (const char c : text)
    lines += c == '\n' ? 1 : 0;
  for (const IniNote& note : file.notes)
    require(note.line >= 1 && note.line <= lines);
  for (const IniSection& section : file.sections) {
    require(!section.name.empty() && section.name.find('\n') == section.name.npos);
    require(section.line >= 1 && section.line <= lines);
    for (const IniSetting& setting : section.settings) {
      require(setting.line >= section.line && setting.line <= lines);
      require(section.find(setting.key) == &setting);
      require(setting.nested.empty() || setting.value.empty());
      for (const char c : setting.key)
        require(c < 'A' || c > 'Z');
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t split = all.find(std::string_view("\0\0", 2));
  const std::string_view config = all.substr(0, split);
  const std::string_view credentials = split == all.npos ? config : all.substr(split + 2);
  check_file(config, FileKind::config);
  check_file(credentials, FileKind::credentials);

  const ProfileSet set = merge_profiles({"config", "credentials"}, config, credentials);
  for (const Profile& profile : set.profiles)
    require(set.find(profile.name) == &profile);
  for (const Diagnostic& diagnostic : diagnose(set, {})) {
    for (const char c : diagnostic.message + diagnostic.next)
      require(static_cast<unsigned char>(c) >= 0x20);
  }
  // The vault may add credentials, never take a way to them.
  const HasVaultKeys all_in_vault = [](std::string_view) { return true; };
  for (const Profile& profile : set.profiles) {
    const bool without = resolve_chain(set, profile.name, {}).has_value();
    const auto with = resolve_chain(set, profile.name, {}, all_in_vault);
    require(with.has_value() || !without || with.error().reason != "no_credentials");
  }
  return 0;
}
