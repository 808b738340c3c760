#include "broker/deliver/profile_writer.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>

#include "aws/profile_files.h"
#include "common/os/file_lock.h"

namespace tollgate::deliver {
namespace {

// The first line below the header of every section of ours, up to the name of its source.
constexpr std::string_view kMark = "# Written by tollgate: session of profile ";
constexpr std::string_view kExpires = ", expires ";
constexpr std::string_view kRemoval = "# Remove it with: tollgate profile remove ";
constexpr std::array<std::string_view, 4> kOwnSettings = {"aws_access_key_id", "aws_secret_access_key",
                                                          "aws_session_token", "region"};
constexpr Duration kLockPatience{10000};
constexpr int kTries = 3;

struct Line {
  std::string_view text;     // without its end
  std::string_view content;  // without blanks around it
  std::size_t start = 0;     // offset of the line
  std::size_t end = 0;       // offset behind its end
};

std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r");
  if (start == std::string_view::npos) return "";
  return text.substr(start, text.find_last_not_of(" \t\r") - start + 1);
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const std::size_t next = std::min(end + 1, text.size());
    lines.push_back({line, trimmed(line), at, next});
    at = next;
  }
  return lines;
}

bool is_blank_or_comment(const Line& line) {
  return line.content.empty() || line.content.front() == '#' || line.content.front() == ';';
}

// A setting of ours, by its key; values of ours are never continued.
bool is_own_setting(const Line& line) {
  const std::string_view key = trimmed(line.content.substr(0, line.content.find_first_of("=:")));
  if (line.content.size() == key.size() || line.text.empty() || line.text.front() == ' ' || line.text.front() == '\t')
    return false;
  return std::find(kOwnSettings.begin(), kOwnSettings.end(), key) != kOwnSettings.end();
}

bool is_mark(const Line& line) {
  return line.content.starts_with(kMark) || line.content.starts_with(kRemoval);
}

struct Section {
  std::string_view name;
  std::size_t first = 0;  // index of the header's line
  std::size_t last = 0;   // index behind its last line
  bool own = false;
  std::string_view mark = {};
};

std::vector<Section> sections_of(const std::vector<Line>& lines) {
  std::vector<Section> sections;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i].content;
    if (!line.empty() && line.front() == '[') {
      if (!sections.empty()) sections.back().last = i;
      sections.push_back({trimmed(line.substr(1, std::min(line.find(']'), line.size()) - 1)), i, lines.size()});
    } else if (!sections.empty() && line.starts_with(kMark)) {
      sections.back().own = true;
      sections.back().mark = line;
    }
  }
  return sections;
}

Error foreign(std::string_view name, const Section& section) {
  return Error(Code::config, fmt::format("there is a profile {} that tollgate has not written", name))
      .at(fmt::format("{}", section.first + 1))
      .do_next("choose another name with --as")
      .because("foreign_section");
}

// The only section of that name, or nullptr.
Result<const Section*> own_section(const std::vector<Section>& sections, std::string_view name) {
  const Section* found = nullptr;
  for (const Section& section : sections) {
    if (section.name != name) continue;
    if (!section.own || found != nullptr) return fail(foreign(name, section));
    found = &section;
  }
  return found;
}

std::string own_lines(const TemporaryProfile& profile, std::string_view end) {
  const aws::Credentials& keys = profile.credentials;
  std::string text;
  text.reserve(8192);
  text += fmt::format("{}{}{}{}{}", kMark, profile.source, kExpires,
                      keys.expiration ? format_iso8601(*keys.expiration) : "at an unknown time", end);
  text += fmt::format("{}{}{}", kRemoval, profile.name, end);
  text += fmt::format("aws_access_key_id = {}{}", keys.access_key_id, end);
  text += fmt::format("aws_secret_access_key = {}{}", keys.secret_access_key.reveal(), end);
  text += fmt::format("aws_session_token = {}{}", keys.session_token.reveal(), end);
  if (!profile.region.empty()) text += fmt::format("region = {}{}", profile.region, end);
  return text;
}

bool is_plain(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._@+-").find(c) != std::string_view::npos;
  });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

Result<void> check_name(std::string_view name) {
  if (is_plain(name)) return {};
  return fail(Error(Code::usage, fmt::format("{} is no name that every AWS tool reads alike", name))
                  .do_next("choose one of letters, digits and . _ @ + - with --as")
                  .because("bad_name"));
}

// A line break in any of them would write lines of its own.
Result<void> check(const TemporaryProfile& profile) {
  TG_CHECK(check_name(profile.name));
  const aws::Credentials& keys = profile.credentials;
  for (const std::string_view text :
       {std::string_view(profile.source), std::string_view(keys.access_key_id), keys.secret_access_key.reveal(),
        keys.session_token.reveal(), std::string_view(profile.region)}) {
    if (has_control(text)) return fail(Code::invalid, "a control character cannot stand in a credentials file");
  }
  return {};
}

Error at_line_of(Error error, const std::string& path) {
  error.place = error.place.empty() ? path : fmt::format("{}:{}", path, error.place);
  return error;
}

// Where a write goes: what a symbolic link leads to. The path itself where nothing is there.
Result<std::string> real_path(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  if (::realpath(path.c_str(), buffer.data()) != nullptr) return std::string(buffer.data());
  struct stat info {};
  if (errno == ENOENT && ::lstat(path.c_str(), &info) != 0 && errno == ENOENT) return path;
  return fail(Code::io, fmt::format("finding {}: {}", path, std::strerror(errno)));
}

Result<Secret> read_text(const std::string& path) {
  TG_TRY(std::optional<std::string> text, aws::read_aws_file(path));
  return text ? Secret::take(std::move(*text)) : Secret();
}

using Edit = std::function<Result<Secret>(std::string_view text)>;

Result<WriteOutcome> edit_file(const std::string& path, const os::PrivateDirectory& locks, const Clock& clock,
                               const Edit& edit) {
  if (path.empty()) return fail(Code::config, "there is no credentials file, because HOME is not set");
  TG_TRY(const os::FileLock lock, os::FileLock::acquire(locks, "credentials-file", kLockPatience, clock));
  TG_TRY(const std::string target, real_path(path));
  const std::string directory = target.substr(0, target.rfind('/') + 1);
  if (!directory.empty() && ::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(Code::io, fmt::format("creating {}: {}", directory, std::strerror(errno)));
  }
  for (int i = 0; i < kTries; ++i) {
    WriteOutcome outcome;
    struct stat info {};
    const bool exists = ::stat(target.c_str(), &info) == 0;
    if (exists && info.st_uid != ::geteuid()) {
      return fail(Error(Code::forbidden, fmt::format("{} belongs to another user", target)).because("foreign_owner"));
    }
    outcome.closed_to_others = exists && (info.st_mode & 077) != 0;
    TG_TRY(const Secret before, read_text(target));
    auto after = edit(before.reveal());
    if (!after) return fail(at_line_of(std::move(after.error()), path));
    // Others do not know our lock: what they have written meanwhile must not be lost.
    TG_TRY(const Secret now, read_text(target));
    if (!(now == before)) continue;
    const mode_t mode = exists ? (info.st_mode & 0700) : 0600;
    TG_CHECK(os::write_file_atomically(target, after->reveal(), {.mode = mode, .durable = true}));
    return outcome;
  }
  return fail(Error(Code::conflict, fmt::format("another program keeps changing {}", target)).do_next("try again"));
}

}  // namespace

std::vector<WrittenProfile> written_profiles(std::string_view text) {
  const std::vector<Line> lines = lines_of(text);
  std::vector<WrittenProfile> found;
  for (const Section& section : sections_of(lines)) {
    if (!section.own) continue;
    WrittenProfile profile;
    profile.name = section.name;
    profile.line = static_cast<int>(section.first) + 1;
    const std::string_view rest = section.mark.substr(kMark.size());
    const std::size_t comma = rest.rfind(kExpires);
    profile.source = rest.substr(0, comma);
    if (comma != std::string_view::npos) profile.expires = parse_iso8601(rest.substr(comma + kExpires.size()));
    found.push_back(std::move(profile));
  }
  return found;
}

Result<Secret> with_profile(std::string_view text, const TemporaryProfile& profile) {
  TG_CHECK(check(profile));
  const std::vector<Line> lines = lines_of(text);
  const std::vector<Section> sections = sections_of(lines);
  TG_TRY(const Section* const section, own_section(sections, profile.name));
  const std::string_view end = text.find("\r\n") != std::string_view::npos ? "\r\n" : "\n";
  std::string own = own_lines(profile, end);
  std::string result;
  result.reserve(text.size() + own.size() + profile.name.size() + 16);
  if (section == nullptr) {
    result += text;
    if (!text.empty() && !text.ends_with('\n')) result += end;
    if (!text.empty()) result += end;
    result += fmt::format("[{}]{}", profile.name, end);
    result += own;
  } else {
    const Line& header = lines[section->first];
    result += text.substr(0, header.end);
    if (!result.ends_with('\n')) result += end;
    result += own;
    for (std::size_t i = section->first + 1; i < section->last; ++i) {
      if (!is_mark(lines[i]) && !is_own_setting(lines[i])) {
        result += text.substr(lines[i].start, lines[i].end - lines[i].start);
      }
    }
    if (section->last < lines.size()) result += text.substr(lines[section->last].start);
  }
  wipe(own);
  return Secret::take(std::move(result));
}

Result<Secret> without_profile(std::string_view text, std::string_view name) {
  const std::vector<Line> lines = lines_of(text);
  const std::vector<Section> sections = sections_of(lines);
  TG_TRY(const Section* const section, own_section(sections, name));
  if (section == nullptr) {
    return fail(Error(Code::not_found, fmt::format("tollgate has written no profile {}", name)).because("not_written"));
  }
  // Comments in front of the next section are that one's.
  std::size_t last = section->last;
  while (last > section->first + 1 && is_blank_or_comment(lines[last - 1]) && !is_mark(lines[last - 1]))
    --last;
  std::size_t first = section->first;
  if (first > 0 && lines[first - 1].content.empty()) --first;  // written with the section
  std::string result;
  result.reserve(text.size());
  result += text.substr(0, lines[first].start);
  if (last < lines.size()) result += text.substr(lines[last].start);
  return Secret::take(std::move(result));
}

Result<void> check_temporary_profile(const std::string& path, std::string_view name) {
  TG_CHECK(check_name(name));
  if (path.empty()) return fail(Code::config, "there is no credentials file, because HOME is not set");
  TG_TRY(const Secret text, read_text(path));
  const std::vector<Line> lines = lines_of(text.reveal());
  const std::vector<Section> sections = sections_of(lines);
  auto section = own_section(sections, name);
  if (!section) return fail(at_line_of(std::move(section.error()), path));
  return {};
}

Result<WriteOutcome> write_profile(const std::string& path, const TemporaryProfile& profile,
                                   const os::PrivateDirectory& locks, const Clock& clock) {
  return edit_file(path, locks, clock, [&](std::string_view text) { return with_profile(text, profile); });
}

Result<WriteOutcome> remove_profile(const std::string& path, std::string_view name, const os::PrivateDirectory& locks,
                                    const Clock& clock) {
  return edit_file(path, locks, clock, [&](std::string_view text) { return without_profile(text, name); });
}

}  // namespace tollgate::deliver
