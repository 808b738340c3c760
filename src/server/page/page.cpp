#include "server/page/page.h"

#include <algorithm>
#include <array>
#include <string>

namespace tollgate::page {

namespace {

// No script, style, picture or connection but from this server; no inline code; and nothing that turns a text into code
// (Trusted Types, without any policy that could).
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";
constexpr std::string_view kNothingElse = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

constexpr std::array<std::string_view, 3> kDrawn{"/app", "/settings", "/login"};

bool is_drawn(std::string_view path) {
  if (path == "/") return true;
  return std::any_of(kDrawn.begin(), kDrawn.end(), [&](std::string_view prefix) {
    return path.rfind(prefix, 0) == 0 && (path.size() == prefix.size() || path[prefix.size()] == '/');
  });
}

bool takes_gzip(const http::Request& request) {
  const std::string* accepted = request.header("Accept-Encoding");
  if (accepted == nullptr) return false;
  const auto at = accepted->find("gzip");
  return at != std::string::npos && accepted->compare(at, 8, "gzip;q=0") != 0;
}

http::Response refuse_method() {
  http::Response response;
  response.status = 405;
  response.headers = {{"Allow", "GET, HEAD"}, {"Content-Type", "text/plain; charset=utf-8"}};
  response.body = "This address is a page; it answers GET only.\n";
  return response;
}

http::Response without_page() {
  http::Response response;
  response.status = 404;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  response.body = "This server was built without its web page (TOLLGATE_WEB=OFF). The API and the command line work.\n";
  return response;
}

http::Response send(const WebFile& file, bool document, const http::Request& request) {
  http::Response response;
  response.headers = {
      {"Content-Type", std::string(file.content_type)},
      {"ETag", std::string(file.etag)},
      {"Vary", "Accept-Encoding"},
      {"Content-Security-Policy", std::string(document ? kPolicy : kNothingElse)},
      // A name under /assets holds a hash of the content; all other names may mean something else tomorrow.
      {"Cache-Control", file.path.rfind("/assets/", 0) == 0 ? "public, max-age=31536000, immutable" : "no-cache"}};
  const std::string* known = request.header("If-None-Match");
  if (known != nullptr && known->find(file.etag) != std::string::npos) {
    response.status = 304;
    return response;
  }
  if (!file.gzip.empty() && takes_gzip(request)) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = file.gzip;
  } else {
    response.body = file.content;
  }
  return response;
}

}  // namespace

std::optional<http::Response> answer(std::span<const WebFile> files, const http::Request& request) {
  const std::string_view path = request.path();
  const bool drawn = is_drawn(path);
  const auto file = std::find_if(files.begin(), files.end(), [&](const WebFile& candidate) {
    return candidate.path == (drawn ? std::string_view("/index.html") : path);
  });
  if (file == files.end()) return drawn ? std::optional(without_page()) : std::nullopt;
  if (request.method != "GET" && request.method != "HEAD") return refuse_method();
  return send(*file, file->path == "/index.html", request);
}

}  // namespace tollgate::page
