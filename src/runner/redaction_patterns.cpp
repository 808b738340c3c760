#include "runner/redaction_patterns.h"

#include <algorithm>
#include <set>

#include "common/base/encoding.h"
#include "runner/escapes.h"

namespace tollgate::runner {
namespace {

// The characters of base64 that `piece` alone decides when `before` bytes stand before it in its group of three.
std::string base64_core(std::string_view piece, std::size_t before) {
  const std::string text = base64_encode(std::string(before, '\0') + std::string(piece));
  const std::size_t first = (before * 8 + 5) / 6;
  const std::size_t last = (before + piece.size()) * 8 / 6;
  return text.substr(first, last - first);
}

std::string in_url_alphabet(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

// Lower-case digits after each '%'.
std::string with_small_escapes(std::string text) {
  for (std::size_t at = 0; at + 2 < text.size(); ++at) {
    if (text[at] != '%') continue;
    for (std::size_t digit = at + 1; digit <= at + 2; ++digit) {
      if (text[digit] >= 'A' && text[digit] <= 'F') text[digit] = static_cast<char>(text[digit] - 'A' + 'a');
    }
  }
  return text;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::string percent_with_plus(std::string_view piece) {
  std::string text = percent_encode(piece);
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.compare(at, 3, "%20") == 0) {
      out += '+';
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

void add_spellings(std::string_view piece, std::set<std::string>& found) {
  const std::string html = json_escaped(piece, true);
  const std::string url = percent_encode(piece);
  for (std::string spelling :
       {std::string(piece), json_escaped(piece, false), html, hcl_escaped(piece), json_escaped(html, true), url,
        with_small_escapes(url), percent_with_plus(piece), hex_encode(piece), upper(hex_encode(piece))}) {
    found.insert(std::move(spelling));
  }
  for (std::size_t before = 0; before < 3; ++before) {
    std::string core = base64_core(piece, before);
    found.insert(in_url_alphabet(core));
    found.insert(std::move(core));
  }
}

void add_in_pieces(std::string_view text, std::set<std::string>& found) {
  if (text.size() < kMinRedacted) return;
  for (std::size_t at = 0; at < text.size(); at += kMaxPiece) {
    // The last piece takes from the one before it what it lacks.
    const std::size_t from = text.size() - at < kMinRedacted ? text.size() - kMinRedacted : at;
    add_spellings(text.substr(from, kMaxPiece), found);
  }
}

}  // namespace

std::vector<std::string> redaction_patterns(std::string_view secret) {
  std::set<std::string> found;
  add_in_pieces(secret, found);
  // A value of several lines is printed with each of them indented.
  if (secret.find('\n') != std::string_view::npos) {
    for (std::string_view rest = secret; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
        line.remove_suffix(1);
      while (!line.empty() && (line.front() == ' ' || line.front() == '\t'))
        line.remove_prefix(1);
      add_in_pieces(line, found);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> redaction_patterns(const std::vector<Secret>& secrets) {
  std::set<std::string> found;
  for (const Secret& secret : secrets) {
    for (std::string& pattern : redaction_patterns(secret.reveal()))
      found.insert(std::move(pattern));
  }
  return {found.begin(), found.end()};
}

}  // namespace tollgate::runner
