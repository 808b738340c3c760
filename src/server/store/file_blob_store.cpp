#include "server/store/file_blob_store.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "common/crypto/sealed_box.h"
#include "common/os/atomic_file.h"
#include "server/store/database_error.h"

namespace tollgate::store {

namespace {

constexpr std::string_view kMagic = "tgblob1\n";
constexpr std::size_t kHeaderBytes = kMagic.size() + 4;
constexpr std::string_view kPurpose = "blobs";
// So that "a" and "a/b" can both be there: no directory ends so, for keys have no dot.
constexpr std::string_view kEnding = ".blob";
constexpr std::size_t kMaxKey = 200;

std::vector<std::string> components(std::string_view key) {
  std::vector<std::string> parts{""};
  for (const char c : key) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (c == '/') {
      parts.emplace_back();
    } else if (plain) {
      parts.back() += c;
    } else {
      parts.clear();
      break;
    }
  }
  const bool empty_part = std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.empty(); });
  if (parts.empty() || empty_part || key.size() > kMaxKey) {
    throw std::invalid_argument("a blob's key is a path of letters, digits, '-' and '_'");
  }
  return parts;
}

bool is_key(std::string_view text) {
  try {
    components(text);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

std::string header(std::uint32_t version) {
  std::string text(kMagic);
  for (int shift = 0; shift < 32; shift += 8)
    text += static_cast<char>((version >> shift) & 0xFF);
  return text;
}

std::string associated_data(std::string_view key, std::uint32_t version) {
  SealContext context;
  context.add("blob").add(key).add(std::to_string(version));
  return context.bytes();
}

[[noreturn]] void disk_refused(std::string_view what, std::string_view key, const Error& error) {
  throw DatabaseError(DatabaseError::Kind::other, fmt::format("{} blob {}: {}", what, key, error.message));
}

[[noreturn]] void tampered(std::string_view key, std::string_view how) {
  throw DatabaseError(DatabaseError::Kind::tampered, fmt::format("blob {}: {}", key, how));
}

class FileBlobStore final : public domain::BlobStore {
 public:
  FileBlobStore(os::PrivateDirectory root, const KeyRing& keys, RandomSource& random)
      : root_(std::move(root)), keys_(keys), random_(random) {}

  void put(std::string_view key, std::string_view bytes) override {
    const std::vector<std::string> parts = components(key);
    if (bytes.size() > kMaxBlobBytes) throw std::invalid_argument("the blob is too large");
    const std::uint32_t version = keys_.current_version();
    std::string content = header(version);
    content += crypto::seal(keys_.key(kPurpose, version), bytes, associated_data(key, version), random_);
    const auto write = [&](const os::PrivateDirectory& directory) {
      return directory.write(parts.back() + std::string(kEnding), content, {.mode = 0600, .durable = true});
    };
    const auto done = parts.size() == 1 ? write(root_) : make_directory(parts, key, write);
    if (!done) disk_refused("writing", key, done.error());
  }

  std::optional<std::string> get(std::string_view key) override {
    const std::vector<std::string> parts = components(key);
    const auto directory = os::PrivateDirectory::open(directory_path(parts));
    if (!directory) return absent_or_throw("reading", key, directory.error());
    const auto content = directory->read(parts.back() + std::string(kEnding), kMaxBlobBytes + 4096);
    if (!content) return absent_or_throw("reading", key, content.error());
    return opened(key, *content);
  }

  void erase(std::string_view key) override {
    const std::vector<std::string> parts = components(key);
    const auto directory = os::PrivateDirectory::open(directory_path(parts));
    if (!directory) {
      absent_or_throw("erasing", key, directory.error());
      return;
    }
    const auto removed = directory->remove(parts.back() + std::string(kEnding));
    if (!removed) disk_refused("erasing", key, removed.error());
  }

  std::vector<std::string> keys() override {
    namespace fs = std::filesystem;
    std::vector<std::string> found;
    std::error_code refused;
    for (auto entry = fs::recursive_directory_iterator(root_.path(), refused);
         entry != fs::recursive_directory_iterator(); entry.increment(refused)) {
      std::string name = entry->path().lexically_relative(root_.path()).string();
      if (!name.ends_with(kEnding) || !entry->is_regular_file(refused)) continue;
      name.resize(name.size() - kEnding.size());
      if (is_key(name)) found.push_back(std::move(name));
    }
    if (refused) throw DatabaseError(DatabaseError::Kind::other, "reading the names of blobs: " + refused.message());
    return found;
  }

 private:
  std::string directory_path(const std::vector<std::string>& parts) const {
    std::string path = root_.path();
    for (std::size_t i = 0; i + 1 < parts.size(); ++i)
      path += "/" + parts[i];
    return path;
  }

  // A new directory is itself an entry that a power cut may take away.
  template <class Write>
  Result<void> make_directory(const std::vector<std::string>& parts, std::string_view key, Write write) {
    std::optional<os::PrivateDirectory> current;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const os::PrivateDirectory& parent = current ? *current : root_;
      const bool missing = ::faccessat(parent.fd(), parts[i].c_str(), F_OK, 0) != 0;
      TG_TRY(os::PrivateDirectory next, parent.create_below(parts[i]));
      if (missing && ::fsync(parent.fd()) != 0) {
        disk_refused("writing", key, Error(Code::io, std::strerror(errno)));
      }
      current = std::move(next);
    }
    return write(*current);
  }

  static std::optional<std::string> absent_or_throw(std::string_view what, std::string_view key, const Error& error) {
    if (error.code == Code::not_found) return std::nullopt;
    disk_refused(what, key, error);
  }

  std::string opened(std::string_view key, const std::string& content) const {
    if (content.size() < kHeaderBytes || content.compare(0, kMagic.size(), kMagic) != 0) {
      tampered(key, "it is none that this server wrote");
    }
    std::uint32_t version = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto byte = static_cast<unsigned char>(content[kMagic.size() + i]);
      version |= static_cast<std::uint32_t>(byte) << (8 * i);
    }
    if (!keys_.has(version)) {
      tampered(key, fmt::format("it was sealed with master key {}, which is not in the file", version));
    }
    const auto box = std::string_view(content).substr(kHeaderBytes);
    const auto plain = crypto::open(keys_.key(kPurpose, version), box, associated_data(key, version));
    if (!plain) tampered(key, plain.error().message);
    return std::string(plain->reveal());
  }

  os::PrivateDirectory root_;
  const KeyRing& keys_;
  RandomSource& random_;
};

void remove_leftovers(const std::string& directory) {
  namespace fs = std::filesystem;
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(1);
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (auto entry = fs::recursive_directory_iterator(directory, ignored); entry != fs::recursive_directory_iterator();
       entry.increment(ignored)) {
    const std::string name = entry->path().filename();
    if (name.compare(0, os::kTemporaryPrefix.size(), os::kTemporaryPrefix) != 0) continue;
    const auto changed = fs::last_write_time(entry->path(), ignored);
    if (!ignored && changed < old) leftovers.push_back(entry->path());
  }
  for (const fs::path& path : leftovers)
    fs::remove(path, ignored);
}

}  // namespace

Result<std::unique_ptr<domain::BlobStore>> open_file_blob_store(const std::string& directory, const KeyRing& keys,
                                                                RandomSource& random) {
  TG_TRY(os::PrivateDirectory root, os::PrivateDirectory::create(directory));
  remove_leftovers(directory);
  return std::make_unique<FileBlobStore>(std::move(root), keys, random);
}

}  // namespace tollgate::store
