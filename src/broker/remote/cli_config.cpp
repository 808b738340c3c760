#include "broker/remote/cli_config.h"

#include <algorithm>

namespace tollgate::remote {
namespace {

constexpr int kMaxDepth = 20;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == '+';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<json::Value> run() {
    TG_TRY(json::Value document, body(0));
    if (at_ != text_.size()) return fail(wrong("a brace too many"));
    return document;
  }

 private:
  Error wrong(std::string_view what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    return Error(Code::config, std::string(what)).at(fmt::format("line {}", line));
  }

  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_to_line_end() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  void skip() {
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        ++at_;
      } else if (c == '#' || (c == '/' && peek(1) == '/')) {
        skip_to_line_end();
      } else if (c == '/' && peek(1) == '*') {
        const std::size_t end = text_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? text_.size() : end + 2;
      } else {
        return;
      }
    }
  }

  Result<std::string> quoted() {
    std::string value;
    for (++at_; at_ < text_.size() && peek() != '"'; ++at_) {
      if (peek() == '\n') break;
      if (peek() == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        value += peek() == 'n' ? '\n' : peek() == 't' ? '\t' : peek();
      } else {
        value += peek();
      }
    }
    if (peek() != '"') return fail(wrong("a string has no end"));
    ++at_;
    return value;
  }

  Result<std::string> heredoc() {
    at_ += 2;
    if (peek() == '-') ++at_;
    const std::size_t head_end = std::min(text_.find('\n', at_), text_.size());
    std::string mark(text_.substr(at_, head_end - at_));
    while (!mark.empty() && (mark.back() == '\r' || mark.back() == ' '))
      mark.pop_back();
    at_ = std::min(head_end + 1, text_.size());
    std::string value;
    while (at_ < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      std::string_view line = text_.substr(at_, end - at_);
      at_ = std::min(end + 1, text_.size());
      if (line.ends_with('\r')) line.remove_suffix(1);
      const std::size_t first = line.find_first_not_of(" \t");
      if (first != std::string_view::npos && line.substr(first) == mark) return value;
      value += std::string(line) + "\n";
    }
    return fail(wrong("a heredoc has no end"));
  }

  std::string word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(peek()))
      ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  Result<std::string> name() {
    if (peek() == '"') return quoted();
    std::string found = word();
    if (found.empty()) return fail(wrong("a name is missing"));
    return found;
  }

  Result<json::Value> list(int depth) {
    json::Value items = json::Value::array();
    for (++at_, skip(); peek() != ']'; skip()) {
      if (at_ == text_.size()) return fail(wrong("a list has no end"));
      TG_TRY(json::Value item, value(depth + 1));
      items.push(std::move(item));
      skip();
      if (peek() == ',') ++at_;
    }
    ++at_;
    return items;
  }

  Result<json::Value> object(int depth) {
    ++at_;
    TG_TRY(json::Value members, body(depth + 1));
    if (peek() != '}') return fail(wrong("a block has no end"));
    ++at_;
    return members;
  }

  Result<json::Value> value(int depth) {
    if (depth > kMaxDepth) return fail(wrong("nested too deeply"));
    if (peek() == '"') {
      TG_TRY(std::string text, quoted());
      return json::Value(std::move(text));
    }
    if (peek() == '<' && peek(1) == '<') {
      TG_TRY(std::string text, heredoc());
      return json::Value(std::move(text));
    }
    if (peek() == '[') return list(depth);
    if (peek() == '{') return object(depth);
    const std::string text = word();
    if (text.empty()) return fail(wrong("a value is missing"));
    if (text == "true" || text == "false") return json::Value(text == "true");
    return json::Value(text);
  }

  // Attributes and blocks up to the end or to the closing brace, which is left.
  Result<json::Value> body(int depth) {
    if (depth > kMaxDepth) return fail(wrong("nested too deeply"));
    json::Value members = json::Value::object();
    for (skip(); at_ < text_.size() && peek() != '}'; skip()) {
      TG_TRY(std::string key, name());
      skip();
      if (peek() == '=' || peek() == ':') {
        ++at_;
        skip();
        TG_TRY(json::Value found, value(depth));
        members.set(std::move(key), std::move(found));
      } else {
        TG_CHECK(block(members, key, depth));
      }
      skip();
      if (peek() == ',') ++at_;
    }
    return members;
  }

  // Behind the block's name: labels, then its body.
  Result<void> block(json::Value& members, const std::string& key, int depth) {
    std::vector<std::string> path{key};
    while (peek() != '{') {
      if (at_ == text_.size()) return fail(wrong("a block has no body"));
      TG_TRY(std::string label, name());
      path.push_back(std::move(label));
      skip();
    }
    TG_TRY(json::Value content, object(depth));
    json::Value* place = &members;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
      const json::Value* there = place->find(path[i]);
      if (there == nullptr || !there->is_object()) place->set(path[i], json::Value::object());
      place = place->find(path[i]);
    }
    place->set(path.back(), std::move(content));
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<json::Value> parse_cli_config(std::string_view text) {
  return Parser(text).run();
}

}  // namespace tollgate::remote
