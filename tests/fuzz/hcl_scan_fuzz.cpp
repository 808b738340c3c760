// Any bytes as Terraform code: scanning must neither crash nor hang, and what it reports must lie in the text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "broker/deliver/hcl_scan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  int lines = 1;
  for (const char c : text)
    lines += c == '\n' ? 1 : 0;
  for (const auto& remark : tollgate::deliver::scan_hcl(text)) {
    const bool holds = remark.line >= 1 && remark.line <= lines && !remark.attribute.empty() && !remark.block.empty() &&
                       text.find(remark.attribute) != text.npos && text.find(remark.value) != text.npos;
    if (!holds) std::abort();
  }
  return 0;
}
