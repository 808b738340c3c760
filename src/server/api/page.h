// The few pages that the server draws itself, for what has to work before and without the web UI: set-up, signing in on
// the way of `terraform login`. Plain HTML without a script, its style allowed by hash alone. Not a template language.
// Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "common/http/server.h"

namespace tollgate::api {

std::string escape_html(std::string_view text);

struct Page {
  std::string title;
  std::string body;         // HTML, inside <main>
  std::string form_target;  // an origin beside our own that its forms may lead to, for browsers follow redirects there
  bool own_script = false;  // whether /setup.js and its like may run
};

// With the headers that such a page needs: its own content policy, and a referrer policy under which a form says where
// it comes from.
http::Response html_page(int status, const Page& page);
http::Response see_other(std::string_view address);

}  // namespace tollgate::api
