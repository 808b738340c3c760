// How a text is written inside the quotation marks of JSON and of HCL. Pure functions; what they return may be secret
// and is the caller's to wipe.
#pragma once

#include <string>
#include <string_view>

namespace tollgate::runner {

// As Go's encoding/json writes it; `html`: <, > and & escaped too, as it does unless told otherwise.
std::string json_escaped(std::string_view text, bool html);
// The same, and no template begins in it.
// https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
std::string hcl_escaped(std::string_view text);

}  // namespace tollgate::runner
