// Arbitrary text as policy documents and as a case record: neither reading nor deciding may crash or take long.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "sandbox/policy/case.h"
#include "sandbox/policy/document.h"
#include "sandbox/policy/evaluate.h"

using namespace tollgate::policy;

namespace {

EvaluationRequest question() {
  EvaluationRequest request;
  request.principal = principal_from_arn("arn:aws:sts::123456789012:assumed-role/ci/build").value();
  request.action = "sts:AssumeRole";
  request.resource = "arn:aws:iam::123456789012:role/team/deploy";
  request.context.set("aws:username", "ana");
  request.context.set("aws:MultiFactorAuthPresent", "false");
  request.context.set("aws:MultiFactorAuthAge", "120");
  request.context.set("aws:SourceIp", "2001:db8::1");
  request.context.set("aws:CurrentTime", "2026-01-02T03:04:05Z");
  request.context.set("aws:TagKeys", std::vector<std::string>{"team", "cost"});
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Kind kind : {Kind::any, Kind::identity, Kind::managed, Kind::trust, Kind::resource}) {
    auto policy = parse_policy(text, kind);
    if (!policy) {
      if (policy.error().message.empty()) std::abort();
      continue;
    }
    const NamedPolicy named{"fuzz", std::make_shared<const Policy>(std::move(*policy))};
    EvaluationRequest request = question();
    request.identity_policies = {named};
    request.resource_policy = named;
    const Decision once = evaluate(request);
    if (once.reason.empty()) std::abort();
    // A policy that also bounds can only narrow.
    request.permissions_boundary = named;
    request.session_policies = {named};
    const Decision bounded = evaluate(request);
    if (bounded.allowed() && !once.allowed()) std::abort();
  }
  (void)evaluate_case(text);
  return 0;
}
