// The rows of one kind, by key, with the keys that changed since somebody last asked: the world stays plain memory and
// the journal learns what to write. Not a database: no transactions, no indices. Not synchronised.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

namespace tollgate::sandbox {

// T has `std::string key() const`.
template <class T>
class Table {
 public:
  const T* find(const std::string& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second;
  }
  bool has(const std::string& key) const { return rows_.count(key) != 0; }
  const std::map<std::string, T>& all() const { return rows_; }

  // Adds or replaces.
  void put(T row) {
    std::string key = row.key();
    changed_.insert(key);
    rows_.insert_or_assign(std::move(key), std::move(row));
  }
  // False if there was no such row.
  bool erase(const std::string& key) {
    if (rows_.erase(key) == 0) return false;
    changed_.insert(key);
    return true;
  }

  // The same without being noted as a change: for what comes from world.toml and from the journal itself.
  void load(T row) {
    std::string key = row.key();
    rows_.insert_or_assign(std::move(key), std::move(row));
  }
  void forget(const std::string& key) { rows_.erase(key); }

  // Keys put or erased since the last call.
  std::set<std::string> take_changed() { return std::exchange(changed_, {}); }

 private:
  std::map<std::string, T> rows_;
  std::set<std::string> changed_;
};

}  // namespace tollgate::sandbox
