// Stands in for terraform where the server is measured and not terraform: it does what files of the configuration say,
// and is the real one otherwise.
//   stamp.txt      init says when it was executed (nanoseconds since 1970) and fails
//   mebibytes.txt  plan first prints that many MiB of lines
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

void print_mebibytes(long count) {
  // 64 bytes a line.
  static char block[1 << 20];
  for (std::size_t i = 0; i < sizeof block; i += 64) {
    std::memset(block + i, 'a' + static_cast<int>(i / 64 % 26), 63);
    block[i + 63] = '\n';
  }
  for (long i = 0; i < count; ++i)
    std::fwrite(block, 1, sizeof block, stdout);
  std::fflush(stdout);
}

}  // namespace

int main(int, char** argv) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const char* command = argv[1] != nullptr ? argv[1] : "";
  if (std::strcmp(command, "init") == 0 && access("stamp.txt", F_OK) == 0) {
    std::printf("executed-at %lld\n", static_cast<long long>(now.tv_sec) * 1'000'000'000 + now.tv_nsec);
    return 1;
  }
  std::FILE* file = std::strcmp(command, "plan") == 0 ? std::fopen("mebibytes.txt", "r") : nullptr;
  if (file != nullptr) {
    char text[32] = "";
    if (std::fgets(text, sizeof text, file) != nullptr) print_mebibytes(std::strtol(text, nullptr, 10));
    std::fclose(file);
  }
  static char name[] = "terraform";
  argv[0] = name;
  execvp(name, argv);
  std::perror("stub_terraform: exec terraform");
  return 127;
}
