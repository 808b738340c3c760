// A directory of its own for one test (0700), removed with everything in it at the end.
#pragma once

#include <string>

namespace tollgate::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Writes a file with that mode, whatever the umask; throws if it cannot.
void write_test_file(const std::string& path, const std::string& content, unsigned mode = 0600);

}  // namespace tollgate::test
