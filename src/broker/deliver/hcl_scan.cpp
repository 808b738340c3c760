#include "broker/deliver/hcl_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>

#include "common/os/atomic_file.h"

namespace tollgate::deliver {
namespace {

constexpr std::size_t kMaxFileBytes = 4 << 20;
constexpr std::size_t kMaxDepth = 200;     // of blocks; deeper ones are passed over
constexpr std::size_t kMaxTemplates = 20;  // strings in ${...} in strings
constexpr int kMaxHeredocs = 3;            // one inside the other
constexpr std::size_t kMaxFolderDepth = 8;
constexpr std::size_t kMaxFolders = 1000;

struct Token {
  enum class Kind : std::uint8_t { word, text, heredoc, mark, line_end, end };
  Kind kind = Kind::end;
  std::string_view text;  // of a string: between the quotes
  int line = 1;
};

bool is_word_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

class Lexer {
 public:
  Lexer(std::string_view text, int line) : rest_(text), line_(line) {}

  Token next() {
    skip_blanks_and_comments();
    const int line = line_;
    if (rest_.empty()) return {Token::Kind::end, {}, line};
    const char c = rest_.front();
    if (c == '\n') return {Token::Kind::line_end, take(1), line};
    if (c == '"') return {Token::Kind::text, take_string(), line};
    if (rest_.starts_with("<<")) {
      if (auto content = take_heredoc()) return {Token::Kind::heredoc, *content, line + 1};
    }
    std::size_t length = 0;
    while (length < rest_.size() && is_word_character(rest_[length]))
      ++length;
    if (length > 0) return {Token::Kind::word, take(length), line};
    return {Token::Kind::mark, take(1), line};
  }

 private:
  std::string_view take(std::size_t length) {
    const std::string_view taken = rest_.substr(0, length);
    line_ += static_cast<int>(std::count(taken.begin(), taken.end(), '\n'));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  void skip_blanks_and_comments() {
    for (;;) {
      const std::size_t blanks = std::min(rest_.find_first_not_of(" \t\r"), rest_.size());
      take(blanks);
      if (rest_.starts_with('#') || rest_.starts_with("//")) {
        take(std::min(rest_.find('\n'), rest_.size()));
      } else if (rest_.starts_with("/*")) {
        const std::size_t end = rest_.find("*/", 2);
        take(end == rest_.npos ? rest_.size() : end + 2);
      } else {
        return;
      }
    }
  }

  // "..." with \" and ${...}, in which strings may stand again.
  std::string_view take_string() {
    const std::size_t end = string_end(0, 0);
    const std::string_view content = rest_.substr(1, end - 1);
    take(std::min(end + 1, rest_.size()));
    return content;
  }

  // The place of the closing quote of the string that begins at `at`; a string ends with its line at the latest.
  std::size_t string_end(std::size_t at, std::size_t depth) const {
    for (++at; at < rest_.size() && rest_[at] != '\n'; ++at) {
      const char c = rest_[at];
      if (c == '"') return at;
      if (c == '\\') {
        ++at;
      } else if ((c == '$' || c == '%') && rest_.substr(at + 1, 1) == "{" && depth < kMaxTemplates) {
        at = template_end(at + 2, depth + 1);
      }
    }
    return std::min(at, rest_.size());
  }

  // The place of the brace that closes what `${` opened before `at`.
  std::size_t template_end(std::size_t at, std::size_t depth) const {
    int braces = 1;
    for (; at < rest_.size() && rest_[at] != '\n'; ++at) {
      if (rest_[at] == '"') at = string_end(at, depth);
      if (at >= rest_.size() || rest_[at] == '\n') break;
      if (rest_[at] == '{') ++braces;
      if (rest_[at] == '}' && --braces == 0) return at;
    }
    // Its line ended: one back, so that whoever goes on sees that too.
    return std::min(at, rest_.size()) - 1;
  }

  std::optional<std::string_view> take_heredoc() {
    std::size_t at = 2;
    if (rest_.substr(at, 1) == "-") ++at;
    std::size_t end = at;
    while (end < rest_.size() && is_word_character(rest_[end]))
      ++end;
    if (end == at) return std::nullopt;
    const std::string_view word = rest_.substr(at, end - at);
    const std::size_t first = rest_.find('\n', end);
    if (first == rest_.npos) return std::nullopt;
    take(first + 1);
    std::size_t length = 0;
    while (length < rest_.size()) {
      const std::size_t line_end = std::min(rest_.find('\n', length), rest_.size());
      std::string_view line = rest_.substr(length, line_end - length);
      line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
      while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
        line.remove_suffix(1);
      if (line == word) {
        const std::string_view content = take(length);
        take(line_end - length);
        return content;
      }
      length = std::min(line_end + 1, rest_.size());
    }
    return take(rest_.size());
  }

  std::string_view rest_;
  int line_;
};

class Scanner {
 public:
  Scanner(std::string_view text, int line, int heredocs) : lexer_(text, line), heredocs_(heredocs) {}

  std::vector<HclRemark> run() {
    for (token_ = lexer_.next(); token_.kind != Token::Kind::end; advance()) {
      if (token_.kind == Token::Kind::heredoc && heredocs_ < kMaxHeredocs) {
        for (HclRemark& remark : Scanner(token_.text, token_.line, heredocs_ + 1).run())
          remarks_.push_back(std::move(remark));
      } else if (token_.kind == Token::Kind::word && at_start_) {
        statement();
        continue;
      } else if (token_.text == "{" && token_.kind == Token::Kind::mark) {
        open("");
        continue;
      } else if (token_.text == "}" && token_.kind == Token::Kind::mark) {
        if (depth_ > blocks_.size()) {
          --depth_;
        } else if (!blocks_.empty()) {
          blocks_.pop_back();
          depth_ = blocks_.size();
        }
      }
      // In an object the attributes may follow one another after a comma.
      at_start_ = token_.kind == Token::Kind::line_end || (token_.kind == Token::Kind::mark && token_.text == ",");
    }
    return std::move(remarks_);
  }

 private:
  void advance() { ahead_ ? token_ = *std::exchange(ahead_, std::nullopt) : token_ = lexer_.next(); }

  void open(std::string block) {
    ++depth_;
    if (blocks_.size() < kMaxDepth && depth_ == blocks_.size() + 1) blocks_.push_back(std::move(block));
    at_start_ = true;
  }

  // `name = value`, or `name "label" ... {`.
  void statement() {
    const Token name = token_;
    std::string header(name.text);
    at_start_ = false;
    advance();
    if (token_.kind == Token::Kind::mark && (token_.text == "=" || token_.text == ":")) {
      attribute(name);
      return;
    }
    while (token_.kind == Token::Kind::text || token_.kind == Token::Kind::word) {
      header += fmt::format(" \"{}\"", token_.text);
      advance();
    }
    if (token_.kind == Token::Kind::mark && token_.text == "{") {
      open(std::move(header));
    } else {
      ahead_ = token_;
    }
  }

  void attribute(const Token& name) {
    const std::string* block = relevant_block();
    advance();
    const Token value = token_;
    ahead_ = value;
    if (block == nullptr) return;
    constexpr std::array<std::string_view, 4> kFiles = {"shared_config_files", "shared_credentials_files",
                                                        "shared_credentials_file", "shared_config_file"};
    constexpr std::array<std::string_view, 3> kKeys = {"access_key", "secret_key", "token"};
    const auto is_one_of = [&](const auto& names) {
      return std::find(names.begin(), names.end(), name.text) != names.end();
    };
    const bool empty = (value.kind == Token::Kind::text && value.text.empty()) || value.text == "null";
    if (empty) return;
    if (is_one_of(kFiles)) {
      if (value.text == "[") {
        ahead_.reset();
        do {
          advance();
        } while (token_.kind == Token::Kind::line_end);
        ahead_ = token_;
        if (token_.kind == Token::Kind::mark && token_.text == "]") return;  // an empty list is as none
      }
      remarks_.push_back({HclRemark::Kind::named_files, name.line, std::string(name.text), *block, ""});
    } else if (is_one_of(kKeys)) {
      remarks_.push_back({HclRemark::Kind::static_keys, name.line, std::string(name.text), *block, ""});
    } else if (name.text == "profile" && value.kind == Token::Kind::text && value.text.find("${") == value.text.npos) {
      remarks_.push_back(
          {HclRemark::Kind::profile, name.line, std::string(name.text), *block, std::string(value.text)});
    }
  }

  const std::string* relevant_block() const {
    for (const std::string& block : blocks_) {
      if (block == "provider \"aws\"" || block == "backend \"s3\"" ||
          block.starts_with("data \"terraform_remote_state\"") || block == "remote_state") {
        return &block;
      }
    }
    return nullptr;
  }

  Lexer lexer_;
  Token token_;
  std::optional<Token> ahead_;
  std::vector<std::string> blocks_;
  std::size_t depth_ = 0;
  bool at_start_ = true;
  int heredocs_;
  std::vector<HclRemark> remarks_;
};

bool is_code(std::string_view name) {
  if (name.starts_with('.')) return false;
  return name.ends_with(".tf") || name.ends_with(".tofu") || name.ends_with(".hcl");
}

struct Folder {
  std::vector<std::string> code;     // names, sorted
  std::vector<std::string> folders;  // likewise, without hidden ones
};

Folder list_folder(const std::string& directory) {
  Folder found;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (is_code(name)) {
      found.code.emplace_back(name);
    } else if (!name.starts_with('.')) {
      struct stat status {};
      const bool unknown = entry->d_type == DT_UNKNOWN;  // some file systems do not say
      if (entry->d_type == DT_DIR ||
          (unknown && ::fstatat(::dirfd(entries.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(status.st_mode))) {
        found.folders.emplace_back(name);
      }
    }
  }
  std::sort(found.code.begin(), found.code.end());
  std::sort(found.folders.begin(), found.folders.end());
  return found;
}

std::vector<HclRemark> scan_file(const std::string& path) {
  const auto text = os::read_file(path, kMaxFileBytes);
  return text ? scan_hcl(*text) : std::vector<HclRemark>();
}

}  // namespace

std::vector<HclRemark> scan_hcl(std::string_view text) {
  return Scanner(text, 1, 0).run();
}

std::vector<HclFileRemark> scan_hcl_directory(const std::string& directory) {
  std::vector<HclFileRemark> remarks;
  for (const std::string& name : list_folder(directory).code) {
    for (HclRemark& remark : scan_file(fmt::format("{}/{}", directory, name)))
      remarks.push_back({name, std::move(remark)});
  }
  return remarks;
}

bool any_hcl_remark(const std::string& directory, const std::function<bool(const HclRemark&)>& wanted) {
  struct Waiting {
    std::string path;
    std::size_t depth;
  };
  std::deque<Waiting> waiting{{directory, 0}};
  for (std::size_t seen = 0; !waiting.empty() && seen < kMaxFolders; ++seen) {
    const Waiting next = std::move(waiting.front());
    waiting.pop_front();
    const Folder folder = list_folder(next.path);
    for (const std::string& name : folder.code) {
      const auto remarks = scan_file(fmt::format("{}/{}", next.path, name));
      if (std::any_of(remarks.begin(), remarks.end(), wanted)) return true;
    }
    if (next.depth == kMaxFolderDepth) continue;
    for (const std::string& name : folder.folders)
      waiting.push_back({fmt::format("{}/{}", next.path, name), next.depth + 1});
  }
  return false;
}

}  // namespace tollgate::deliver
