#include "server/runs/mfa_rules.h"

#include <algorithm>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"

namespace tollgate::runs {

namespace {

using domain::AttemptOutcome;
using domain::IdentityKind;
using domain::IdentityPolicy;

tl::unexpected<Error> not_by(std::string_view reason, std::string why, std::string next) {
  return fail(Error(Code::forbidden, std::move(why)).because(std::string(reason)).do_next(std::move(next)));
}

// The device that this person uses with the organization's key; empty: none.
std::string organization_serial(const IdentityOptions& options, std::string_view user_id) {
  if (options.device) return options.device->serial;
  const domain::AwsIdentity& identity = *options.organization;
  return identity.shared || identity.user_id == user_id ? identity.mfa_serial : std::string();
}

constexpr std::string_view kAddPersonal =
    "add your access key and MFA device as your AWS identity of this organization";

}  // namespace

domain::GateBinding gate_binding(const domain::Run& run, domain::PhaseKind phase, const Secret& frozen_inputs) {
  domain::GateBinding binding;
  binding.run_id = run.id;
  binding.phase = phase;
  binding.configuration_version_id = run.configuration_version_id;
  binding.inputs_sha256 = crypto::sha256_hex(frozen_inputs.reveal());
  binding.terraform_version = run.terraform_version;
  if (phase == domain::PhaseKind::apply) {
    binding.plan_sha256 = run.plan.plan_sha256;
    binding.lock_file_sha256 = run.plan.lock_file_sha256;
  }
  return binding;
}

std::string gate_id(const domain::GateBinding& binding) {
  constexpr std::string_view kLetters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789";
  std::string text;
  for (const std::string_view part :
       {std::string_view(binding.run_id), domain::to_text(binding.phase), std::string_view(binding.plan_sha256),
        std::string_view(binding.configuration_version_id), std::string_view(binding.inputs_sha256),
        std::string_view(binding.terraform_version), std::string_view(binding.lock_file_sha256)}) {
    text += fmt::format("{}:{},", part.size(), part);
  }
  std::string id = "gate-";
  const std::string hash = crypto::sha256(text);
  for (std::size_t i = 0; i < 16; ++i) {
    id += kLetters[static_cast<unsigned char>(hash[i]) % kLetters.size()];
  }
  return id;
}

std::chrono::seconds next_code_in(TimePoint now) {
  return std::chrono::seconds(kCodeStep.count() - unix_seconds(now) % kCodeStep.count());
}

bool is_code(std::string_view text) {
  return text.size() == 6 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string account_of_arn(std::string_view arn) {
  // arn:partition:service:region:account:what
  if (!arn.starts_with("arn:")) return "";
  for (int fields = 0; fields < 4; ++fields) {
    const std::size_t colon = arn.find(':');
    if (colon == arn.npos) return "";
    arn.remove_prefix(colon + 1);
  }
  return std::string(arn.substr(0, arn.find(':')));
}

Wait wait_before_next_try(const std::vector<domain::MfaAttempt>& attempts, std::string_view user_id, TimePoint now) {
  std::size_t in_a_row = 0;
  TimePoint last{};
  std::vector<TimePoint> of_device;
  for (const domain::MfaAttempt& attempt : attempts) {
    // What is on its way, or was lost there, counts as refused until it is known.
    const bool counts = attempt.outcome == AttemptOutcome::refused || attempt.outcome == AttemptOutcome::sent;
    if (counts && attempt.at + kAttemptWindow > now) of_device.push_back(attempt.at);
    if (attempt.user_id != user_id) continue;
    if (attempt.outcome == AttemptOutcome::accepted) in_a_row = 0;
    if (!counts) continue;
    ++in_a_row;
    last = attempt.at;
  }
  Wait wait;
  const auto until = [&](TimePoint moment) {
    return std::max(std::chrono::seconds(0), std::chrono::ceil<std::chrono::seconds>(moment - now));
  };
  if (in_a_row >= kRefusalsBeforeBackOff) {
    const auto minutes = std::min<std::size_t>(15, std::size_t{1} << std::min<std::size_t>(in_a_row - 3, 4));
    wait.seconds = until(last + std::chrono::minutes(minutes));
  }
  if (of_device.size() >= kRefusalsOfADevice) {
    const auto until_free = until(of_device[of_device.size() - kRefusalsOfADevice] + kAttemptWindow);
    if (until_free > wait.seconds) wait = {until_free, true};
  }
  return wait;
}

Result<ChosenIdentity> choose_identity(const IdentityOptions& options, const domain::Run& run, domain::PhaseKind phase,
                                       std::string_view user_id) {
  const bool personal_allowed = options.policy != IdentityPolicy::organization;
  const bool organization_allowed = options.policy != IdentityPolicy::personal;
  // A plan runs code that nobody but its creator has seen: nobody else's session goes there.
  const bool foreign_plan = phase == domain::PhaseKind::plan && run.created_by != user_id;
  if (personal_allowed && options.personal && !foreign_plan) {
    if (!options.personal->mfa_serial.empty()) return ChosenIdentity{*options.personal, options.personal->mfa_serial};
    if (!organization_allowed || !options.organization) {
      return not_by("no_device", "your AWS identity names no MFA device", "add the serial of your device to it");
    }
  }
  if (organization_allowed && options.organization) {
    std::string serial = organization_serial(options, user_id);
    if (!serial.empty()) return ChosenIdentity{*options.organization, std::move(serial)};
    return not_by("no_device", "you have no MFA device for the organization's AWS identity",
                  "register the serial of your device for it");
  }
  if (personal_allowed && options.personal) {
    return not_by("not_the_creator",
                  "with personal AWS identities the plan of a run waits for the person who created it",
                  "ask them to enter a code");
  }
  if (personal_allowed) {
    return not_by("no_identity", "you have no AWS identity in this organization", std::string(kAddPersonal));
  }
  return not_by("no_identity", "the organization has no AWS identity", "an owner of the organization sets one up");
}

}  // namespace tollgate::runs
