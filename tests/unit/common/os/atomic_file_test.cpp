#include "common/os/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "tests/support/forked.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::os {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
}

std::size_t files_in(const std::string& path) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path))
    ++count;
  return count;
}

class PrivateDirectoryTest : public ::testing::Test {
 protected:
  test::TemporaryDirectory outside_;
  const std::string path_ = outside_.file("a/b/private");
};

TEST_F(PrivateDirectoryTest, MakesWhatIsMissingForThisUserAlone) {
  for (const mode_t mask : {000U, 077U, 0777U}) {
    const std::string path = outside_.file(fmt::format("with-umask-{:o}", mask));
    const mode_t before = ::umask(mask);
    const auto directory = PrivateDirectory::create(path);
    ::umask(before);
    ASSERT_TRUE(directory) << directory.error().message;
    EXPECT_EQ(mode_of(path), 0700U);
    EXPECT_TRUE(directory->create_below("deeper"));
    EXPECT_EQ(mode_of(path + "/deeper"), 0700U);
  }
  ASSERT_TRUE(PrivateDirectory::create(path_));
  EXPECT_EQ(mode_of(outside_.file("a")), 0700U);
  EXPECT_TRUE(PrivateDirectory::create(path_));
}

TEST_F(PrivateDirectoryTest, OpenDoesNotMakeAnything) {
  EXPECT_EQ(PrivateDirectory::open(path_).error().code, Code::not_found);
  EXPECT_EQ(files_in(outside_.path()), 0U);
}

TEST_F(PrivateDirectoryTest, RefusesWhatOthersCanReach) {
  const std::string path = outside_.file("made-before");
  for (const unsigned mode : {0777U, 0750U, 0701U, 01777U}) {
    std::filesystem::create_directory(path);
    chmod(path.c_str(), mode);
    const auto directory = PrivateDirectory::create(path);
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().reason, "open_to_others");
    EXPECT_EQ(exit_status(directory.error().code), 77);
    EXPECT_EQ(mode_of(path), mode) << "it is not ours to change";
    EXPECT_FALSE(directory.error().next.empty());
  }
}

TEST_F(PrivateDirectoryTest, RefusesASymbolicLink) {
  std::filesystem::create_directory(outside_.file("real"));
  chmod(outside_.file("real").c_str(), 0700);
  ASSERT_EQ(symlink(outside_.file("real").c_str(), outside_.file("link").c_str()), 0);
  EXPECT_EQ(PrivateDirectory::create(outside_.file("link")).error().reason, "symbolic_link");
  const auto parent = PrivateDirectory::open(outside_.path());
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->create_below("link").error().reason, "symbolic_link");
  EXPECT_TRUE(PrivateDirectory::create(outside_.file("link") + "/below")) << "links above are the administrator's";
}

TEST_F(PrivateDirectoryTest, RefusesAForeignOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const std::string path = outside_.file("foreign");
  std::filesystem::create_directory(path);
  chmod(path.c_str(), 0700);
  ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
  EXPECT_EQ(PrivateDirectory::create(path).error().reason, "foreign_owner");
}

TEST_F(PrivateDirectoryTest, RefusesAFileInItsPlace) {
  test::write_test_file(outside_.file("file"), "");
  EXPECT_EQ(PrivateDirectory::create(outside_.file("file")).error().reason, "not_a_directory");
}

TEST_F(PrivateDirectoryTest, NamesAreOneComponent) {
  const auto directory = PrivateDirectory::create(path_);
  ASSERT_TRUE(directory);
  for (const char* name : {"", ".", "..", "a/b", "../x"}) {
    EXPECT_EQ(directory->write(name, "x").error().code, Code::invalid) << name;
    EXPECT_EQ(directory->read(name, 10).error().code, Code::invalid) << name;
    EXPECT_EQ(directory->create_below(name).error().code, Code::invalid) << name;
  }
  EXPECT_EQ(directory->read(std::string_view("a\0b", 3), 10).error().code, Code::invalid);
}

class PrivateFile : public ::testing::Test {
 protected:
  PrivateFile() : directory_(std::move(*PrivateDirectory::create(outside_.file("private")))) {}
  std::string file(const std::string& name) const { return directory_.path() + "/" + name; }
  test::TemporaryDirectory outside_;
  PrivateDirectory directory_;
};

TEST_F(PrivateFile, IsWrittenWholeWithItsModeAndReadBack) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(directory_.write("name", std::string("a\0b\n", 4)));
  ASSERT_TRUE(directory_.write("read-only", "x", {0400, true}));
  ::umask(before);
  EXPECT_EQ(directory_.read("name", 100), std::string("a\0b\n", 4));
  EXPECT_EQ(mode_of(file("name")), 0600U);
  EXPECT_EQ(mode_of(file("read-only")), 0400U);
  ASSERT_TRUE(directory_.write("name", ""));
  EXPECT_EQ(directory_.read("name", 100), "");
  EXPECT_EQ(files_in(directory_.path()), 2U) << "no temporary file is left";
}

TEST_F(PrivateFile, LimitsItsSize) {
  ASSERT_TRUE(directory_.write("name", "12345"));
  EXPECT_EQ(directory_.read("name", 5), "12345");
  EXPECT_EQ(directory_.read("name", 4).error().reason, "too_large");
}

TEST_F(PrivateFile, RemovingAMissingOneIsNoError) {
  EXPECT_TRUE(directory_.remove("none"));
  ASSERT_TRUE(directory_.write("name", "x"));
  EXPECT_TRUE(directory_.remove("name"));
  EXPECT_EQ(directory_.read("name", 10).error().code, Code::not_found);
}

TEST_F(PrivateFile, LeavesTheOldContentAndNoTraceWhenItCannotWrite) {
  std::filesystem::create_directory(file("in-the-way"));
  EXPECT_EQ(directory_.write("in-the-way", "x").error().code, Code::io);
  EXPECT_EQ(files_in(directory_.path()), 1U);
}

struct Refusal {
  const char* name;
  std::function<void(const std::string& file, const std::string& other)> make;
  const char* reason;
};

class PrivateFileRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(PrivateFileRefusal, IsNotReadAndItsTargetNotTouched) {
  test::TemporaryDirectory outside;
  const auto directory = PrivateDirectory::create(outside.file("private"));
  ASSERT_TRUE(directory);
  const std::string other = outside.file("other");
  test::write_test_file(other, "not yours");
  GetParam().make(directory->path() + "/file", other);
  if (::testing::Test::IsSkipped()) return;
  EXPECT_EQ(directory->read("file", 100).error().reason, GetParam().reason);
  EXPECT_EQ(read_private_file(directory->path() + "/file", 100).error().reason, GetParam().reason);
  // Writing replaces the name and never what it leads to.
  if (std::string(GetParam().reason) != "not_a_file" || std::string(GetParam().name) == "fifo") {
    ASSERT_TRUE(directory->write("file", "ours"));
    EXPECT_EQ(directory->read("file", 100), "ours");
  }
  EXPECT_EQ(read_file(other, 100), "not yours");
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, PrivateFileRefusal,
    ::testing::Values(
        Refusal{"symbolic_link",
                [](const auto& file, const auto& other) { ASSERT_EQ(symlink(other.c_str(), file.c_str()), 0); },
                "symbolic_link"},
        Refusal{"dangling_link", [](const auto& file, const auto&) { ASSERT_EQ(symlink("/none", file.c_str()), 0); },
                "symbolic_link"},
        Refusal{"hard_link",
                [](const auto& file, const auto& other) { ASSERT_EQ(link(other.c_str(), file.c_str()), 0); },
                "hard_link"},
        Refusal{"group_readable", [](const auto& file, const auto&) { test::write_test_file(file, "x", 0640); },
                "open_to_others"},
        Refusal{"world_writable", [](const auto& file, const auto&) { test::write_test_file(file, "x", 0602); },
                "open_to_others"},
        Refusal{"foreign_owner",
                [](const auto& file, const auto&) {
                  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
                  test::write_test_file(file, "x");
                  ASSERT_EQ(chown(file.c_str(), 12345, 12345), 0);
                },
                "foreign_owner"},
        Refusal{"fifo", [](const auto& file, const auto&) { ASSERT_EQ(mkfifo(file.c_str(), 0600), 0); }, "not_a_file"},
        Refusal{"directory", [](const auto& file, const auto&) { std::filesystem::create_directory(file); },
                "not_a_file"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(PrivateFile, ReadersSeeTheOldOrTheNewContentAndNeverAPart) {
  const std::string a(20000, 'a');
  const std::string b(30000, 'b');
  ASSERT_TRUE(directory_.write("name", a));
  test::Forked writer([&] {
    for (int i = 0; i < 500; ++i) {
      if (!directory_.write("name", i % 2 == 0 ? b : a)) return 1;
    }
    return 0;
  });
  int bad = 0;
  siginfo_t ended{};
  while (ended.si_pid == 0) {
    const auto content = directory_.read("name", 100000);
    if (!content || (*content != a && *content != b)) ++bad;
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(writer.pid()), &ended, WEXITED | WNOHANG | WNOWAIT), 0);
  }
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(writer.exit_code(), 0);
}

TEST_F(PrivateFile, AKilledWriterLeavesAWholeFile) {
  const std::string a(20000, 'a');
  const std::string b(30000, 'b');
  ASSERT_TRUE(directory_.write("name", a));
  for (int round = 0; round < 50; ++round) {
    test::Forked writer([&] {
      for (int i = 0;; ++i)
        static_cast<void>(directory_.write("name", i % 2 == 0 ? b : a));
      return 0;
    });
    usleep(static_cast<useconds_t>(round * 37 % 1500));
    writer.kill(SIGKILL);
    writer.wait();
    const auto content = directory_.read("name", 100000);
    ASSERT_TRUE(content && (*content == a || *content == b)) << round;
  }
}

// Somebody with the same user id and no good will puts links to another file in the place of ours while we read and
// write: that file must never change. What a link leads to is never read either; a hard link that is gone by the time
// we look is a file like any other, and whoever reads it must authenticate what it says (session_cache_test.cpp).
class PrivateFileAttack : public ::testing::TestWithParam<bool> {};

TEST_P(PrivateFileAttack, TouchesNothingForeign) {
  const bool symbolic = GetParam();
  test::TemporaryDirectory outside;
  const auto directory = PrivateDirectory::create(outside.file("private"));
  const std::string victim = outside.file("victim");
  test::write_test_file(victim, "victim's");
  test::Forked attacker([&] {
    const std::string name = directory->path() + "/name";
    const std::string staged = outside.file("staged");
    for (;;) {
      const int made = symbolic ? symlink(victim.c_str(), staged.c_str()) : link(victim.c_str(), staged.c_str());
      if (made != 0 || rename(staged.c_str(), name.c_str()) != 0) unlink(staged.c_str());
      unlink(staged.c_str());  // renaming one name of a file onto another does nothing
    }
    return 0;
  });
  int foreign = 0;
  for (int i = 0; i < 100000; ++i) {
    if (i % 20 == 0) {
      ASSERT_TRUE(directory->write("name", "ours"));
    }
    const auto content = directory->read("name", 100);
    if (content && *content != "ours") ++foreign;
  }
  attacker.kill(SIGKILL);
  attacker.wait();
  if (symbolic) {
    EXPECT_EQ(foreign, 0);
  }
  EXPECT_EQ(read_file(victim, 100), "victim's");
}

INSTANTIATE_TEST_SUITE_P(Links, PrivateFileAttack, ::testing::Bool(),
                         [](const auto& test) { return test.param ? std::string("symbolic") : std::string("hard"); });

TEST(AtomicFile, WritesByPathIntoAnyonesDirectory) {
  test::TemporaryDirectory outside;
  chmod(outside.path().c_str(), 0755);
  const std::string path = outside.file("file");
  ASSERT_TRUE(write_file_atomically(path, "content", {0644, true}));
  EXPECT_EQ(read_file(path, 100), "content");
  EXPECT_EQ(mode_of(path), 0644U);
  EXPECT_EQ(write_file_atomically(outside.file("none/file"), "x").error().code, Code::io);
  EXPECT_EQ(write_file_atomically(outside.path() + "/", "x").error().code, Code::invalid);
}

TEST(AtomicFile, ReadFileFollowsLinksAndReadsProc) {
  test::TemporaryDirectory outside;
  test::write_test_file(outside.file("file"), "content", 0644);
  ASSERT_EQ(symlink("file", outside.file("link").c_str()), 0);
  EXPECT_EQ(read_file(outside.file("link"), 100), "content");
  EXPECT_EQ(read_file(outside.file("none"), 100).error().code, Code::not_found);
  EXPECT_EQ(read_file(outside.path(), 100).error().reason, "not_a_file");
  const auto status = read_file("/proc/self/status", 1 << 20);
  ASSERT_TRUE(status);
  EXPECT_NE(status->find("Name:"), std::string::npos);
  EXPECT_EQ(read_file("/proc/self/status", 10).error().reason, "too_large");
}

}  // namespace
}  // namespace tollgate::os
