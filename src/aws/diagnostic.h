// One remark on a configuration file: something that is legal and yet will surprise, or that another client reads
// otherwise. Not an Error: reading goes on. A plain value; not synchronised.
#pragma once

#include <string>

namespace tollgate::aws {

enum class Severity {
  note,     // another client differs; nothing goes wrong in Terraform
  warning,  // works now, and will surprise later
  error,    // the named profile cannot work
};

struct Diagnostic {
  Severity severity = Severity::note;
  std::string place;    // file:line; may be empty
  std::string message;  // never holds a secret or a line that could not be understood
  std::string next;     // what to do; may be empty
  std::string topic;    // stable machine-readable word, for example inline_comment
  std::string subject;  // the key, profile or variable it is about; may be empty

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

}  // namespace tollgate::aws
