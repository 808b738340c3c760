// tollgate-secret-service OPERATION ITEM: one secret in the Secret Service (GNOME Keyring, KWallet, KeePassXC) of the
// user's session. `store` reads it from standard input, `lookup` prints it, `clear` removes it. ITEM is a name and no
// secret. A collection that is locked is unlocked by the service, which asks in its own window.
// Exit status: 0; 1 where there is no such secret; 64 wrong usage; 69 without a Secret Service, with a line on stderr.

#include <libsecret/secret.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/os/process_hardening.h"

namespace tollgate::secret_service {
namespace {

constexpr int kNotFound = 1;
constexpr std::size_t kMaxSecretBytes = 64 << 10;

const SecretSchema kSchema = {"io.tollgate.VaultKey",
                              SECRET_SCHEMA_NONE,
                              {{"item", SECRET_SCHEMA_ATTRIBUTE_STRING}, {nullptr, SECRET_SCHEMA_ATTRIBUTE_STRING}},
                              0,
                              nullptr,
                              nullptr,
                              nullptr,
                              nullptr,
                              nullptr,
                              nullptr,
                              nullptr};

struct FreeError {
  void operator()(GError* error) const { g_error_free(error); }
};
using ErrorPointer = std::unique_ptr<GError, FreeError>;

int unavailable(GError* error) {
  const ErrorPointer owned(error);
  std::fprintf(stderr, "%s\n", error->message);
  return exit_status(Code::unavailable);
}

int store(const char* item) {
  std::string text;
  text.reserve(kMaxSecretBytes);
  char block[4096];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    if (text.size() + static_cast<std::size_t>(got) > kMaxSecretBytes) break;
    text.append(block, static_cast<std::size_t>(got));
  }
  explicit_bzero(block, sizeof block);
  if (text.empty()) return exit_status(Code::usage);
  GError* error = nullptr;
  secret_password_store_sync(&kSchema, SECRET_COLLECTION_DEFAULT, "tollgate: key of the stored AWS keys", text.c_str(),
                             nullptr, &error, "item", item, nullptr);
  wipe(text);
  return error == nullptr ? 0 : unavailable(error);
}

int lookup(const char* item) {
  GError* error = nullptr;
  gchar* const secret = secret_password_lookup_nonpageable_sync(&kSchema, nullptr, &error, "item", item, nullptr);
  if (error != nullptr) return unavailable(error);
  if (secret == nullptr) return kNotFound;
  std::string_view rest(secret);
  while (!rest.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  secret_password_free(secret);
  return rest.empty() ? 0 : exit_status(Code::io);
}

int clear(const char* item) {
  GError* error = nullptr;
  secret_password_clear_sync(&kSchema, nullptr, &error, "item", item, nullptr);
  return error == nullptr ? 0 : unavailable(error);
}

int run(std::string_view operation, const char* item) {
  if (operation == "store") return store(item);
  if (operation == "lookup") return lookup(item);
  if (operation == "clear") return clear(item);
  std::fputs("usage: tollgate-secret-service store|lookup|clear ITEM\n", stderr);
  return exit_status(Code::usage);
}

}  // namespace
}  // namespace tollgate::secret_service

int main(int argc, char** argv) {
  tollgate::os::harden_process();
  return tollgate::secret_service::run(argc == 3 ? argv[1] : "", argc == 3 ? argv[2] : "");
}
