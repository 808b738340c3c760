// The spellings under which a known secret may show up in a log: as it is, in base64 at each of the three alignments
// and in both alphabets, percent-encoded, escaped for JSON and HCL, in hex; and each longer line of one that has
// several. Best effort by nature: any other transformation passes. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/secret.h"

namespace tollgate::runner {

// Shorter values would blank out ordinary words.
inline constexpr std::size_t kMinRedacted = 8;
// Longer secrets are looked for in pieces of this size.
inline constexpr std::size_t kMaxPiece = 4096;

// Sorted, each once; empty for a secret that is too short.
std::vector<std::string> redaction_patterns(std::string_view secret);
std::vector<std::string> redaction_patterns(const std::vector<Secret>& secrets);

}  // namespace tollgate::runner
