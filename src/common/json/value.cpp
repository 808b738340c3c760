#include "common/json/value.h"

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>

namespace tollgate::json {
namespace {

constexpr std::size_t kMaxDepth = 100;

// Builds a Value while Boost.JSON reads, so that duplicate keys are seen and no second tree is built.
struct Handler {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  std::vector<Value> open;
  std::vector<std::string> keys;
  std::string text;
  Value root;
  bool duplicate_key = false;

  void place(Value value) {
    if (open.empty()) {
      root = std::move(value);
    } else if (Array* items = open.back().if_array()) {
      items->push_back(std::move(value));
    } else {
      if (open.back().find(keys.back()) != nullptr) duplicate_key = true;
      open.back().if_object()->emplace_back(std::move(keys.back()), std::move(value));
      keys.pop_back();
    }
  }
  bool close() {
    Value done = std::move(open.back());
    open.pop_back();
    place(std::move(done));
    return !duplicate_key;
  }

  using ec = boost::system::error_code;
  bool on_document_begin(ec&) { return true; }
  bool on_document_end(ec&) { return true; }
  bool on_object_begin(ec&) {
    open.emplace_back(Object{});
    return true;
  }
  bool on_object_end(std::size_t, ec&) { return close(); }
  bool on_array_begin(ec&) {
    open.emplace_back(Array{});
    return true;
  }
  bool on_array_end(std::size_t, ec&) { return close(); }
  bool on_key_part(boost::json::string_view part, std::size_t, ec&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_key(boost::json::string_view part, std::size_t, ec&) {
    text.append(part.data(), part.size());
    keys.push_back(std::move(text));
    text.clear();
    return true;
  }
  bool on_string_part(boost::json::string_view part, std::size_t, ec&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_string(boost::json::string_view part, std::size_t, ec&) {
    text.append(part.data(), part.size());
    place(Value(std::move(text)));
    text.clear();
    return true;
  }
  bool on_number_part(boost::json::string_view, ec&) { return true; }
  bool on_int64(std::int64_t value, boost::json::string_view, ec&) {
    place(Value(value));
    return true;
  }
  bool on_uint64(std::uint64_t value, boost::json::string_view, ec&) {
    place(Value(static_cast<double>(value)));
    return true;
  }
  bool on_double(double value, boost::json::string_view, ec&) {
    place(Value(value));
    return true;
  }
  bool on_bool(bool value, ec&) {
    place(Value(value));
    return true;
  }
  bool on_null(ec&) {
    place(Value());
    return true;
  }
  bool on_comment_part(boost::json::string_view, ec&) { return true; }
  bool on_comment(boost::json::string_view, ec&) { return true; }
};

// Length of the valid UTF-8 sequence at `at`, or 0 (RFC 3629: no overlong forms, no surrogates).
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  if (lead >= 0xc2 && lead <= 0xdf)
    length = 2;
  else if ((lead & 0xf0) == 0xe0)
    length = 3;
  else if (lead >= 0xf0 && lead <= 0xf4)
    length = 4;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
      (lead == 0xf4 && second > 0x8f)) {
    return 0;
  }
  return length;
}

void write_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const std::size_t length = sequence_length(text, i);
    if (length == 0) {
      out.append("\xef\xbf\xbd");
      ++i;
      continue;
    }
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\r') {
      out.append("\\r");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.append(text.substr(i, length));
    }
    i += length;
  }
  out.push_back('"');
}

void write(std::string& out, const Value& value, int indent) {
  const auto new_line = [&](int depth) {
    if (indent >= 0) {
      out.push_back('\n');
      out.append(static_cast<std::size_t>(depth) * 2, ' ');
    }
  };
  const int inner = indent < 0 ? indent : indent + 1;
  if (value.is_null()) {
    out.append("null");
  } else if (const bool* b = value.if_bool()) {
    out.append(*b ? "true" : "false");
  } else if (const std::int64_t* i = value.if_integer()) {
    fmt::format_to(std::back_inserter(out), "{}", *i);
  } else if (const double* d = value.if_double()) {
    out.append(boost::json::serialize(boost::json::value(*d)));
  } else if (const std::string* s = value.if_string()) {
    write_string(out, *s);
  } else if (const Array* items = value.if_array()) {
    out.push_back('[');
    for (std::size_t n = 0; n < items->size(); ++n) {
      if (n != 0) out.push_back(',');
      new_line(inner);
      write(out, (*items)[n], inner);
    }
    if (!items->empty()) new_line(indent);
    out.push_back(']');
  } else if (const Object* members = value.if_object()) {
    out.push_back('{');
    for (std::size_t n = 0; n < members->size(); ++n) {
      if (n != 0) out.push_back(',');
      new_line(inner);
      write_string(out, (*members)[n].first);
      out.append(indent < 0 ? ":" : ": ");
      write(out, (*members)[n].second, inner);
    }
    if (!members->empty()) new_line(indent);
    out.push_back('}');
  }
}

std::string escape_pointer(std::string_view key) {
  std::string token;
  for (const char c : key) {
    if (c == '~')
      token += "~0";
    else if (c == '/')
      token += "~1";
    else
      token += c;
  }
  return token;
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  const Object* members = if_object();
  if (members == nullptr) return nullptr;
  for (const Member& member : *members) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Value* Value::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

Value& Value::set(std::string key, Value value) {
  if (is_null()) data_ = Object{};
  if (Value* present = find(key)) {
    *present = std::move(value);
  } else {
    std::get<Object>(data_).emplace_back(std::move(key), std::move(value));
  }
  return *this;
}

Value& Value::push(Value value) {
  if (is_null()) data_ = Array{};
  std::get<Array>(data_).push_back(std::move(value));
  return *this;
}

Result<Value> parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::basic_parser<Handler> parser(options);
  boost::system::error_code ec;
  std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (parser.handler().duplicate_key) {
    return fail(Error(Code::invalid, "not JSON that can be trusted: an object names a key twice"));
  }
  if (!ec && used < text.size()) ec = boost::json::error::extra_data;
  if (ec) return fail(Code::invalid, fmt::format("not JSON at byte {}: {}", used, ec.message()));
  return std::move(parser.handler().root);
}

std::string to_text(const Value& value) {
  std::string out;
  write(out, value, -1);
  return out;
}

std::string to_pretty_text(const Value& value) {
  std::string out;
  write(out, value, 0);
  out.push_back('\n');
  return out;
}

Error Reader::error(std::string_view message) const {
  return Error(Code::invalid, std::string(message)).at(pointer_.empty() ? "/" : pointer_);
}

Result<Reader> Reader::optional_member(std::string_view key) const {
  static const Value kNull;
  if (!value_->is_object()) return fail(error("must be an object"));
  const Value* found = value_->find(key);
  return Reader(found != nullptr ? *found : kNull, pointer_ + "/" + escape_pointer(key));
}

Result<Reader> Reader::member(std::string_view key) const {
  TG_TRY(Reader found, optional_member(key));
  if (value_->find(key) == nullptr) return fail(found.error("is missing"));
  return found;
}

Result<std::optional<std::string>> Reader::optional_text(std::string_view key) const {
  TG_TRY(Reader found, optional_member(key));
  if (found.value().is_null()) return std::nullopt;
  const std::string* text = found.value().if_string();
  if (text == nullptr) return fail(found.error("must be a string"));
  return *text;
}

Result<std::optional<std::int64_t>> Reader::optional_integer(std::string_view key) const {
  TG_TRY(Reader found, optional_member(key));
  if (found.value().is_null()) return std::nullopt;
  const std::int64_t* number = found.value().if_integer();
  if (number == nullptr) return fail(found.error("must be a whole number"));
  return *number;
}

Result<std::optional<bool>> Reader::optional_boolean(std::string_view key) const {
  TG_TRY(Reader found, optional_member(key));
  if (found.value().is_null()) return std::nullopt;
  const bool* flag = found.value().if_bool();
  if (flag == nullptr) return fail(found.error("must be true or false"));
  return *flag;
}

Result<std::string> Reader::text(std::string_view key) const {
  TG_CHECK(member(key));
  TG_TRY(auto value, optional_text(key));
  if (!value) return fail(Reader(*value_->find(key), pointer_ + "/" + escape_pointer(key)).error("must be a string"));
  return std::move(*value);
}

Result<std::int64_t> Reader::integer(std::string_view key) const {
  TG_CHECK(member(key));
  TG_TRY(auto value, optional_integer(key));
  if (!value)
    return fail(Reader(*value_->find(key), pointer_ + "/" + escape_pointer(key)).error("must be a whole number"));
  return *value;
}

Result<bool> Reader::boolean(std::string_view key) const {
  TG_CHECK(member(key));
  TG_TRY(auto value, optional_boolean(key));
  if (!value)
    return fail(Reader(*value_->find(key), pointer_ + "/" + escape_pointer(key)).error("must be true or false"));
  return *value;
}

Result<std::vector<Reader>> Reader::items() const {
  const Array* items = value_->if_array();
  if (items == nullptr) return fail(error("must be an array"));
  std::vector<Reader> readers;
  for (std::size_t i = 0; i < items->size(); ++i)
    readers.emplace_back((*items)[i], fmt::format("{}/{}", pointer_, i));
  return readers;
}

Result<std::vector<std::pair<std::string, Reader>>> Reader::members() const {
  const Object* members = value_->if_object();
  if (members == nullptr) return fail(error("must be an object"));
  std::vector<std::pair<std::string, Reader>> readers;
  for (const auto& [key, value] : *members) {
    readers.emplace_back(key, Reader(value, pointer_ + "/" + escape_pointer(key)));
  }
  return readers;
}

}  // namespace tollgate::json
