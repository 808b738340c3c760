// How tollgate speaks: data on stdout, talk on stderr, each line of talk starting with "tollgate:" so that nobody takes
// it for terraform's. Colour only on a terminal without NO_COLOR. Any thread, one line at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/json/value.h"

namespace tollgate::cli {

// "tollgate: message" and, where there is one, the next step on a line of its own. Returns the exit status.
int report(const Error& error);
void print_notice(std::string_view text);

// The whole text or nothing is written to stdout; a failure (a closed pipe, a full disk) is an error.
Result<void> print(std::string_view text);
Result<void> print(const Secret& text);
// Indented, with a final newline.
Result<void> print_json(const json::Value& value);

// Columns padded to the widest cell, for people.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace tollgate::cli
