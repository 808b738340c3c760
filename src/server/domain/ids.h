// Identifiers of everything the server keeps: a prefix that tells the kind, and 16 random letters and digits, as stock
// clients expect them (the saved plan of terraform insists on "run-"). Not secrets. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "common/base/random.h"

namespace tollgate::domain {

namespace id_prefix {
inline constexpr std::string_view kOrganization = "org-";
inline constexpr std::string_view kUser = "user-";
inline constexpr std::string_view kMembership = "ou-";
inline constexpr std::string_view kToken = "at-";
inline constexpr std::string_view kWebSession = "ws_session-";
inline constexpr std::string_view kProject = "prj-";
inline constexpr std::string_view kWorkspace = "ws-";
inline constexpr std::string_view kVariable = "var-";
inline constexpr std::string_view kConfigurationVersion = "cv-";
inline constexpr std::string_view kRun = "run-";
inline constexpr std::string_view kPlan = "plan-";
inline constexpr std::string_view kApply = "apply-";
inline constexpr std::string_view kRunEvent = "re-";
inline constexpr std::string_view kStateVersion = "sv-";
inline constexpr std::string_view kStateVersionOutput = "wsout-";
inline constexpr std::string_view kGate = "gate-";
inline constexpr std::string_view kAwsIdentity = "awsid-";
inline constexpr std::string_view kIdentityDevice = "awsdev-";
inline constexpr std::string_view kMfaAttempt = "mfa-";
inline constexpr std::string_view kNotice = "notice-";
inline constexpr std::string_view kWebhook = "nc-";
inline constexpr std::string_view kWebhookDelivery = "ncd-";
inline constexpr std::string_view kAudit = "ae-";
}  // namespace id_prefix

std::string new_id(std::string_view prefix, RandomSource& random);

// Names of organizations and workspaces: letters, digits, '-' and '_'; 1 to 90 characters for a workspace, 3 to 40 for
// an organization, as in the API that stock clients speak.
bool valid_workspace_name(std::string_view name);
bool valid_organization_name(std::string_view name);

}  // namespace tollgate::domain
