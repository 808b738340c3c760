// What every handler may reach: the store, blobs, runs, logs, time, randomness, and the keys of tokens and signed
// addresses. Built once by server/app; outlives the Api. Threads: shared by all; each part says its own rule.
#pragma once

#include <string>

#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "server/domain/store.h"
#include "server/runs/connection_test.h"
#include "server/runs/log_hub.h"
#include "server/runs/mfa_authenticator.h"
#include "server/runs/run_service.h"
#include "server/runs/webhook_dispatch.h"

namespace tollgate::api {

class SignIn;  // sign_in.h
class EventFeed;

struct Context {
  domain::Store& store;
  domain::BlobStore& blobs;
  runs::RunService& runs;
  runs::LogHub& logs;
  const Clock& clock;
  RandomSource& random;
  Secret token_key;      // 32 bytes: keyed hashes of tokens, cookies and grants
  Secret url_key;        // 32 bytes: keyed hashes in signed addresses
  std::string base_url;  // "https://host[:port]", no slash at the end: what clients reach the server by
  SignIn& sign_in;       // passwords, and how often they may be tried
  runs::Authenticator& authenticator;
  // Absent where nothing serves, as in commands.
  EventFeed* events = nullptr;
  runs::ConnectionTest* connection_test = nullptr;
  runs::WebhookDispatch* webhooks = nullptr;
};

// Keys of blobs, which the runner's side writes and reads too.
namespace blob_key {
inline std::string configuration(std::string_view configuration_version_id) {
  return "configuration/" + std::string(configuration_version_id);
}
inline std::string state(std::string_view state_version_id) {
  return "state/" + std::string(state_version_id);
}
inline std::string json_state(std::string_view state_version_id) {
  return "json-state/" + std::string(state_version_id);
}
// `terraform show -json` of a plan, which holds secrets in clear, and the form for structured run output without them.
inline std::string json_plan(std::string_view plan_id) {
  return "plan-json/" + std::string(plan_id);
}
inline std::string redacted_plan(std::string_view plan_id) {
  return "plan-redacted/" + std::string(plan_id);
}
}  // namespace blob_key

}  // namespace tollgate::api
