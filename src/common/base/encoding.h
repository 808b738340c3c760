// Text encodings of bytes: hex, base64, base32, percent. Bytes travel as std::string. Decoders refuse anything that is
// not exactly the encoding (nullopt). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tollgate {

std::string hex_encode(std::string_view bytes);  // lower case
std::optional<std::string> hex_decode(std::string_view text);

std::string base64_encode(std::string_view bytes);                   // RFC 4648 4, padded
std::string base64url_encode(std::string_view bytes);                // RFC 4648 5, no padding
std::optional<std::string> base64_decode(std::string_view text);     // padding required
std::optional<std::string> base64url_decode(std::string_view text);  // no padding

std::string base32_encode(std::string_view bytes);  // RFC 4648 6, upper case, no padding
// Seeds as people paste them: either case, blanks and hyphens ignored, padding optional.
std::optional<std::string> base32_decode(std::string_view text);

// RFC 3986: everything but A-Z a-z 0-9 - _ . ~ becomes %XX in upper case; `keep` names further bytes left alone.
std::string percent_encode(std::string_view text, std::string_view keep = "");
// nullopt for a % without two hex digits. With plus_is_blank, + becomes a blank (form bodies).
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank = false);

}  // namespace tollgate
