// Figures of a program that runs for long, in the text format that Prometheus reads (version 0.0.4): counters, gauges
// and histograms with labels. Not a place for anything about persons or secrets: labels are words of the code, never of
// a request. Threads: all methods at once.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate {

class Metrics {
 public:
  enum class Kind { counter, gauge, histogram };
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  // Before the name is used; what is used without is std::logic_error. `bounds` of a histogram's buckets, ascending.
  void define(std::string_view name, Kind kind, std::string_view help, std::vector<double> bounds = {});
  void add(std::string_view name, const Labels& labels = {}, double by = 1);
  // A counter that somebody else counts: what it stands at.
  void raise(std::string_view name, double total, const Labels& labels = {});
  void set(std::string_view name, double value, const Labels& labels = {});
  void observe(std::string_view name, double value, const Labels& labels = {});

  std::string text() const;

 private:
  struct Series {
    double value = 0;                    // of a histogram: the sum
    std::vector<std::uint64_t> buckets;  // how many fell into each; the last has no bound
  };
  struct Family {
    Kind kind = Kind::counter;
    std::string help;
    std::vector<double> bounds;
    std::map<std::string, Series, std::less<>> series;  // by labels as they are written
  };
  Series& series(std::string_view name, Kind kind, const Labels& labels);
  static void write(std::string& text, std::string_view name, const Family& family);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace tollgate
