#include "server/api/page.h"

#include <fmt/format.h>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"

namespace tollgate::api {

namespace {

constexpr std::string_view kStyle =
    "body{margin:0;font:16px/1.5 system-ui,sans-serif;background:#f4f5f7;color:#1b1f24}"
    "main{max-width:26rem;margin:8vh auto;padding:2rem;background:#fff;border:1px solid #d5d9de;border-radius:8px}"
    "h1{font-size:1.25rem;margin:0 0 1rem}label{display:block;margin:1rem 0 .25rem;font-weight:600}"
    "input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit;border:1px solid #6b7480;border-radius:4px}"
    "button{margin-top:1.25rem;padding:.5rem 1rem;font:inherit;border:1px solid #1f5fbf;border-radius:4px;"
    "background:#1f5fbf;color:#fff}button.plain{background:none;color:#1f5fbf}"
    "p.bad{padding:.5rem .75rem;border-left:4px solid #b3261e;background:#fbeae9}"
    "code,pre{font:14px/1.4 ui-monospace,monospace;overflow-wrap:anywhere;white-space:pre-wrap}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .5rem .25rem 0}"
    "@media(prefers-color-scheme:dark){body{background:#14171a;color:#e6e8ea}main{background:#1d2125;"
    "border-color:#3a4149}input{background:#14171a;color:inherit}p.bad{background:#3a1f1d}button.plain{color:#8ab4f8}}";

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

http::Response html_page(int status, const Page& page) {
  static const std::string style_hash = base64_encode(crypto::sha256(kStyle));
  http::Response response;
  response.status = status;
  response.headers = {
      {"Content-Type", "text/html; charset=utf-8"},
      {"Cache-Control", "no-store"},
      {"Referrer-Policy", "same-origin"},
      {"Content-Security-Policy",
       fmt::format("default-src 'none'; style-src 'sha256-{}'; {}form-action 'self'{}{}; base-uri 'none'; "
                   "frame-ancestors 'none'",
                   style_hash, page.own_script ? "script-src 'self'; " : "", page.form_target.empty() ? "" : " ",
                   page.form_target)}};
  response.body = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title><style>{1}</style>{2}</head>\n"
      "<body><main><h1>{0}</h1>\n{3}\n</main></body></html>\n",
      escape_html(page.title), kStyle, page.own_script ? "<script src=\"/setup.js\" defer></script>" : "", page.body);
  return response;
}

http::Response see_other(std::string_view address) {
  http::Response response;
  response.status = 303;
  response.headers = {{"Location", std::string(address)}};
  return response;
}

}  // namespace tollgate::api
