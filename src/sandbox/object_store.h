// Where the bytes of S3 objects lie, by names of its own making. What they are called in S3 and who may see them is the
// world's business. Implementations: files below the state folder, memory for tests. Not synchronised.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/os/atomic_file.h"

namespace tollgate::sandbox {

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  // Keeps the bytes; the answer is their name. Throws std::runtime_error if the disk refuses.
  virtual std::string put(std::string_view bytes) = 0;
  // nullopt: gone.
  virtual std::optional<std::string> get(const std::string& name) const = 0;
  virtual void remove(const std::string& name) = 0;
};

class MemoryObjects final : public ObjectStore {
 public:
  std::string put(std::string_view bytes) override;
  std::optional<std::string> get(const std::string& name) const override;
  void remove(const std::string& name) override;

 private:
  std::map<std::string, std::string> bytes_;
  unsigned next_ = 0;
};

class FileObjects final : public ObjectStore {
 public:
  static Result<FileObjects> open(const os::PrivateDirectory& state, RandomSource& random);
  std::string put(std::string_view bytes) override;
  std::optional<std::string> get(const std::string& name) const override;
  void remove(const std::string& name) override;

 private:
  FileObjects(os::PrivateDirectory directory, RandomSource& random)
      : directory_(std::move(directory)), random_(&random) {}
  os::PrivateDirectory directory_;
  RandomSource* random_;
};

}  // namespace tollgate::sandbox
