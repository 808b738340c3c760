// Finds the places in Terraform code that keep the AWS provider, the S3 backend or a remote state from the profiles
// that tollgate hands over: files named in HCL, keys written into it, profiles that no file knows. Not a parser of HCL:
// it knows blocks, attributes, strings, comments and heredocs (which it looks into, for terragrunt's `generate`), and
// evaluates nothing. Pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::deliver {

struct HclRemark {
  enum class Kind : std::uint8_t {
    named_files,  // shared_config_files and the like: they win over AWS_CONFIG_FILE, so the overlay is passed by
    static_keys,  // access_key, secret_key, token
    profile,      // profile = "literal": whether it exists is for the caller to say
  };
  Kind kind = Kind::named_files;
  int line = 0;
  std::string attribute;
  std::string block;  // provider "aws", backend "s3", data "terraform_remote_state"
  std::string value;  // of profile alone
};

// In order of lines. Never fails: what it does not understand it passes over.
std::vector<HclRemark> scan_hcl(std::string_view text);

struct HclFileRemark {
  std::string path;
  HclRemark remark;
};
// *.tf, *.tofu and *.hcl (but the lock file) directly in `directory`, by name; files above 4 MiB and folders that
// cannot be read are passed over.
std::vector<HclFileRemark> scan_hcl_directory(const std::string& directory);

// Whether such code in `directory` or below it has a remark that `wanted` says yes to. The nearest folders come first;
// hidden ones and symbolic links are passed over, and what lies deeper than 8 folders or behind the first 1000: it is
// asked before a program starts, and may be asked in somebody's home.
bool any_hcl_remark(const std::string& directory, const std::function<bool(const HclRemark&)>& wanted);

}  // namespace tollgate::deliver
