// A run's document as the server writes it, for tests.
#pragma once

#include <fmt/format.h>

#include <string>

namespace tollgate::remote {

struct RunFacts {
  std::string status = "pending";
  std::string plan = "pending";
  std::string apply = "pending";
  bool confirmable = false;
  bool has_changes = true;
  std::string mfa = "null";
};

inline std::string run_json(const RunFacts& facts) {
  return fmt::format(
      R"({{"data": {{"id": "run-1", "type": "runs", "attributes": {{"status": "{0}", "message": "a message",
      "created-at": "2026-01-02T03:04:05Z", "has-changes": {4}, "status-timestamps": {{"{5}-at": "2026-01-02T03:05:00Z"}},
      "actions": {{"is-confirmable": {3}, "is-cancelable": false, "is-discardable": {3}}},
      "permissions": {{"can-apply": true}}, "mfa": {6}}},
      "relationships": {{"workspace": {{"data": {{"id": "ws-1", "type": "workspaces"}}}},
      "created-by": {{"data": {{"id": "user-1", "type": "users"}}}},
      "plan": {{"data": {{"id": "plan-1", "type": "plans"}}}}, "apply": {{"data": {{"id": "apply-1", "type": "applies"}}}}}}}},
      "included": [
      {{"id": "ws-1", "type": "workspaces", "attributes": {{"name": "web"}},
        "relationships": {{"organization": {{"data": {{"id": "acme", "type": "organizations"}}}}}}}},
      {{"id": "user-1", "type": "users", "attributes": {{"username": "ana"}}}},
      {{"id": "plan-1", "type": "plans", "attributes": {{"status": "{1}", "log-read-url": "https://h.test/log/plan"}}}},
      {{"id": "apply-1", "type": "applies", "attributes": {{"status": "{2}", "log-read-url": "https://h.test/log/apply"}}}}
      ]}})",
      facts.status, facts.plan, facts.apply, facts.confirmable, facts.has_changes, facts.status, facts.mfa);
}

}  // namespace tollgate::remote
