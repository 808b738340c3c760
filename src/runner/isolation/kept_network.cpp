#include "runner/isolation/kept_network.h"

#include <fcntl.h>

#include <string>

namespace tollgate::isolation {
namespace {

UniqueFd namespace_of(pid_t pid, const char* kind) {
  return UniqueFd(open(fmt::format("/proc/{}/ns/{}", pid, kind).c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

std::optional<os::ChildProcess> KeptNetwork::keep(pid_t pid, std::optional<os::ChildProcess> slirp) {
  user_ = namespace_of(pid, "user");
  network_ = namespace_of(pid, "net");
  if (!user_ || !network_) {
    user_.reset();
    network_.reset();
    return slirp;
  }
  slirp_ = std::move(slirp);
  return std::nullopt;
}

bool KeptNetwork::is_there() {
  if (slirp_ && slirp_->try_wait()) {
    slirp_.reset();
    user_.reset();
    network_.reset();
  }
  return static_cast<bool>(network_);
}

}  // namespace tollgate::isolation
