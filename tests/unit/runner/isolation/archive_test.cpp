#include "runner/isolation/archive.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/base/unique_fd.h"
#include "common/os/child_process.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::isolation {
namespace {

struct Entry {
  std::string name;
  char type = '0';
  std::string content = {};
  std::string target = {};
  unsigned mode = 0644;
};

// ustar (POSIX.1-1988): names up to 100 bytes.
std::string tar(const std::vector<Entry>& entries) {
  std::string archive;
  for (const Entry& entry : entries) {
    std::string header(512, '\0');
    header.replace(0, std::min<std::size_t>(entry.name.size(), 100), entry.name.substr(0, 100));
    header.replace(100, 7, fmt::format("{:07o}", entry.mode));
    header.replace(108, 7, "0000000");
    header.replace(116, 7, "0000000");
    header.replace(124, 11, fmt::format("{:011o}", entry.content.size()));
    header.replace(136, 11, "00000000000");
    header.replace(148, 8, "        ");
    header[156] = entry.type;
    header.replace(157, std::min<std::size_t>(entry.target.size(), 100), entry.target.substr(0, 100));
    header.replace(257, 8,
                   std::string("ustar\0"
                               "00",
                               8));
    unsigned sum = 0;
    for (const char c : header)
      sum += static_cast<unsigned char>(c);
    header.replace(148, 7, fmt::format("{:06o}", sum) + '\0');
    archive += header + entry.content + std::string((512 - entry.content.size() % 512) % 512, '\0');
  }
  return archive + std::string(1024, '\0');
}

std::string gzip(const std::string& bytes) {
  os::Command command;
  command.argv = {"/usr/bin/gzip", "-1", "-c"};
  os::CaptureOptions options;
  options.input = bytes;
  options.output_limit = 64 << 20;
  Result<os::Captured> result = os::capture(command, options);
  if (!result || !result->succeeded()) throw std::runtime_error("gzip");
  return std::string(result->output.reveal());
}

class Archive : public testing::Test {
 protected:
  Archive() {
    std::filesystem::create_directory(top_.file("in"));
    directory_.reset(open(top_.file("in").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  Result<Unpacked> unpack_bytes(const std::string& bytes, const ArchiveLimits& limits = {}) {
    const UniqueFd file(memfd_create("archive", MFD_CLOEXEC));
    if (write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) abort();
    lseek(file.get(), 0, SEEK_SET);
    return unpack_archive(file.get(), directory_.get(), limits, SystemClock());
  }
  Result<Unpacked> unpack(const std::vector<Entry>& entries, const ArchiveLimits& limits = {}) {
    return unpack_bytes(gzip(tar(entries)), limits);
  }
  // Everything but plain contained things: files outside, special files, set-id bits, links that lead out.
  std::size_t escapes() const {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(top_.path()))
      found += entry.path().filename() != "in";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top_.file("in"))) {
      struct stat status {};
      lstat(entry.path().c_str(), &status);
      const bool plain = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode);
      found += !plain || (status.st_mode & 07000) != 0 || (S_ISREG(status.st_mode) && status.st_nlink != 1);
      if (S_ISLNK(status.st_mode)) {
        const auto real = std::filesystem::weakly_canonical(entry.path());
        found += real.string().rfind(std::filesystem::canonical(top_.file("in")).string(), 0) != 0;
      }
    }
    return found;
  }

  test::TemporaryDirectory top_;
  UniqueFd directory_;
};

TEST_F(Archive, UnpacksFilesDirectoriesAndLinksInside) {
  const Result<Unpacked> done = unpack({{"./", '5', "", "", 0700},
                                        {"a/b/main.tf", '0', "x", "", 0600},
                                        {"run.sh", '0', "#!", "", 06777},
                                        {"a/up", '2', "", "../run.sh", 0777}});
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->files, 2U);
  EXPECT_EQ(done->links, 1U);
  struct stat status {};
  ASSERT_EQ(stat(top_.file("in/run.sh").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755U);
  ASSERT_EQ(stat(top_.file("in/a/b/main.tf").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644U);
  EXPECT_EQ(escapes(), 0U);
}

TEST_F(Archive, NoneOfTheEvilOnesEscapes) {
  std::vector<std::vector<Entry>> corpus;
  const std::string outside[] = {"..",     "../x",           "a/../../x", "/x",  "//x",
                                 "./../x", "a/b/../../../x", "../../x",   "/..", "a/./../../x"};
  for (const std::string& path : outside) {
    for (const char type : {'0', '1', '2', '3', '4', '5', '6', '7'})
      corpus.push_back({{path, type, "", "../x"}});                                                             // 80
    corpus.push_back({{"link", '2', "", path}, {"link/x", '0', "x"}});                                          // 10
    corpus.push_back({{"d/link", '2', "", path}, {"d/link", '0', "x"}});                                        // 10
    corpus.push_back({{"hard", '1', "", path}, {"hard", '0', "x"}});                                            // 10
    corpus.push_back({{"a", '2', "", "."}, {"a/b", '2', "", path}});                                            // 10
    corpus.push_back({{"l1", '2', "", "l2"}, {"l2", '2', "", path}, {"l1", '0', "x"}});                         // 10
    corpus.push_back({{"f", '0', "x"}, {"f/x", '0', "x"}, {"f", '5'}, {path, '0', "x"}});                       // 10
    corpus.push_back({{"d", '5'}, {"d", '2', "", path}, {"d/x", '0', "x"}});                                    // 10
    corpus.push_back({{"s/t", '2', "", "../s/../" + path}, {"s/t/x", '0', "x"}});                               // 10
    corpus.push_back({{"u", '0', "x", "", 04755}, {"u2", '6'}, {path, '5'}});                                   // 10
    corpus.push_back({{"dir/sub", '2', "", ".."}, {"go", '2', "", "dir/sub/../" + path}, {"go/x", '0', "x"}});  // 10
    corpus.push_back({{"x", '3', "", "", 0666}});                                                               // 10
    corpus.push_back({{"y", 'S', "x"}, {path + "/" + path, '2', "", path}});                                    // 10
  }
  std::size_t refused = 0;
  std::size_t escaped = 0;
  for (const auto& entries : corpus) {
    std::filesystem::remove_all(top_.file("in"));
    std::filesystem::create_directory(top_.file("in"));
    directory_.reset(open(top_.file("in").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    refused += !unpack(entries);
    escaped += escapes();
  }
  EXPECT_GE(corpus.size(), 200U);
  EXPECT_EQ(escaped, 0U);
  EXPECT_GE(refused, 195U);
}

TEST_F(Archive, ErrorsNameTheEntry) {
  const Result<Unpacked> done = unpack({{"modules/../../evil", '0', "x"}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "archive_entry");
  EXPECT_NE(done.error().message.find("modules/../../evil"), std::string::npos);
}

TEST_F(Archive, BombsAreRefusedByTheirRatio) {
  const Result<Unpacked> done = unpack({{"zeros", '0', std::string(32 << 20, '\0')}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "archive_limit");
  EXPECT_LT(std::filesystem::file_size(top_.file("in/zeros")), 8U << 20);
}

TEST_F(Archive, LimitsHold) {
  ArchiveLimits limits;
  limits.entries = 3;
  EXPECT_EQ(unpack({{"a/b/c/d", '0', "x"}}, limits).error().reason, "archive_limit");
  limits = {};
  limits.unpacked_bytes = 10;
  EXPECT_EQ(unpack({{"big", '0', std::string(11, 'x')}}, limits).error().reason, "archive_limit");
  limits = {};
  limits.compressed_bytes = 10;
  EXPECT_EQ(unpack({{"c", '0', "x"}}, limits).error().reason, "archive_limit");
  limits = {};
  limits.depth = 2;
  EXPECT_EQ(unpack({{"p/q/r", '0', "x"}}, limits).error().reason, "archive_limit");
}

TEST_F(Archive, WhatIsNoTarGzIsRefused) {
  EXPECT_EQ(unpack_bytes("").error().reason, "archive_malformed");
  EXPECT_EQ(unpack_bytes("PK\x03\x04 something").error().reason, "archive_malformed");
  EXPECT_EQ(unpack_bytes(tar({{"plain", '0', "x"}})).error().reason, "archive_malformed");
  const std::string whole = gzip(tar({{"cut", '0', std::string(100000, 'x')}}));
  EXPECT_EQ(unpack_bytes(whole.substr(0, whole.size() / 2)).error().reason, "archive_malformed");
}

}  // namespace
}  // namespace tollgate::isolation
