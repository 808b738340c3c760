// The newest event about each thing, in the order in which they came, so that a reader that was away for a moment gets
// what it missed. Not a log: events are hints to read again, so an older one about the same thing is worth nothing and
// is dropped. Bounded; it knows from when on it has everything, and says so when asked for more.
//
// Ids are "<epoch>.<number>". The epoch is another one in each process: numbers of an earlier one mean nothing here.
// Not synchronised.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::api {

struct FeedEvent {
  std::string about;            // what it replaces an older event of: "run/run-x"
  std::string organization_id;  // who may see it
  std::string name;
  std::string data;
  bool owners_only = false;
};

class EventHistory {
 public:
  EventHistory(std::string epoch, std::size_t most) : epoch_(std::move(epoch)), most_(most) {}

  // Keeps it and returns its text for the stream (text/event-stream), id included.
  std::string add(FeedEvent event);
  // The id of the last event, or that of the beginning.
  std::string last_id() const { return id_of(last_); }

  struct Kept {
    std::string organization_id;
    std::string text;
    bool owners_only = false;
  };
  // What came after the event with this id, oldest first; nullopt where that is not known any more, or never was.
  std::optional<std::vector<Kept>> after(std::string_view id) const;
  std::size_t size() const { return kept_.size(); }

 private:
  std::string id_of(std::uint64_t number) const;

  std::string epoch_;
  std::size_t most_;
  std::uint64_t last_ = 0;
  std::uint64_t forgotten_ = 0;  // the highest number that was dropped without a newer event about the same thing
  struct Entry {
    std::string about;
    Kept kept;
  };
  std::map<std::uint64_t, Entry> kept_;
  std::map<std::string, std::uint64_t, std::less<>> newest_;  // by what it is about
};

}  // namespace tollgate::api
