// Figures of the comparisons with test data that nobody here wrote, for docs/agreement.md. One file per data set in the
// folder named by TOLLGATE_AGREEMENT_DIR; nothing is written where that is not set. For tests only; one thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tollgate::test {

// Writes <dataset>.json: {"dataset":…,"cases":N,"agreeing":N,"deviations":[{"case":…,"reason":…}]}. `dataset` is a file
// name without its ending. Throws if the file cannot be written.
void record_agreement(const std::string& dataset, int cases, int agreeing,
                      const std::vector<std::pair<std::string, std::string>>& deviations);

}  // namespace tollgate::test
