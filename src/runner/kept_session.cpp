#include "runner/kept_session.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "aws/endpoints.h"
#include "aws/sts_client.h"
#include "common/fetch/client/fetch_client.h"
#include "common/json/value.h"

namespace tollgate::runner {
namespace {

// Of a session's life: when it is renewed, how long the phase has to stop, and how often a refusal is asked about
// again. The fractions are for sessions of minutes.
Duration renewed_before_end(Duration life) {
  return std::min<Duration>(std::chrono::minutes(15), life / 2);
}
Duration stopped_before_end(Duration life) {
  return std::min<Duration>(std::chrono::minutes(1), life / 8);
}
Duration pause_between_calls(Duration life) {
  return std::min<Duration>(std::chrono::minutes(1), life / 16);
}

aws::AwsResult<aws::Credentials> guarded(const KeptSession::Assume& assume) {
  try {
    return assume();
  } catch (const std::exception& broken) {
    aws::MappedError error;
    error.error = Error(Code::internal, broken.what());
    return tl::unexpected(std::move(error));
  }
}

}  // namespace

KeptSession::KeptSession(const AwsSession& session, Assume assume, const Clock& clock)
    : assume_(std::move(assume)), clock_(clock), keys_(session.keys), ended_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!ended_) throw std::system_error(errno, std::generic_category(), "eventfd");
  if (session.expires_at) take(session.keys, *session.expires_at);
}

KeptSession::~KeptSession() {
  if (call_.joinable()) call_.join();
}

void KeptSession::take(AwsKeys keys, TimePoint expires_at) {
  const Duration life = std::max<Duration>(expires_at - clock_.now(), Duration(0));
  keys_ = std::move(keys);
  expires_at_ = expires_at;
  stop_at_ = expires_at - stopped_before_end(life);
  pause_ = pause_between_calls(life);
  if (assume_) ask_at_ = expires_at - renewed_before_end(life);
}

void KeptSession::renew_no_more() {
  assume_ = nullptr;
  ask_at_.reset();
}

void KeptSession::begin() {
  ask_at_.reset();
  call_ = std::thread([this] {
    auto answer = guarded(assume_);
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
    const std::uint64_t one = 1;
    // It fails only where it is set already.
    [[maybe_unused]] const ssize_t ignored = write(ended_.get(), &one, sizeof one);
  });
}

KeptSession::News KeptSession::look() {
  News news;
  std::optional<aws::AwsResult<aws::Credentials>> answer;
  {
    const std::lock_guard lock(mutex_);
    answer.swap(answer_);
  }
  if (answer) {
    call_.join();
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t ignored = read(ended_.get(), &count, sizeof count);
    if (*answer) {
      const aws::Credentials& given = **answer;
      take({given.access_key_id, given.secret_access_key, given.session_token},
           given.expiration.value_or(clock_.now()));
      news.secrets = {Secret(keys_.access_key_id), keys_.secret_access_key, keys_.session_token};
      if (!refusal_.empty())
        news.note = fmt::format("Its AWS session was renewed; it now ends at {}.", format_iso8601(*expires_at_));
      refusal_.clear();
    } else {
      ask_at_ = clock_.now() + pause_;
      const std::string refusal = answer->error().error.text();
      // The text names each call; what is new is another reason.
      if (refusal_.empty() || reason_ != answer->error().error.reason) {
        news.note = fmt::format(
            "Warning: the AWS session of this phase ends at {} and could not be renewed: {}. Without success until {} "
            "it "
            "is stopped, with its state saved.",
            format_iso8601(*expires_at_), refusal, format_iso8601(*stop_at_));
      }
      refusal_ = refusal;
      reason_ = answer->error().error.reason;
    }
  }
  if (ask_at_ && !call_.joinable() && clock_.now() >= *ask_at_) begin();
  return news;
}

std::optional<TimePoint> KeptSession::due() const {
  if (!ask_at_) return stop_at_;
  return std::min(*ask_at_, *stop_at_);
}

std::string KeptSession::end_text() const {
  const std::string end = expires_at_ ? format_iso8601(*expires_at_) : "never";
  return refusal_.empty() ? fmt::format("its AWS session ends at {}", end)
                          : fmt::format("its AWS session ends at {} and could not be renewed: {}", end, refusal_);
}

Secret KeptSession::document() const {
  if (!expires_at_ || clock_.now() >= *expires_at_) return Secret();
  return Secret::take(json::to_text(json::Value::object({{"AccessKeyId", keys_.access_key_id},
                                                         {"SecretAccessKey", keys_.secret_access_key.reveal()},
                                                         {"Token", keys_.session_token.reveal()},
                                                         {"Expiration", format_iso8601(*expires_at_)}})));
}

KeptSession::Assume assume_by_fetch(const RoleRenewal& renewal, std::string fetch_program, const Clock& clock) {
  return [renewal, program = std::move(fetch_program), &clock]() -> aws::AwsResult<aws::Credentials> {
    aws::EndpointRequest wish;
    wish.region = renewal.region;
    wish.endpoint_url = renewal.sts.endpoint;
    auto endpoint = aws::resolve_endpoint(wish);
    if (!endpoint) return tl::unexpected(aws::refused_before_sending(std::move(endpoint).error()));
    fetch::FetchOptions options;
    options.program = program;
    options.ca_file = renewal.sts.ca_file;
    options.environment = {"https_proxy=" + renewal.sts.https_proxy, "http_proxy=" + renewal.sts.http_proxy,
                           "no_proxy=" + renewal.sts.no_proxy};
    const auto client = fetch::make_fetch_client(std::move(options));
    aws::StsOptions bounded;
    bounded.attempts = 1;  // what fails is asked again, later
    bounded.total_timeout = std::chrono::milliseconds(15000);
    aws::StsClient sts(*client, clock, *endpoint, bounded);
    aws::Credentials session;
    session.access_key_id = renewal.session.access_key_id;
    session.secret_access_key = renewal.session.secret_access_key;
    session.session_token = renewal.session.session_token;
    aws::AssumeRoleRequest role;
    role.role_arn = renewal.role_arn;
    role.external_id = renewal.external_id;
    role.session_name = renewal.session_name;
    role.duration = renewal.duration;
    auto assumed = sts.assume_role(session, role);
    if (!assumed) return tl::unexpected(std::move(assumed.error()));
    return std::move(assumed->credentials);
  };
}

}  // namespace tollgate::runner
