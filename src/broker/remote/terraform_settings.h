// What Terraform's own settings say about servers: the token that `terraform login` left for a host, and where a host
// has its API if not where it says itself. Reads ~/.terraformrc (or TF_CLI_CONFIG_FILE), *.tfrc and *.tfrc.json in
// ~/.terraform.d, and TF_TOKEN_<host>; runs no credentials helper. Plain values; not synchronised.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/os/environment.h"

namespace tollgate::remote {

struct Token {
  Secret value;
  std::string origin;  // "/home/ana/.terraformrc", "TF_TOKEN_tollgate_example_com"
};

class TerraformSettings {
 public:
  // Files that are not there are fine. Errors: Code::config for one that cannot be understood, with its place.
  static Result<TerraformSettings> read(const os::Environment& environment);

  // By Terraform's precedence: the variable, then files. nullptr where there is none.
  const Token* token(std::string_view host) const;
  // "tfe.v2" of the host's `host` block; empty: the host is to be asked.
  std::string api_of(std::string_view host) const;
  // All hosts with a token, in alphabetical order.
  std::vector<std::string> hosts() const;

 private:
  Result<void> add_file(const std::string& path, bool optional);
  Result<void> add_folder(const std::string& folder);
  void add_variables(const os::Environment& environment);

  std::map<std::string, Token, std::less<>> tokens_;
  std::map<std::string, std::string, std::less<>> apis_;
};

// As Terraform compares host names: lower case, without the port of https.
std::string normal_host(std::string_view host);
// The host that TF_TOKEN_<encoded> is for: two underscores are a hyphen, one is a dot.
std::string host_of_variable(std::string_view encoded);
// The variable for a host, as a shell can export it; for advice.
std::string variable_for_host(std::string_view host);

}  // namespace tollgate::remote
