// AWS credentials as every part of the project hands them on. Plain values; not synchronised.
#pragma once

#include <optional>
#include <string>

#include "common/base/secret.h"
#include "common/base/time.h"

namespace tollgate::aws {

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;                 // empty for long-term keys
  std::optional<TimePoint> expiration;  // none: they do not expire by themselves

  bool temporary() const { return !session_token.empty(); }
};

}  // namespace tollgate::aws
