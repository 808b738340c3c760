#include "sandbox/assume_role.h"

#include <algorithm>

#include "sandbox/authorize.h"
#include "sandbox/constraints.h"
#include "sandbox/sts.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::int64_t kLeastDuration = 900;
constexpr std::int64_t kLongestDuration = 43200;
constexpr std::int64_t kLongestChainedDuration = 3600;
constexpr std::size_t kPackedPolicyLimit = 2048;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

// Six parts, of which partition, service and resource say something.
bool well_formed_arn(std::string_view arn) {
  std::vector<std::string_view> parts;
  std::string_view rest = arn;
  for (int i = 0; i < 5; ++i) {
    const std::size_t colon = rest.find(':');
    if (colon == rest.npos) return false;
    parts.push_back(rest.substr(0, colon));
    rest.remove_prefix(colon + 1);
  }
  return parts[0] == "arn" && !parts[1].empty() && !parts[2].empty() && !rest.empty();
}

// Tags of the new session: those asked for and those inherited from a calling role session (IAM User Guide, "Chaining
// roles with session tags").
struct SessionTags {
  std::optional<Answer> fault;
  Tags requested;
  Tags all;
  std::vector<std::string> transitive;
  bool any() const { return !all.empty(); }
};

SessionTags session_tags(const Call& call) {
  SessionTags tags;
  const auto refuse_value = [](const char* message) { return refuse(400, "InvalidParameterValue", message); };
  Tags inherited;
  if (call.principal.session) {
    for (const std::string& key : call.principal.session->transitive) {
      inherited[key] = call.principal.session->tags.at(key);
    }
  }
  const auto same_key_in = [](const Tags& set, std::string_view key) {
    return std::any_of(set.begin(), set.end(), [&](const auto& tag) { return lower(tag.first) == lower(key); });
  };
  for (int n = 1;; ++n) {
    const std::string* key = call.find(fmt::format("Tags.member.{}.Key", n));
    if (key == nullptr) break;
    if (same_key_in(tags.requested, *key)) {
      tags.fault = refuse_value("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
      return tags;
    }
    if (same_key_in(inherited, *key)) {
      tags.fault = refuse_value(
          "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from "
          "the calling session.");
      return tags;
    }
    tags.requested[*key] = call.text(fmt::format("Tags.member.{}.Value", n));
  }
  for (const std::string& key : call.list("TransitiveTagKeys")) {
    const auto found = std::find_if(tags.requested.begin(), tags.requested.end(),
                                    [&](const auto& tag) { return lower(tag.first) == lower(key); });
    if (found == tags.requested.end()) {
      tags.fault = refuse_value("The specified transitive tag key must be included in the requested tags.");
      return tags;
    }
    tags.transitive.push_back(found->first);
  }
  tags.all = tags.requested;
  for (const auto& [key, value] : inherited) {
    tags.all[key] = value;
    tags.transitive.push_back(key);
  }
  return tags;
}

// What the caller asks for, checked as far as it can be without the world.
struct Wish {
  std::string role_arn;
  std::string session_name;
  std::int64_t duration = 3600;
  std::string source_identity;  // asked for, or inherited from the calling session
  SessionTags tags;
};

std::optional<Answer> read_wish(const Call& call, Wish& wish) {
  Constraints constraints(call);
  constraints.required("RoleArn", "roleArn")
      .length("RoleArn", "roleArn", 20, 2048)
      .required("RoleSessionName", "roleSessionName")
      .length("RoleSessionName", "roleSessionName", 2, 64)
      .characters("RoleSessionName", "roleSessionName", "+=,.@-", "[\\w+=,.@-]*")
      .length("ExternalId", "externalId", 2, 1224)
      .characters("ExternalId", "externalId", "+=,.@:/-", "[\\w+=,.@:\\/-]*")
      .length("SerialNumber", "serialNumber", 9, 256)
      .characters("SerialNumber", "serialNumber", "+=/:,.@-", "[\\w+=/:,.@-]*")
      .length("TokenCode", "tokenCode", 6, 6)
      .digits("TokenCode", "tokenCode")
      .length("SourceIdentity", "sourceIdentity", 2, 64)
      .characters("SourceIdentity", "sourceIdentity", "+=,.@-", "[\\w+=,.@-]*")
      .length("Policy", "policy", 1, kPackedPolicyLimit);
  wish.duration = constraints.integer("DurationSeconds", "durationSeconds", kLeastDuration, kLongestDuration, 3600);
  if (auto fault = constraints.fault()) return fault;
  wish.role_arn = call.text("RoleArn");
  if (!well_formed_arn(wish.role_arn)) return validation_error(wish.role_arn + " is invalid");
  wish.session_name = call.text("RoleSessionName");
  wish.source_identity = call.text("SourceIdentity");
  if (wish.source_identity.empty() && call.principal.session) {
    wish.source_identity = call.principal.session->source_identity;
  }
  wish.tags = session_tags(call);
  return wish.tags.fault;
}

ContextKeys trust_context(const Call& call, const Wish& wish, const Role& role) {
  ContextKeys keys;
  keys["sts:RoleSessionName"] = {wish.session_name};
  if (const std::string* external_id = call.find("ExternalId")) keys["sts:ExternalId"] = {*external_id};
  if (!wish.source_identity.empty()) keys["sts:SourceIdentity"] = {wish.source_identity};
  std::vector<std::string> tag_keys;
  for (const auto& [key, value] : wish.tags.requested) {
    keys["aws:RequestTag/" + key] = {value};
    tag_keys.push_back(key);
  }
  if (!tag_keys.empty()) keys["aws:TagKeys"] = tag_keys;
  if (!wish.tags.transitive.empty()) keys["sts:TransitiveTagKeys"] = wish.tags.transitive;
  for (const auto& [key, value] : role.tags) {
    keys["aws:ResourceTag/" + key] = {value};
    keys["iam:ResourceTag/" + key] = {value};
  }
  // A code in the call itself counts for this call's decision, and for no later one.
  if (call.find("TokenCode") != nullptr) {
    keys["aws:MultiFactorAuthPresent"] = {"true"};
    keys["aws:MultiFactorAuthAge"] = {"0"};
  }
  return keys;
}

// STS has always ended this sentence with the role; only explicit denials are explained.
Answer not_authorized(const Call& call, std::string_view action, const std::string& role_arn,
                      const policy::Decision& decision) {
  std::string message =
      fmt::format("User: {} is not authorized to perform: {} on resource: {}", call.principal.arn, action, role_arn);
  if (decision.outcome == policy::Outcome::explicitly_denied) message += " " + decision.aws_because;
  Answer answer = access_denied(std::move(message));
  answer.resource = role_arn;
  answer.reason = decision.reason;
  return answer;
}

// All that the trust policy and the caller's own policies must allow. nullopt, with the reason, when they do.
std::optional<Answer> check_trust(const World& world, const Call& call, const Wish& wish, const Role& role,
                                  std::string& reason) {
  const ContextKeys keys = trust_context(call, wish, role);
  std::vector<std::string_view> actions{"sts:AssumeRole"};
  if (wish.tags.any()) actions.emplace_back("sts:TagSession");
  if (!wish.source_identity.empty()) actions.emplace_back("sts:SetSourceIdentity");
  for (const std::string_view action : actions) {
    policy::EvaluationRequest request = evaluation_request(world, call, action, role.arn(), keys);
    request.resource_account = role.account;
    request.resource_policy = named_policy("trust policy of " + role.name, role.trust_policy);
    request.resource_policy_required = true;
    const policy::Decision decision = policy::evaluate(request);
    if (!decision.allowed()) return not_authorized(call, action, role.arn(), decision);
    if (action == "sts:AssumeRole") reason = decision.reason;
  }
  return std::nullopt;
}

// A calling session's source identity stays (STS API, SourceIdentity).
std::optional<Answer> check_source_identity(const Call& call, const Wish& wish) {
  if (!call.principal.session || call.principal.session->source_identity.empty()) return std::nullopt;
  if (wish.source_identity == call.principal.session->source_identity) return std::nullopt;
  policy::Decision decision;
  decision.reason = "the source identity of the calling session cannot be changed";
  return not_authorized(call, "sts:SetSourceIdentity", wish.role_arn, decision);
}

std::optional<Answer> check_duration(const Call& call, const Wish& wish, const Role* role) {
  if (call.principal.temporary() && wish.duration > kLongestChainedDuration) {
    return validation_error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  }
  if (role != nullptr && wish.duration > role->max_session_duration) {
    return validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  return std::nullopt;
}

}  // namespace

std::string credentials_xml(const Session& session) {
  return enclose("Credentials",
                 element("AccessKeyId", session.access_key_id) + element("SecretAccessKey", session.secret.reveal()) +
                     element("SessionToken", session.token) + element("Expiration", format_iso8601(session.expires)));
}

SessionPolicies session_policies(const World& world, const Call& call) {
  SessionPolicies policies;
  std::size_t size = 0;
  if (const std::string* document = call.find("Policy")) {
    const auto parsed = policy::parse_policy(*document, policy::Kind::identity);
    if (!parsed) {
      policies.fault = refuse(400, "MalformedPolicyDocument", parsed.error().message);
      return policies;
    }
    policies.documents.push_back(*document);
    size += document->size();
  }
  for (int n = 1;; ++n) {
    const std::string* arn = call.find(fmt::format("PolicyArns.member.{}.arn", n));
    if (arn == nullptr) break;
    const ManagedPolicy* managed = world.managed.find(*arn);
    if (managed == nullptr) {
      policies.fault = refuse(400, "MalformedPolicyDocument", fmt::format("Policy {} does not exist.", *arn));
      return policies;
    }
    policies.documents.push_back(managed->document());
    size += arn->size();
  }
  policies.packed_percent = static_cast<int>((size * 100 + kPackedPolicyLimit - 1) / kPackedPolicyLimit);
  return policies;
}

Answer assume_role(World& world, const Call& call) {
  const Principal& caller = call.principal;
  Wish wish;
  if (auto fault = read_wish(call, wish)) return *fault;
  SessionPolicies policies = session_policies(world, call);
  if (policies.fault) return *policies.fault;
  if (caller.kind == Principal::Kind::root) return access_denied("Roles may not be assumed by root accounts.");
  const Role* role = world.role_by_arn(wish.role_arn);
  // What is wrong with the request itself is said before a code is spent.
  if (auto fault = check_duration(call, wish, role)) return *fault;
  if (auto refused = check_mfa(world, call)) return *refused;
  if (role == nullptr) {
    policy::Decision decision;
    decision.reason = "there is no such role";
    return not_authorized(call, "sts:AssumeRole", wish.role_arn, decision);
  }
  if (auto refused = check_source_identity(call, wish)) return *refused;
  std::string reason;
  if (auto refused = check_trust(world, call, wish, *role, reason)) return *refused;
  Session session;
  session.kind = Session::Kind::role;
  session.account = role->account;
  session.name = role->name;
  session.session_name = wish.session_name;
  session.principal_arn =
      fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", role->account, role->name, wish.session_name);
  session.principal_id = role->id + ":" + wish.session_name;
  session.source_identity = wish.source_identity;
  session.tags = wish.tags.all;
  session.transitive = wish.tags.transitive;
  session.policies = std::move(policies.documents);
  const bool sized = !session.policies.empty() || wish.tags.any();
  const Session issued = issue(world, call, std::move(session), std::chrono::seconds(wish.duration));
  std::string result =
      enclose("AssumedRoleUser", element("AssumedRoleId", issued.principal_id) + element("Arn", issued.principal_arn)) +
      credentials_xml(issued);
  if (sized) result += element("PackedPolicySize", std::to_string(std::max(1, policies.packed_percent)));
  if (!wish.source_identity.empty()) result += element("SourceIdentity", wish.source_identity);
  Answer answer = succeed(std::move(result));
  answer.resource = role->arn();
  answer.reason = std::move(reason);
  return answer;
}

}  // namespace tollgate::sandbox
