// How many columns a text takes on a terminal: none for combining characters, two for wide ones of East Asian scripts
// and emoji. An estimate by Unicode block, not the terminal's own table, and independent of the locale: a static
// program has none but C. Pure functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace tollgate::os {

// `text` is UTF-8; each byte that is not part of it counts as one column.
std::size_t display_width(std::string_view text);

}  // namespace tollgate::os
