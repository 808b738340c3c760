#include "server/runs/file_log_hub.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/crypto/sealed_box.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::runs {
namespace {

class FileLogHubTest : public testing::Test {
 protected:
  FileLogHub hub() {
    FileLogHubOptions options;
    options.directory = directory_.path();
    options.key = key_;
    options.tail_bytes = tail_;
    options.logs_in_memory = logs_;
    return FileLogHub(std::move(options), random_);
  }
  std::string file(const std::string& name) const { return std::string(directory_.path()) + "/" + name; }
  static std::string all(FileLogHub& hub, const std::string& id, std::uint64_t step = 1000) {
    std::string text;
    while (true) {
      const LogSlice slice = hub.read(id, text.size(), step);
      if (slice.bytes.empty()) return text;
      text += slice.bytes;
    }
  }

  test::TemporaryDirectory directory_;
  SystemRandom random_;
  Secret key_ = crypto::generate_seal_key(random_);
  std::size_t tail_ = 64 * 1024;
  std::size_t logs_ = 256;
};

TEST_F(FileLogHubTest, BeginsWithStxAndEndsWithEtx) {
  auto hub = this->hub();
  EXPECT_EQ(hub.read("plan-1", 0, 100).size, 0u);
  hub.append_output("plan-1", 0, "lost: nobody opened it");
  hub.open("plan-1");
  hub.open("plan-1");
  hub.append_system("plan-1", "hello", false);
  hub.append_output("plan-1", 0, "one\n");
  hub.append_output("plan-1", 4, "two\n");
  EXPECT_FALSE(hub.read("plan-1", 0, 100).complete);
  hub.close("plan-1");
  hub.close("plan-1");
  hub.append_output("plan-1", 8, "late");
  hub.append_system("plan-1", "late", false);
  EXPECT_EQ(all(hub, "plan-1"), "\x02hello\none\ntwo\n\x03");
  EXPECT_TRUE(hub.read("plan-1", 0, 100).complete);
  EXPECT_EQ(hub.read("plan-1", 3, 4).bytes, "llo\n");
  EXPECT_EQ(hub.read("plan-1", 1000, 4).bytes, "");
  const auto spans = hub.system_spans("plan-1");
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].offset, 1u);
  EXPECT_EQ(spans[0].length, 6u);
}

TEST_F(FileLogHubTest, AnApplyBeginsWithThreeLinesThatClientsSkip) {
  auto hub = this->hub();
  hub.open("apply-1");
  hub.append_output("apply-1", 0, "Terraform");
  const std::string text = all(hub, "apply-1");
  const auto begin = text.find("Terraform");
  EXPECT_EQ(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(begin), '\n'), 3);
}

TEST_F(FileLogHubTest, StructuredSystemLinesAreJson) {
  auto hub = this->hub();
  hub.open("plan-1");
  hub.append_system("plan-1", "say \"hi\"\n", true);
  EXPECT_EQ(
      all(hub, "plan-1"),
      "\x02{\"@level\":\"info\",\"@message\":\"say \\\"hi\\\"\",\"@module\":\"tollgate\",\"type\":\"tollgate\"}\n");
}

TEST_F(FileLogHubTest, CopyingMayStartOver) {
  auto hub = this->hub();
  hub.open("plan-1");
  hub.append_output("plan-1", 0, "abcdef");
  hub.append_output("plan-1", 0, "abcdef");
  hub.append_output("plan-1", 3, "defghi");
  EXPECT_EQ(hub.output_size("plan-1"), 9u);
  EXPECT_EQ(all(hub, "plan-1"),
            "\x02"
            "abcdefghi");
  EXPECT_THROW(hub.append_output("plan-1", 20, "gap"), std::logic_error);
}

TEST_F(FileLogHubTest, IsTheSameAfterARestartAtEveryByte) {
  {
    auto hub = this->hub();
    hub.open("plan-1");
    hub.append_system("plan-1", "system", false);
    for (std::uint64_t i = 0; i < 5; ++i) {
      hub.append_output("plan-1", i * 7, fmt::format("line {}\n", i));
    }
  }
  std::string whole(std::filesystem::file_size(file("plan-1.open")), '\0');
  std::ifstream(file("plan-1.open"), std::ios::binary).read(whole.data(), static_cast<std::streamsize>(whole.size()));
  const std::string text = "\x02system\nline 0\nline 1\nline 2\nline 3\nline 4\n";
  const std::string output = text.substr(8);
  int cuts = 0;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    // Cut off, and also the case of a file that got its length and not its bytes.
    for (const bool zeros : {false, true}) {
      std::string content = whole.substr(0, size);
      if (zeros) content.resize(std::min(whole.size(), size + 30), '\0');
      std::ofstream(file("plan-1.open"), std::ios::binary | std::ios::trunc) << content;
      auto hub = this->hub();
      const std::uint64_t have = hub.output_size("plan-1");
      const std::string kept = all(hub, "plan-1");
      ASSERT_EQ(text.substr(0, kept.size()), kept);
      hub.open("plan-1");
      hub.append_output("plan-1", 0, output);  // copied again from the start
      hub.close("plan-1");
      const std::string after = all(hub, "plan-1");
      ASSERT_TRUE(after.ends_with(output + "\x03")) << size;
      ASSERT_LE(have, output.size());
      hub.erase("plan-1");
      ++cuts;
    }
  }
  EXPECT_GT(cuts, 500);
}

TEST_F(FileLogHubTest, FindsTampering) {
  {
    auto hub = this->hub();
    hub.open("plan-1");
    for (std::uint64_t i = 0; i < 3; ++i) {
      hub.append_output("plan-1", i * 4, "abc\n");
    }
    hub.close("plan-1");
  }
  std::string whole(std::filesystem::file_size(file("plan-1.log")), '\0');
  std::ifstream(file("plan-1.log"), std::ios::binary).read(whole.data(), static_cast<std::streamsize>(whole.size()));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::ofstream(file("plan-1.log"), std::ios::binary | std::ios::trunc) << changed;
    auto hub = this->hub();
    EXPECT_THROW(all(hub, "plan-1"), std::runtime_error) << at;
  }
  // Another log's content under this name, and a log that lost its end.
  std::ofstream(file("plan-2.log"), std::ios::binary | std::ios::trunc) << whole;
  std::ofstream(file("plan-1.log"), std::ios::binary | std::ios::trunc) << whole.substr(0, whole.size() / 2);
  auto hub = this->hub();
  EXPECT_THROW(all(hub, "plan-2"), std::runtime_error);
  EXPECT_THROW(all(hub, "plan-1"), std::runtime_error);
}

TEST_F(FileLogHubTest, NamesOfPhasesAreNoPaths) {
  auto hub = this->hub();
  EXPECT_THROW(hub.open("../plan-1"), std::invalid_argument);
  EXPECT_THROW(hub.open(""), std::invalid_argument);
  EXPECT_THROW(hub.read("a/b", 0, 1), std::invalid_argument);
}

TEST_F(FileLogHubTest, OldPartsOfALargeLogComeFromDisk) {
  tail_ = 4096;
  auto hub = this->hub();
  hub.open("plan-1");
  std::string text = "\x02";
  for (std::uint64_t i = 0; text.size() < 3'000'000; ++i) {
    const std::string piece =
        i % 7 == 0 ? std::string(150'000, static_cast<char>('a' + i % 26)) : fmt::format("line {} of many\n", i);
    hub.append_output("plan-1", text.size() - 1, piece);
    text += piece;
  }
  for (std::uint64_t offset = 0; offset < text.size(); offset += 99'991) {
    EXPECT_EQ(hub.read("plan-1", offset, 65536).bytes, text.substr(offset, 65536)) << offset;
  }
  hub.close("plan-1");
  EXPECT_EQ(all(hub, "plan-1", 65536), text + "\x03");
}

TEST_F(FileLogHubTest, ForgetsLogsThatNobodyUses) {
  logs_ = 4;
  auto hub = this->hub();
  for (int i = 0; i < 50; ++i) {
    hub.open(fmt::format("plan-{}", i));
    hub.append_output(fmt::format("plan-{}", i), 0, "x");
  }
  EXPECT_LE(hub.in_memory(), 4u);
  for (int i = 0; i < 50; ++i) {
    hub.append_output(fmt::format("plan-{}", i), 1, "y");
    EXPECT_EQ(all(hub, fmt::format("plan-{}", i)), "\x02xy");
  }
  EXPECT_EQ(hub.unfinished().size(), 50u);
  hub.close("plan-7");
  EXPECT_EQ(hub.unfinished().size(), 49u);
}

TEST_F(FileLogHubTest, TellsSubscribersUntilTheirHandleGoes) {
  auto hub = this->hub();
  int calls = 0;
  auto handle = hub.subscribe("plan-1", [&] { ++calls; });
  auto other = hub.subscribe("plan-2", [&] { calls += 100; });
  hub.open("plan-1");
  hub.append_output("plan-1", 0, "x");
  hub.append_output("plan-1", 0, "x");
  EXPECT_GE(calls, 2);
  EXPECT_LT(calls, 100);
  handle.reset();
  const int before = calls;
  hub.close("plan-1");
  EXPECT_EQ(calls, before);
}

TEST_F(FileLogHubTest, ReadersSeeThePrefixWhileItGrows) {
  tail_ = 256;
  auto hub = this->hub();
  hub.open("plan-1");
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      std::string seen;
      while (seen.empty() || seen.back() != '\x03') {
        seen += hub.read("plan-1", seen.size(), 777).bytes;
      }
      std::string expected = "\x02";
      for (int k = 0; k < 2000; ++k) {
        expected += fmt::format("line {}\n", k);
      }
      if (seen != expected + "\x03") ++wrong;
    });
  }
  std::uint64_t offset = 0;
  for (int k = 0; k < 2000; ++k) {
    const std::string line = fmt::format("line {}\n", k);
    hub.append_output("plan-1", offset, line);
    offset += line.size();
  }
  hub.close("plan-1");
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tollgate::runs
