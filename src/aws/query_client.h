// One signed call of the Query protocol (STS, IAM): builds, signs, sends, repeats within bounds, follows the other
// side's clock, and reads the answer. It knows no operation. One thread at a time, as its net::Client.
#pragma once

#include <chrono>
#include <string>

#include "aws/aws_error.h"
#include "aws/credentials.h"
#include "aws/endpoints.h"
#include "aws/query.h"
#include "aws/xml.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace tollgate::aws {

struct QueryOptions {
  unsigned attempts = 3;  // in all; 1 = never repeat
  std::chrono::milliseconds first_backoff{200};
  std::chrono::milliseconds max_backoff{5000};
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds total_timeout{20000};
  // What is added to our clock when signing; learnt at the last run.
  Duration clock_offset{0};
};

// When a call may be sent a second time. A call refused for its time alone is always signed again, once: AWS looks at
// the signature before anything else.
enum class Repeat {
  freely,        // also after a lost answer
  if_unsent,     // only where AWS has provably not acted: nothing sent, or throttled
  code_in_step,  // carries a one-time code: as if_unsent, once, and inside the 30 s step of the first attempt
};

struct QueryCall {
  QueryParameters parameters;                // with Action and Version
  const Credentials* credentials = nullptr;  // nullptr: unsigned
  Repeat repeat = Repeat::freely;
  CallContext context;  // operation is set; carried_code, region and now are filled in
};

class QueryClient {
 public:
  // The client and the clock must outlive this.
  QueryClient(net::Client& client, const Clock& clock, Endpoint endpoint, std::string service, QueryOptions options);

  // The <OperationResult> element, or the root where there is none. A call with a code is refused before sending
  // (refused_before_sending) unless the endpoint is https or loopback. Wipes the parameters.
  AwsResult<XmlElement> call(QueryCall& call);
  // For an answer that lacks what the operation promises.
  MappedError malformed(const QueryCall& call, std::string_view what) const;

  Duration clock_offset() const { return clock_offset_; }
  TimePoint now() const { return clock_.now() + clock_offset_; }

 private:
  tl::expected<net::Response, MappedError> send_once(const QueryCall& call);
  bool follow_clock(const MappedError& refusal);
  // How long to wait before the next attempt; nullopt: give up.
  std::optional<Duration> wait_before_repeat(const QueryCall& call, const MappedError& refusal, unsigned attempt,
                                             TimePoint first_sent) const;
  AwsResult<XmlElement> read(const QueryCall& call, net::Response& response) const;

  net::Client& client_;
  const Clock& clock_;
  Endpoint endpoint_;
  std::string service_;
  QueryOptions options_;
  Duration clock_offset_;
};

}  // namespace tollgate::aws
