// The AWS session of a phase while it runs: what its processes get, when a role is assumed again, and when it is too
// late for that. It neither serves nor stops anything; who drives it does. One thread, but for the call to AWS, which
// runs beside it.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aws/aws_error.h"
#include "aws/credentials.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "runner/protocol/aws_session.h"

namespace tollgate::runner {

class KeptSession {
 public:
  using Assume = std::function<aws::AwsResult<aws::Credentials>()>;

  // `assume` asks AWS for the next credentials; empty: these are the last ones. The clock outlives this.
  KeptSession(const AwsSession& session, Assume assume, const Clock& clock);
  // Waits for a call that is under way.
  ~KeptSession();
  KeptSession(const KeptSession&) = delete;
  KeptSession& operator=(const KeptSession&) = delete;

  struct News {
    std::vector<Secret> secrets;  // that processes may get from now on
    std::string note;             // for the log; may be empty
  };
  // Begins a call that is due, and takes in one that has ended.
  News look();
  // Readable when a call has ended.
  int fd() const { return ended_.get(); }
  // When to look again; nullopt: never.
  std::optional<TimePoint> due() const;

  bool renewable() const { return static_cast<bool>(assume_); }
  // Where processes have the credentials of the beginning for good.
  void renew_no_more();
  // So near its end that what runs with it has to stop.
  bool is_over() const { return stop_at_ && clock_.now() >= *stop_at_; }
  std::optional<TimePoint> stop_at() const { return stop_at_; }
  // For people: that it ends, when, and why there is no other.
  std::string end_text() const;

  const AwsKeys& keys() const { return keys_; }
  // As AWS SDKs read it from a container's endpoint; empty once it has ended.
  Secret document() const;

 private:
  void take(AwsKeys keys, TimePoint expires_at);
  void begin();

  Assume assume_;
  const Clock& clock_;
  AwsKeys keys_;
  std::optional<TimePoint> expires_at_;
  std::optional<TimePoint> stop_at_;
  std::optional<TimePoint> ask_at_;  // none: not to be asked, or being asked
  Duration pause_{};
  std::string refusal_;
  std::string reason_;  // of the refusal

  UniqueFd ended_;
  std::thread call_;
  std::mutex mutex_;  // of what follows
  std::optional<aws::AwsResult<aws::Credentials>> answer_;
};

// Assumes the role again by way of `fetch_program`, the absolute path of tollgate-fetch.
KeptSession::Assume assume_by_fetch(const RoleRenewal& renewal, std::string fetch_program, const Clock& clock);

}  // namespace tollgate::runner
