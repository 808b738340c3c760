#include "common/base/metrics.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tollgate {
namespace {

TEST(Metrics, IsTheTextThatPrometheusReads) {
  Metrics metrics;
  metrics.define("requests_total", Metrics::Kind::counter, "Requests.\nAll \\ of them.");
  metrics.define("seconds", Metrics::Kind::histogram, "Time.", {0.1, 1});
  metrics.define("size", Metrics::Kind::gauge, "Size.");
  metrics.define("unused", Metrics::Kind::gauge, "Never set, so not there.");
  metrics.add("requests_total", {{"route", "a\"b\\c\nd"}, {"status", "200"}});
  metrics.add("requests_total", {{"route", "a\"b\\c\nd"}, {"status", "200"}});
  metrics.add("requests_total", {{"route", "x"}, {"status", "404"}}, 3);
  for (const double seconds : {0.05, 0.1, 0.5, 7.0})
    metrics.observe("seconds", seconds, {{"kind", "read"}});
  metrics.observe("seconds", 0.25);
  metrics.set("size", 4096);
  EXPECT_EQ(metrics.text(),
            "# HELP requests_total Requests.\\nAll \\\\ of them.\n"
            "# TYPE requests_total counter\n"
            "requests_total{route=\"a\\\"b\\\\c\\nd\",status=\"200\"} 2\n"
            "requests_total{route=\"x\",status=\"404\"} 3\n"
            "# HELP seconds Time.\n"
            "# TYPE seconds histogram\n"
            "seconds_bucket{le=\"0.1\"} 0\n"
            "seconds_bucket{le=\"1\"} 1\n"
            "seconds_bucket{le=\"+Inf\"} 1\n"
            "seconds_sum 0.25\n"
            "seconds_count 1\n"
            "seconds_bucket{kind=\"read\",le=\"0.1\"} 2\n"
            "seconds_bucket{kind=\"read\",le=\"1\"} 3\n"
            "seconds_bucket{kind=\"read\",le=\"+Inf\"} 4\n"
            "seconds_sum{kind=\"read\"} 7.65\n"
            "seconds_count{kind=\"read\"} 4\n"
            "# HELP size Size.\n"
            "# TYPE size gauge\n"
            "size 4096\n");
}

TEST(Metrics, WhatWasNotDefinedIsAMistakeOfTheCode) {
  Metrics metrics;
  metrics.define("size", Metrics::Kind::gauge, "Size.");
  EXPECT_THROW(metrics.add("requests_total"), std::logic_error);
  EXPECT_THROW(metrics.add("size"), std::logic_error);
}

TEST(Metrics, ACounterOfSomebodyElseNeverGoesBack) {
  Metrics metrics;
  metrics.define("bytes_total", Metrics::Kind::counter, "Bytes.");
  metrics.raise("bytes_total", 10);
  metrics.raise("bytes_total", 4);
  EXPECT_NE(metrics.text().find("bytes_total 10\n"), std::string::npos);
}

}  // namespace
}  // namespace tollgate
