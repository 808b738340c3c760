// Test data that nobody on this project wrote. It lies outside the checkout; where it is absent a test skips itself.
#pragma once

#include <optional>
#include <string>

#include "common/json/value.h"

namespace tollgate::test {

// The folder: TOLLGATE_REFEREES, else ../shared/referees beside the checkout. nullopt if there is none.
std::optional<std::string> referees_folder();
// A file below it as text; nullopt if it is absent.
std::optional<std::string> read_referee(const std::string& path);
// The same as JSON; a file that is there but is not JSON fails the test.
std::optional<json::Value> read_referee_json(const std::string& path);
// The whole of any file; throws if it cannot be read.
std::string read_whole_file(const std::string& path);

}  // namespace tollgate::test

// Skips the running test, saying why.
#define TG_SKIP_WITHOUT_REFEREE(path) \
  if (!::tollgate::test::read_referee(path)) GTEST_SKIP() << "referee data " << (path) << " is not on this machine"
