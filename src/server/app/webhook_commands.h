// `tollgate-server org webhook DIR ORGANIZATION`: the webhook of an organization, set by whoever may read the server's
// files. Its secret comes from stdin.
#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"

namespace tollgate::app {

// What is not given stays; without anything it is shown.
struct WebhookWish {
  std::string directory;
  std::string organization;
  std::string url;  // with this, the secret is read
  std::vector<std::string> triggers;
  std::string enabled;  // "true", "false"
  bool remove = false;
  bool test = false;
};
Result<void> run_org_webhook(const WebhookWish& wish);

}  // namespace tollgate::app
