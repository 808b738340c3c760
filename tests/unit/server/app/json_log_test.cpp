#include "server/app/json_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "common/base/unique_fd.h"
#include "common/json/value.h"
#include "tests/support/manual_clock.h"

namespace tollgate::app {
namespace {

std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  return text;
}

TEST(JsonLog, WritesOneObjectALine) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd read_end(ends[0]);
  {
    const UniqueFd write_end(ends[1]);
    const test::ManualClock clock(from_unix_seconds(1'800'000'000));
    JsonLog log(write_end.get(), clock);
    log.info("run.started", "the plan of run-1 started\nwith a \"quote\"", {{"run", "run-1"}});
    log.write(LogLevel::debug, "left.out", "", {});
  }
  const std::string text = read_all(read_end.get());
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const auto line = json::parse(text);
  ASSERT_TRUE(line);
  EXPECT_EQ(*line->find("ts")->if_string(), "2027-01-15T08:00:00Z");
  EXPECT_EQ(*line->find("level")->if_string(), "info");
  EXPECT_EQ(*line->find("run")->if_string(), "run-1");
}

TEST(JsonLog, KeepsLinesOfThreadsApart) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd read_end(ends[0]);
  std::string text;
  std::thread reader([&] { text = read_all(read_end.get()); });
  {
    const UniqueFd write_end(ends[1]);
    const SystemClock clock;
    JsonLog log(write_end.get(), clock);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&log] {
        for (int line = 0; line < 100; ++line)
          log.warning("x", std::string(3000, 'a'));
      });
    }
    for (std::thread& thread : threads)
      thread.join();
  }
  reader.join();
  int lines = 0;
  for (std::size_t start = 0, end = 0; (end = text.find('\n', start)) != text.npos; start = end + 1, ++lines)
    ASSERT_TRUE(json::parse(std::string_view(text).substr(start, end - start)));
  EXPECT_EQ(lines, 400);
}

}  // namespace
}  // namespace tollgate::app
