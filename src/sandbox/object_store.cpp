#include "sandbox/object_store.h"

#include <stdexcept>

#include "common/base/encoding.h"

namespace tollgate::sandbox {
namespace {

constexpr std::size_t kMaxObject = std::size_t{1} << 40;

}  // namespace

std::string MemoryObjects::put(std::string_view bytes) {
  const std::string name = std::to_string(next_++);
  bytes_[name] = bytes;
  return name;
}

std::optional<std::string> MemoryObjects::get(const std::string& name) const {
  const auto found = bytes_.find(name);
  return found == bytes_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

void MemoryObjects::remove(const std::string& name) {
  bytes_.erase(name);
}

Result<FileObjects> FileObjects::open(const os::PrivateDirectory& state, RandomSource& random) {
  TG_TRY(auto directory, state.create_below("objects"));
  return FileObjects(std::move(directory), random);
}

std::string FileObjects::put(std::string_view bytes) {
  std::string name = hex_encode(random_->bytes(16));
  if (const auto written = directory_.write(name, bytes); !written) throw std::runtime_error(written.error().text());
  return name;
}

std::optional<std::string> FileObjects::get(const std::string& name) const {
  auto bytes = directory_.read(name, kMaxObject);
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

void FileObjects::remove(const std::string& name) {
  if (const auto removed = directory_.remove(name); !removed) throw std::runtime_error(removed.error().text());
}

}  // namespace tollgate::sandbox
