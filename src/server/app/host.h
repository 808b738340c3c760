// What commands beside a server share: its records, opened, and who acts when somebody with a shell on its host does.
#pragma once

#include <memory>
#include <string>

#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "server/app/application.h"
#include "server/domain/organization.h"

namespace tollgate::app {

struct Opened {
  std::unique_ptr<SystemRandom> random = std::make_unique<SystemRandom>();
  std::unique_ptr<SystemClock> clock = std::make_unique<SystemClock>();
  std::unique_ptr<Records> records;
  std::string url;  // by which clients reach the server
};
Result<Opened> open_records_of(const std::string& directory);

// Whoever has a shell on the server's host and may read its files.
domain::Actor operator_of_this_host();

// The first line of stdin. Errors: Code::usage, naming `what`, where nothing came.
Result<Secret> secret_from_stdin(std::string_view what);

tl::unexpected<Error> no_such_user(std::string_view name);

}  // namespace tollgate::app
