// An AWS with users, keys and devices, for tests of the gate: a code opens once and in its time step alone, and every
// code that arrives is counted, so that a test can say that none came twice. Refusals are AWS's own texts, read by the
// same code that reads AWS's. Threads: all methods at once.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "server/runs/mfa_rules.h"
#include "server/runs/sts.h"

namespace tollgate::runs::test {

inline std::string sts_error_body(std::string_view code, std::string_view message) {
  return fmt::format(
      "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{}</Code>"
      "<Message>{}</Message></Error><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ErrorResponse>",
      code, message);
}

inline aws::MappedError sts_refusal(int status, std::string_view code, std::string_view message, bool carried_code) {
  net::Response response;
  response.status = status;
  response.body = sts_error_body(code, message);
  aws::CallContext context;
  context.operation = "GetSessionToken";
  context.carried_code = carried_code;
  return aws::map_sts_error(aws::parse_error_answer(response), context);
}

inline aws::MappedError sts_failure(net::Delivery delivery, bool carried_code) {
  aws::CallContext context;
  context.operation = "GetSessionToken";
  context.carried_code = carried_code;
  return aws::map_failure({delivery, Error(Code::unavailable, "no connection")}, context);
}

class FakeSts final : public Sts {
 public:
  explicit FakeSts(const Clock& clock) : clock_(clock) {}

  // `key` of IAM user arn:aws:iam::ACCOUNT:user/NAME, whose devices are `serials`.
  void add_key(const std::string& key, const std::string& account, std::set<std::string> serials) {
    keys_[key] = {account, std::move(serials)};
  }
  // What the device shows now; `step` steps later.
  std::string code(const std::string& serial, int step = 0) const {
    const auto number = unix_seconds(clock_.now()) / kCodeStep.count() + step;
    return fmt::format("{:06}", (std::hash<std::string>()(serial) + static_cast<std::size_t>(number) * 7919) % 1000000);
  }

  aws::AwsResult<aws::CallerIdentity> identify(const aws::Credentials& credentials, const std::string&) override {
    const std::lock_guard lock(mutex_);
    ++identifications;
    if (refuse_identify) return tl::unexpected(*refuse_identify);
    const auto key = keys_.find(credentials.access_key_id);
    if (key == keys_.end()) {
      return tl::unexpected(
          sts_refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.", false));
    }
    return aws::CallerIdentity{key->second.account, arn_of(key->first, key->second.account), "AIDA"};
  }

  aws::AwsResult<StsSession> session(const StsSessionRequest& request) override {
    if (before_session) before_session();
    const std::lock_guard lock(mutex_);
    last_duration = request.duration;
    if (request.mfa) {
      const std::string code(request.mfa->code.reveal());
      ++sent[request.mfa->serial_number + " " + code + " " +
             std::to_string(unix_seconds(clock_.now()) / (10 * kCodeStep.count()))];
      ++codes;
      if (refuse_session) return tl::unexpected(*refuse_session);
      const auto& serials = keys_.at(request.credentials.access_key_id).serials;
      if (!serials.contains(request.mfa->serial_number)) {
        return tl::unexpected(
            sts_refusal(403, "AccessDenied",
                        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial "
                        "number is valid and associated with this user.",
                        true));
      }
      const std::string use = request.mfa->serial_number + " " + code;
      if (code != this->code(request.mfa->serial_number) || !used_.insert(use).second) {
        return tl::unexpected(sts_refusal(
            403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ", true));
      }
      ++accepted_;
    } else if (refuse_plain_session) {
      return tl::unexpected(*refuse_plain_session);
    } else {
      ++plain_sessions;
    }
    return StsSession{credentials(request.duration), fmt::format("request-{}", ++requests_)};
  }

  aws::AwsResult<aws::AssumedRole> assume(const aws::Credentials& by, const std::string&,
                                          const aws::AssumeRoleRequest& request) override {
    const std::lock_guard lock(mutex_);
    last_role = request;
    last_role_by = by.access_key_id;
    if (refuse_role) return tl::unexpected(*refuse_role);
    aws::AssumedRole role;
    role.credentials = credentials(request.duration.value_or(std::chrono::hours(1)));
    std::string arn = request.role_arn;
    if (const auto at = arn.find(":iam::"); at != arn.npos) arn.replace(at, 6, ":sts::");
    if (const auto at = arn.find(":role/"); at != arn.npos) arn.replace(at, 6, ":assumed-role/");
    role.arn = fmt::format("{}/{}", arn, request.session_name);
    return role;
  }

  // Codes that it took.
  int accepted() const {
    const std::lock_guard lock(mutex_);
    return accepted_;
  }
  int codes_sent() const {
    const std::lock_guard lock(mutex_);
    return codes;
  }
  // The same code of the same device, within its time.
  int sent_twice() const {
    const std::lock_guard lock(mutex_);
    int twice = 0;
    for (const auto& [code, count] : sent)
      twice += count > 1;
    return twice;
  }

  std::optional<aws::MappedError> refuse_identify;
  std::optional<aws::MappedError> refuse_session;
  std::optional<aws::MappedError> refuse_plain_session;  // without a code
  std::optional<aws::MappedError> refuse_role;
  std::function<void()> before_session;
  std::chrono::seconds last_duration{};
  std::optional<aws::AssumeRoleRequest> last_role;
  std::string last_role_by;  // access key id
  std::map<std::string, int> sent;
  int codes = 0;
  int identifications = 0;
  int plain_sessions = 0;

 private:
  struct Key {
    std::string account;
    std::set<std::string> serials;
  };
  static std::string arn_of(const std::string& key, const std::string& account) {
    return fmt::format("arn:aws:iam::{}:user/{}", account, key);
  }
  aws::Credentials credentials(std::chrono::seconds duration) {
    aws::Credentials made;
    made.access_key_id = fmt::format("ASIA{}", ++sessions_);
    made.secret_access_key = Secret("session secret");
    made.session_token = Secret("session token");
    made.expiration = clock_.now() + duration;
    return made;
  }

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Key> keys_;
  std::set<std::string> used_;
  int sessions_ = 0;
  int accepted_ = 0;
  int requests_ = 0;
};

}  // namespace tollgate::runs::test
