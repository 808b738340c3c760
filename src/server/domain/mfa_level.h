// The setting this server exists for: which phases of a run wait for a one-time code. The words are those of the
// original feature. Pure values.
#pragma once

#include <optional>
#include <string_view>

namespace tollgate::domain {

enum class MfaLevel { never, applies_only, plans_and_applies };

enum class PhaseKind { plan, apply };

// "never", "applies-only", "plans-and-applies"
std::string_view to_text(MfaLevel level);
std::optional<MfaLevel> parse_mfa_level(std::string_view text);

// "plan", "apply"
std::string_view to_text(PhaseKind phase);
std::optional<PhaseKind> parse_phase_kind(std::string_view text);

// A workspace may be stricter than its organization, never laxer.
MfaLevel stricter(MfaLevel organization, std::optional<MfaLevel> workspace);
bool gated(MfaLevel level, PhaseKind phase);

}  // namespace tollgate::domain
