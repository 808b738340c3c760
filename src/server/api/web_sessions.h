// A browser that signed in, as handlers see it: how one begins, and what only a person who has just typed a password
// may do. Which request belongs to which session is authentication.h's. Threads: as the store.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/api/call.h"
#include "server/api/sign_in.h"

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

// The same of whoever is signed in already, with tries of their own.
PasswordAnswer check_own_password(const Call& call, const Secret& password);
// A member of a document. Errors: Code::invalid where it is missing, empty or too long.
Result<Secret> read_password(const json::Reader& body, std::string_view name);
// Purposes of SignIn::check: who comes in, and who is in.
inline constexpr std::string_view kSignIn = "sign-in";
inline constexpr std::string_view kReauthenticate = "reauthenticate";
// What a verdict that is not right says; `wrong` where it is that.
PasswordAnswer verdict_answer(const SignIn::Verdict& verdict, Error wrong);

// A session that begins now, in place of the one that the request's cookie names, if any.
struct NewWebSession {
  domain::WebSession row;
  Secret cookie;
};
Result<NewWebSession> begin_web_session(const Call& call, const domain::User& user);

// What a right password is good for: a session, or where the user has two-factor authentication a ticket, with which a
// code makes one (two_factor.h).
struct AfterPassword {
  std::optional<NewWebSession> session;
  Secret ticket;
};
Result<AfterPassword> after_password(const Call& call, const domain::User& user);

// The answer of having signed in: who it is, the token that changes need, and the cookie.
http::Response signed_in(const domain::User& user, const NewWebSession& session);
// The same where a code may be missing yet: 202 with the ticket.
http::Response answer_after_password(const Call& call, const domain::User& user, const AfterPassword& after);
http::Response refusal(const PasswordAnswer& answer);

// The value of the Set-Cookie header. Without a text it takes the cookie back.
std::string session_cookie(const Secret& text);

}  // namespace tollgate::api
