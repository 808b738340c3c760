#include "common/base/error.h"

#include <sysexits.h>

namespace tollgate {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::invalid:
      return "invalid";
    case Code::usage:
      return "usage";
    case Code::config:
      return "config";
    case Code::not_found:
      return "not_found";
    case Code::conflict:
      return "conflict";
    case Code::unauthorized:
      return "unauthorized";
    case Code::forbidden:
      return "forbidden";
    case Code::needs_person:
      return "needs_person";
    case Code::locked:
      return "locked";
    case Code::throttled:
      return "throttled";
    case Code::unavailable:
      return "unavailable";
    case Code::unknown:
      return "unknown";
    case Code::cancelled:
      return "cancelled";
    case Code::io:
      return "io";
    case Code::internal:
      return "internal";
  }
  return "internal";
}

int exit_status(Code code) {
  switch (code) {
    case Code::invalid:
      return EX_DATAERR;
    case Code::usage:
      return EX_USAGE;
    case Code::config:
    case Code::not_found:
      return EX_CONFIG;
    case Code::unauthorized:
    case Code::forbidden:
    case Code::needs_person:
      return EX_NOPERM;
    case Code::conflict:
    case Code::locked:
    case Code::throttled:
      return EX_TEMPFAIL;
    case Code::unavailable:
    case Code::unknown:
      return EX_UNAVAILABLE;
    case Code::cancelled:
      return 130;
    case Code::io:
      return EX_IOERR;
    case Code::internal:
      return EX_SOFTWARE;
  }
  return EX_SOFTWARE;
}

}  // namespace tollgate
