// Answers a browser's request for the web page: its files by name, and its one document for every address that the page
// draws itself. Knows no session and no data: all of that comes by the API. Not for anything under /api.
//
// Pure function of the files and the request; for all threads.
#pragma once

#include <optional>
#include <span>

#include "common/http/server.h"
#include "server/page/web_files.h"

namespace tollgate::page {

// nullopt: no address of the page. The answer has its own Content-Security-Policy and Cache-Control; the headers that
// every answer of the server carries are the caller's to add.
std::optional<http::Response> answer(std::span<const WebFile> files, const http::Request& request);

}  // namespace tollgate::page
