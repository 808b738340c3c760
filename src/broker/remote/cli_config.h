// Terraform's CLI configuration (~/.terraformrc and its like) as a JSON value: the blocks and attributes of its HCL,
// which has neither expressions nor templates. `credentials "host" { token = "x" }` becomes
// {"credentials": {"host": {"token": "x"}}}, the form that the same file has when it is written as JSON. Not a parser
// of configurations (*.tf). Pure function.
#pragma once

#include <string_view>

#include "common/base/error.h"
#include "common/json/value.h"

namespace tollgate::remote {

// Blocks of one name are merged, of one name and label the later one wins, as in Terraform. Errors: Code::config with
// the line; nothing of the text is quoted, for it holds tokens.
Result<json::Value> parse_cli_config(std::string_view text);

}  // namespace tollgate::remote
