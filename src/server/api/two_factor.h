// Two-factor authentication of people who sign in to the page: a code of an authenticator app (RFC 6238) beside the
// password, or one of ten recovery codes. It guards signing in, and nothing else: API tokens work without, and the MFA
// of AWS is another thing (mfa.h). A code is good for its step of 30 s and the two beside it, and once; codes are
// neither stored nor logged, wrong ones take the account's tries of signing in. Threads: as the store.
#pragma once

#include <chrono>
#include <string_view>

#include "server/api/web_sessions.h"

namespace tollgate::api {

// Between the password and the code, and between the secret and the first code.
inline constexpr std::chrono::minutes kSignInTicketLife{5};
inline constexpr std::chrono::minutes kEnrolmentLife{15};
inline constexpr int kRecoveryCodes = 10;
// Reason of the error where a ticket is no longer one.
inline constexpr std::string_view kTicketOver = "sign_in_expired";

// What somebody who knew the password shows with the code; empty where no code is needed.
Result<Secret> sign_in_ticket(const Call& call, const domain::User& user);

// Whether the code belongs to whom the ticket is for; uses up both. Errors: Code::unauthorized "code_refused" or
// kTicketOver, Code::throttled "too_many_attempts".
PasswordAnswer check_sign_in_code(const Call& call, std::string_view ticket, std::string_view code);

}  // namespace tollgate::api
