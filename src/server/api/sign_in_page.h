// Signing in by a form, on pages that the server draws itself (page.h), and the forms of who is signed in. For clients
// with a script there is web_sessions.cpp. Threads: as the store.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/api/call.h"
#include "server/api/page.h"

namespace tollgate::api {

// The fields of a form. Errors: Code::invalid for what is none, Code::forbidden where it comes from another site.
Result<http::Pairs> read_form(const Call& call);
std::string form_field(const http::Pairs& form, std::string_view name);  // empty where it is absent

// The page's own path and query.
std::string own_address(const Call& call);

// Who the request's cookie speaks for; the routes of these pages are open to anyone.
struct Visitor {
  domain::User user;
  domain::WebSession session;
};
std::optional<Visitor> visitor_of(const Call& call);
// The call as this visitor's, for the audit.
Call as_visitor(const Call& call, const Visitor& visitor);
// The hidden field that a visitor's form carries, and the check of it. Errors: Code::forbidden "csrf".
std::string csrf_field(const Visitor& visitor);
Result<void> check_form(const http::Pairs& form, const Visitor& visitor);

// A form whose answer goes to the page's own address, with what it is for as `purpose`.
http::Response sign_in_page(int status, std::string_view purpose, std::string_view trouble = "");
// The answer to such a form: a cookie and the page's address again, or the form with what was wrong.
Result<http::Response> sign_in_by_form(const Call& call, const http::Pairs& form, std::string_view purpose);

}  // namespace tollgate::api
