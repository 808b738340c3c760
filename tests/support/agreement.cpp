#include "tests/support/agreement.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "common/json/value.h"

namespace tollgate::test {

void record_agreement(const std::string& dataset, int cases, int agreeing,
                      const std::vector<std::pair<std::string, std::string>>& deviations) {
  const char* folder = std::getenv("TOLLGATE_AGREEMENT_DIR");
  if (folder == nullptr || *folder == '\0') return;
  json::Value list = json::Value::array();
  for (const auto& deviation : deviations) {
    list.push(json::Value::object({{"case", deviation.first}, {"reason", deviation.second}}));
  }
  const json::Value document = json::Value::object(
      {{"dataset", dataset}, {"cases", cases}, {"agreeing", agreeing}, {"deviations", std::move(list)}});
  const std::string path = std::string(folder) + "/" + dataset + ".json";
  std::ofstream file(path, std::ios::trunc);
  file << json::to_pretty_text(document);
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace tollgate::test
