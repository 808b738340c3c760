#include "server/app/json_log.h"

#include <gtest/gtest.h>
#include <signal.h>
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

// A pipe whose reader looks away, until it is asked for all.
class StalledReader : public testing::Test {
 protected:
  StalledReader() {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    read_end_ = UniqueFd(ends[0]);
    write_end_ = UniqueFd(ends[1]);
    options_.own_thread = true;
    options_.most_waiting = 100'000;
  }
  std::unique_ptr<JsonLog> open() { return std::make_unique<JsonLog>(write_end_.get(), clock_, options_); }
  // Reads from another thread until the last writer is gone.
  std::vector<json::Value> lines_of(std::unique_ptr<JsonLog> log) {
    std::string text;
    std::thread reader([&] { text = read_all(read_end_.get()); });
    log.reset();
    write_end_.reset();
    reader.join();
    std::vector<json::Value> lines;
    for (std::size_t start = 0, end = 0; (end = text.find('\n', start)) != text.npos; start = end + 1)
      lines.push_back(json::parse(std::string_view(text).substr(start, end - start)).value());
    return lines;
  }

  const SystemClock clock_;
  JsonLogOptions options_;
  UniqueFd read_end_;
  UniqueFd write_end_;
};

TEST_F(StalledReader, StopsNobodyAndIsToldWhatItMissed) {
  options_.patience = Duration(60'000);
  auto log = open();
  constexpr int kWritten = 2000;
  // The pipe holds 64 KiB: more than ten times that comes back at once, or this test never ends.
  for (std::int64_t i = 0; i < kWritten; ++i)
    log->info("x", std::string(500, 'a'), {{"number", i}});
  const std::uint64_t dropped = log->dropped();
  EXPECT_GT(dropped, 1000u);
  std::int64_t told = 0;
  std::int64_t last = -1;
  int seen = 0;
  for (const json::Value& line : lines_of(std::move(log))) {
    if (*line.find("event")->if_string() == "log.dropped") {
      told += *line.find("lines")->if_integer();
      continue;
    }
    const std::int64_t number = *line.find("number")->if_integer();
    EXPECT_GT(number, last) << "in their order";
    last = number;
    ++seen;
  }
  EXPECT_EQ(static_cast<std::uint64_t>(told), dropped);
  EXPECT_EQ(seen + told, kWritten);
}

TEST_F(StalledReader, FindsWhatWasFlushed) {
  options_.patience = Duration(60'000);
  const auto log = open();
  log->info("x", "first");
  log->info("x", "second");
  log->flush();
  char buffer[4096];
  const ssize_t count = ::read(read_end_.get(), buffer, sizeof buffer);
  ASSERT_GT(count, 0);
  EXPECT_NE(std::string_view(buffer, static_cast<std::size_t>(count)).find("second"), std::string_view::npos);
}

TEST_F(StalledReader, KeepsNoServerFromEnding) {
  options_.patience = Duration(1);
  auto log = open();
  for (int i = 0; i < 1000; ++i)
    log->info("x", std::string(500, 'a'));
  log.reset();  // never ends where it waits for the reader
}

TEST_F(StalledReader, IsNotWaitedForWithoutAThreadEither) {
  options_.own_thread = false;
  options_.patience = Duration(1);
  auto log = open();
  for (int i = 0; i < 1000; ++i)
    log->info("x", std::string(500, 'a'));
  EXPECT_GT(log->dropped(), 500u);
}

TEST_F(StalledReader, ThatIsGoneIsNoTrouble) {
  ::signal(SIGPIPE, SIG_IGN);
  auto log = open();
  read_end_.reset();
  for (int i = 0; i < 100; ++i)
    log->info("x", "to nobody");
  log.reset();
}

}  // namespace
}  // namespace tollgate::app
