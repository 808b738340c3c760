#include "common/os/keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tollgate::os {
namespace {

constexpr std::size_t kMaxPayload = 32767;  // of a "user" key

long keyctl(int operation, unsigned long a = 0, unsigned long b = 0, unsigned long c = 0, unsigned long d = 0) {
  return syscall(SYS_keyctl, operation, a, b, c, d);
}

unsigned long ring_argument(int ring) {
  return static_cast<unsigned long>(static_cast<long>(ring));
}
unsigned long pointer_argument(const void* pointer) {
  return reinterpret_cast<unsigned long>(pointer);
}

Error unavailable(std::string_view what, int number) {
  return Error(Code::unavailable,
               fmt::format("the kernel's keyring cannot be used ({}: {})", what, std::strerror(number)))
      .because("keyring_unavailable");
}

bool means_missing(int number) {
  return number == ENOKEY || number == EKEYEXPIRED || number == EKEYREVOKED;
}

Result<long> find(int ring, const std::string& description) {
  const long id =
      keyctl(KEYCTL_SEARCH, ring_argument(ring), pointer_argument("user"), pointer_argument(description.c_str()), 0);
  if (id >= 0) return id;
  if (means_missing(errno)) return fail(Code::not_found, fmt::format("there is no key {}", description));
  return fail(unavailable("search", errno));
}

}  // namespace

Result<Keyring> Keyring::open() {
  const auto process_ring = ring_argument(KEY_SPEC_PROCESS_KEYRING);
  // Both calls link the ring to this process, whose keys are thereby possessed and readable whatever session keyring a
  // login or a terminal has set up.
  const long persistent = keyctl(KEYCTL_GET_PERSISTENT, static_cast<unsigned long>(-1L), process_ring);
  if (persistent >= 0) return Keyring(static_cast<int>(persistent));
  for (const int ring : {KEY_SPEC_USER_KEYRING, KEY_SPEC_USER_SESSION_KEYRING}) {
    if (keyctl(KEYCTL_LINK, ring_argument(ring), process_ring) == 0) return Keyring(ring);
  }
  return fail(unavailable("link", errno));
}

Result<Secret> Keyring::read(const std::string& description) const {
  TG_TRY(const long id, find(ring_, description));
  std::string buffer(256, '\0');
  for (;;) {
    const long size =
        keyctl(KEYCTL_READ, static_cast<unsigned long>(id), pointer_argument(buffer.data()), buffer.size());
    if (size < 0) {
      const int number = errno;
      wipe(buffer);
      if (means_missing(number)) return fail(Code::not_found, fmt::format("there is no key {}", description));
      return fail(unavailable("read", number));
    }
    if (static_cast<std::size_t>(size) <= buffer.size()) {
      Secret value(std::string_view(buffer).substr(0, static_cast<std::size_t>(size)));
      wipe(buffer);
      return value;
    }
    buffer.assign(static_cast<std::size_t>(size), '\0');  // nothing is written to a buffer that is too small
  }
}

Result<void> Keyring::store(const std::string& description, const Secret& value, std::chrono::seconds lifetime) const {
  if (value.empty() || value.size() > kMaxPayload) {
    return fail(Code::invalid, fmt::format("a key of {} bytes does not fit into the keyring", value.size()));
  }
  const long id = syscall(SYS_add_key, "user", description.c_str(), value.reveal().data(), value.size(), ring_);
  if (id < 0) return fail(unavailable("add_key", errno));
  if (keyctl(KEYCTL_SET_TIMEOUT, static_cast<unsigned long>(id), static_cast<unsigned long>(lifetime.count())) != 0) {
    return fail(unavailable("set_timeout", errno));
  }
  return {};
}

Result<void> Keyring::remove(const std::string& description) const {
  const auto id = find(ring_, description);
  if (!id) return id.error().code == Code::not_found ? Result<void>() : fail(id.error());
  if (keyctl(KEYCTL_UNLINK, static_cast<unsigned long>(*id), ring_argument(ring_)) != 0 && !means_missing(errno)) {
    return fail(unavailable("unlink", errno));
  }
  return {};
}

}  // namespace tollgate::os
