#include "tests/support/referees.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace tollgate::test {

std::optional<std::string> referees_folder() {
  const char* named = std::getenv("TOLLGATE_REFEREES");
  const std::filesystem::path folder = named != nullptr ? named : "../shared/referees";
  if (!std::filesystem::is_directory(folder)) return std::nullopt;
  return folder.string();
}

std::string read_whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<std::string> read_referee(const std::string& path) {
  const auto folder = referees_folder();
  if (!folder || !std::filesystem::exists(*folder + "/" + path)) return std::nullopt;
  return read_whole_file(*folder + "/" + path);
}

std::optional<json::Value> read_referee_json(const std::string& path) {
  const auto text = read_referee(path);
  if (!text) return std::nullopt;
  auto value = json::parse(*text);
  EXPECT_TRUE(value.has_value()) << path << ": " << (value ? "" : value.error().message);
  if (!value) return std::nullopt;
  return std::move(*value);
}

}  // namespace tollgate::test
