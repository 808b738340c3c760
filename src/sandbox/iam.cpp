#include "sandbox/call.h"

namespace tollgate::sandbox {

std::span<const Operation> iam_operations() {
  return {};
}

}  // namespace tollgate::sandbox
