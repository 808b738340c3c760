#include "runner/plan_archive.h"

#include <zlib.h>

#include <cstdint>

namespace tollgate::runner {
namespace {

constexpr std::string_view kLockFile = ".terraform.lock.hcl";
constexpr std::string_view kEndRecord = "PK\5\6";
constexpr std::string_view kCentralRecord = "PK\1\2";
constexpr std::string_view kLocalRecord = "PK\3\4";
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kCentralSize = 46;
constexpr std::size_t kLocalSize = 30;

Error broken(std::string_view what) {
  return Error(Code::invalid, fmt::format("the saved plan is not a plan: {}", what));
}

// Little-endian number of `size` bytes; the caller has checked that they are there.
std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i > 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  return value;
}

bool holds(std::string_view bytes, std::size_t at, std::size_t size) {
  return at <= bytes.size() && size <= bytes.size() - at;
}

Result<std::string> inflated(std::string_view packed, std::size_t size) {
  if (size > kMaxLockFile) return fail(broken("its lock file is too large"));
  std::string content(size + 1, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return fail(broken("out of memory"));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(content.size());
  const int answer = inflate(&stream, Z_FINISH);
  const std::size_t produced = stream.total_out;
  inflateEnd(&stream);
  if (answer != Z_STREAM_END || produced != size) return fail(broken("its lock file cannot be unpacked"));
  content.resize(size);
  return content;
}

Result<std::string> content_of(std::string_view plan, std::size_t entry) {
  const std::uint32_t method = number(plan, entry + 10, 2);
  const std::uint32_t packed_size = number(plan, entry + 20, 4);
  const std::uint32_t size = number(plan, entry + 24, 4);
  const std::size_t local = number(plan, entry + 42, 4);
  if (!holds(plan, local, kLocalSize) || plan.substr(local, 4) != kLocalRecord) return fail(broken("a bad offset"));
  const std::size_t data = local + kLocalSize + number(plan, local + 26, 2) + number(plan, local + 28, 2);
  if (!holds(plan, data, packed_size)) return fail(broken("it is cut"));
  const std::string_view packed = plan.substr(data, packed_size);
  if (method == 8) return inflated(packed, size);
  if (method == 0 && packed_size == size && size <= kMaxLockFile) return std::string(packed);
  return fail(broken("an unknown compression"));
}

}  // namespace

Result<std::string> lock_file_of_plan(std::string_view plan) {
  const std::size_t end = plan.rfind(kEndRecord);
  if (end == std::string_view::npos || !holds(plan, end, kEndSize)) return fail(broken("it has no directory"));
  std::size_t entry = number(plan, end + 16, 4);
  for (std::uint32_t left = number(plan, end + 10, 2); left > 0; --left) {
    if (!holds(plan, entry, kCentralSize) || plan.substr(entry, 4) != kCentralRecord) {
      return fail(broken("a bad directory"));
    }
    const std::size_t name_size = number(plan, entry + 28, 2);
    if (!holds(plan, entry + kCentralSize, name_size)) return fail(broken("a bad directory"));
    if (plan.substr(entry + kCentralSize, name_size) == kLockFile) return content_of(plan, entry);
    entry += kCentralSize + name_size + number(plan, entry + 30, 2) + number(plan, entry + 32, 2);
  }
  return fail(Code::not_found, "the plan has no lock file");
}

}  // namespace tollgate::runner
