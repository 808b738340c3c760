// The files of the web page as `web/` builds them: bytes in the program, no file on disk. web_files() is written by the
// build (web/embed.mjs), or says that there are none where the server was built without the page.
//
// Immutable; for all threads.
#pragma once

#include <span>
#include <string_view>

namespace tollgate::page {

struct WebFile {
  std::string_view path;  // "/index.html", "/assets/index-Ab3dE5.js"
  std::string_view content_type;
  std::string_view content;
  std::string_view gzip;  // the same compressed; empty where that is no shorter
  std::string_view etag;  // with its quotation marks
};

std::span<const WebFile> web_files();

}  // namespace tollgate::page
