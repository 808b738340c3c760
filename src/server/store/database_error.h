// The database refused or is broken. What depends on input is turned into a Result by the tables; the rest ends the
// request. The text never holds a statement's values. Plain value.
#pragma once

#include <stdexcept>
#include <string>

namespace tollgate::store {

class DatabaseError : public std::runtime_error {
 public:
  enum class Kind {
    unique,       // a value that must be unique is taken
    foreign_key,  // a row that is referred to does not exist, or is still referred to
    tampered,     // something sealed does not open, or a stored value is none that was ever written
    other,        // disk full, connection lost, a broken file, a bug
  };
  DatabaseError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

}  // namespace tollgate::store
