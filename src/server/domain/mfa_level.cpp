#include "server/domain/mfa_level.h"

#include <algorithm>

namespace tollgate::domain {

std::string_view to_text(MfaLevel level) {
  switch (level) {
    case MfaLevel::never:
      return "never";
    case MfaLevel::applies_only:
      return "applies-only";
    case MfaLevel::plans_and_applies:
      return "plans-and-applies";
  }
  return "";
}

std::optional<MfaLevel> parse_mfa_level(std::string_view text) {
  for (const MfaLevel level : {MfaLevel::never, MfaLevel::applies_only, MfaLevel::plans_and_applies}) {
    if (to_text(level) == text) return level;
  }
  return std::nullopt;
}

std::string_view to_text(PhaseKind phase) {
  return phase == PhaseKind::plan ? "plan" : "apply";
}

std::optional<PhaseKind> parse_phase_kind(std::string_view text) {
  if (text == "plan") return PhaseKind::plan;
  if (text == "apply") return PhaseKind::apply;
  return std::nullopt;
}

MfaLevel stricter(MfaLevel organization, std::optional<MfaLevel> workspace) {
  return workspace ? std::max(organization, *workspace) : organization;
}

bool gated(MfaLevel level, PhaseKind phase) {
  return phase == PhaseKind::apply ? level != MfaLevel::never : level == MfaLevel::plans_and_applies;
}

}  // namespace tollgate::domain
