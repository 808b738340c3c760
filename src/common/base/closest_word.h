// "did you mean": the known word that a mistyped one is nearest to. Pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tollgate {

// The nearest of `words` by edit distance; empty where none is near (more than two edits, three in longer words).
std::string closest_word(std::string_view typed, const std::vector<std::string>& words);

}  // namespace tollgate
