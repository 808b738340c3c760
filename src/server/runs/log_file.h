// One log as frames in one append-only file: how they are sealed, found again and cut off. A frame is
//   u32 length of the sealed bytes | u8 kind | u64 offset in the runner's output (little-endian) | sealed bytes
// and is sealed with the phase's id, its index, kind and offset as associated data, so that no frame can be moved,
// dropped in the middle or taken over from another log. Files are opened for each call: any number of logs needs no
// descriptors. Not synchronised; see file_log_hub.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/random.h"
#include "common/base/secret.h"

namespace tollgate::runs {

enum class FrameKind : std::uint8_t { begin = 1, system = 2, output = 3, end = 4 };

struct Frame {
  FrameKind kind = FrameKind::output;
  std::uint64_t index = 0;
  std::uint64_t spool_offset = 0;  // of kind output
  std::uint64_t file_offset = 0;   // where the frame begins
  std::uint64_t size = 0;          // of its content

  std::uint64_t file_end() const;
};

// The most content of one frame; longer appends make several.
inline constexpr std::size_t kMaxFrameBytes = 64 * 1024;

class LogFile {
 public:
  LogFile(std::string phase_id, const Secret& key, RandomSource& random)
      : phase_id_(std::move(phase_id)), key_(&key), random_(&random) {}

  // Calls `found` for each frame, oldest first, without opening any seal. The result is where the last whole frame
  // ends. Nothing is found where there is no file.
  std::uint64_t scan(const std::string& path, const std::function<void(const Frame&)>& found) const;
  // The bytes to be appended for one frame.
  std::string sealed(const Frame& frame, std::string_view content) const;
  // The content of a frame; nullopt where it was changed or was never written whole.
  std::optional<std::string> content(const std::string& path, const Frame& frame) const;
  // The frames from `first` on, until `take` returns false or `end` of the file is reached. Throws std::runtime_error
  // where one was tampered with (I10).
  void read_on(const std::string& path, Frame first, std::uint64_t end,
               const std::function<bool(const Frame&, std::string_view)>& take) const;

  // At the end of the file, created where it is missing. Throws std::system_error, and cuts off what it began to write.
  static void append(const std::string& path, std::string_view bytes);
  static void truncate(const std::string& path, std::uint64_t size);
  static void flush_to_disk(const std::string& path);

 private:
  std::string associated_data(const Frame& frame) const;
  std::string phase_id_;
  const Secret* key_;
  RandomSource* random_;
};

}  // namespace tollgate::runs
