#include "common/base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tollgate {
namespace {

// `\`, line breaks and, in a label's value, `"` are escaped.
std::string escaped(std::string_view text, bool label) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '\\' || (label && c == '"')) result += '\\';
    result += c;
  }
  return result;
}

std::string written(const Metrics::Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(value, true));
  return text;
}

std::string in_braces(std::string_view labels) {
  return labels.empty() ? std::string() : fmt::format("{{{}}}", labels);
}

std::string_view type_of(Metrics::Kind kind) {
  switch (kind) {
    case Metrics::Kind::counter:
      return "counter";
    case Metrics::Kind::gauge:
      return "gauge";
    case Metrics::Kind::histogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace

void Metrics::define(std::string_view name, Kind kind, std::string_view help, std::vector<double> bounds) {
  const std::lock_guard lock(mutex_);
  families_[std::string(name)] = Family{kind, std::string(help), std::move(bounds), {}};
}

Metrics::Series& Metrics::series(std::string_view name, Kind kind, const Labels& labels) {
  const auto family = families_.find(name);
  if (family == families_.end() || family->second.kind != kind) {
    throw std::logic_error(fmt::format("{} is no {} here", name, type_of(kind)));
  }
  Series& found = family->second.series[written(labels)];
  if (kind == Kind::histogram && found.buckets.empty()) found.buckets.resize(family->second.bounds.size() + 1);
  return found;
}

void Metrics::add(std::string_view name, const Labels& labels, double by) {
  const std::lock_guard lock(mutex_);
  series(name, Kind::counter, labels).value += by;
}

void Metrics::raise(std::string_view name, double total, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(name, Kind::counter, labels);
  found.value = std::max(found.value, total);
}

void Metrics::set(std::string_view name, double value, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  series(name, Kind::gauge, labels).value = value;
}

void Metrics::observe(std::string_view name, double value, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(name, Kind::histogram, labels);
  const std::vector<double>& bounds = families_.find(name)->second.bounds;
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
  ++found.buckets[static_cast<std::size_t>(bucket)];
  found.value += value;
}

void Metrics::write(std::string& text, std::string_view name, const Family& family) {
  text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(family.help, false), name, type_of(family.kind));
  for (const auto& [labels, series] : family.series) {
    if (family.kind != Kind::histogram) {
      text += fmt::format("{}{} {}\n", name, in_braces(labels), series.value);
      continue;
    }
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < series.buckets.size(); ++i) {
      count += series.buckets[i];
      const std::string bound = i < family.bounds.size() ? fmt::format("{}", family.bounds[i]) : "+Inf";
      text += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, labels.empty() ? "" : ",", bound, count);
    }
    text += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, in_braces(labels), series.value, name, in_braces(labels),
                        count);
  }
}

std::string Metrics::text() const {
  std::string text;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    if (!family.series.empty()) write(text, name, family);
  }
  return text;
}

}  // namespace tollgate
