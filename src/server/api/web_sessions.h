// A browser that signed in, as handlers see it: how one begins, and what only a person who has just typed a password
// may do. Which request belongs to which session is authentication.h's. Threads: as the store.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/api/call.h"

namespace tollgate::api {

// Who may change what guards the gate, besides the route's own permission: a web session whose password was typed
// within kReauthenticationLife. Errors: Code::forbidden, reason "web_session_required" for tokens,
// "reauthentication_required" for a session that typed it longer ago. To be called first in a handler.
Result<void> require_recent_authentication(const Call& call);
// A web session of any age. Errors: reason "web_session_required".
Result<void> require_web_session(const Call& call);

// Whether what was typed signs an account in. A refusal says the same, after the same time, for an account that is not
// there; it is audited.
struct PasswordAnswer {
  std::optional<domain::User> user;    // who it is, or
  Error error;                         // Code::unauthorized "sign_in_refused", Code::throttled "too_many_attempts"
  std::chrono::seconds retry_after{};  // of the latter
};
PasswordAnswer check_password(const Call& call, std::string_view username, const Secret& password);

// A session that begins now, in place of the one that the request's cookie names, if any.
struct NewWebSession {
  domain::WebSession row;
  Secret cookie;
};
Result<NewWebSession> begin_web_session(const Call& call, const domain::User& user);

// The answer of having signed in: who it is, the token that changes need, and the cookie.
http::Response signed_in(const domain::User& user, const NewWebSession& session);

// The value of the Set-Cookie header. Without a text it takes the cookie back.
std::string session_cookie(const Secret& text);

}  // namespace tollgate::api
