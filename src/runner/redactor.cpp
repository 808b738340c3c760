#include "runner/redactor.h"

#include <algorithm>

namespace tollgate::runner {
namespace {

constexpr std::uint32_t kDense = 4096;

}  // namespace

Redactor::Redactor(const std::vector<std::string>& patterns) {
  nodes_.emplace_back();
  std::size_t bytes = 0;
  for (const std::string& pattern : patterns) {
    if (pattern.empty()) continue;
    bytes += pattern.size();
    if (bytes > kMaxPatternBytes) {
      complete_ = false;
      break;
    }
    insert(pattern);
  }
  link_failures();
}

void Redactor::learn(const std::vector<std::string>& patterns) {
  Redactor next(patterns);
  // What was shown already began no pattern of before, and nobody could know a new one then.
  for (const char c : held_)
    next.state_ = next.step(next.state_, static_cast<unsigned char>(c));
  next.held_ = std::move(held_);
  next.position_ = position_;
  next.shown_ = shown_;
  next.blanked_ = std::move(blanked_);
  next.blanked_until_ = blanked_until_;
  *this = std::move(next);
}

void Redactor::insert(std::string_view pattern) {
  State state = 0;
  for (const char c : pattern) {
    const auto byte = static_cast<unsigned char>(c);
    State next = child(state, byte);
    if (next == 0) {
      next = static_cast<State>(nodes_.size());
      Node node;
      node.byte = byte;
      node.depth = nodes_[state].depth + 1;
      node.next_sibling = nodes_[state].first_child;
      nodes_.push_back(node);
      nodes_[state].first_child = next;
    }
    state = next;
  }
  nodes_[state].match = static_cast<std::uint32_t>(pattern.size());
}

Redactor::State Redactor::child(State state, unsigned char byte) const {
  for (State at = nodes_[state].first_child; at != 0; at = nodes_[at].next_sibling) {
    if (nodes_[at].byte == byte) return at;
  }
  return 0;
}

Redactor::State Redactor::step(State state, unsigned char byte) const {
  for (;;) {
    if (state < dense_count_) return dense_[state * 256 + byte];
    const State next = child(state, byte);
    if (next != 0) return next;
    state = nodes_[state].fail;
  }
}

// Breadth first, and renumbered so: shallow states, where the automaton spends its time, get the dense rows.
void Redactor::link_failures() {
  std::vector<State> order{0};
  std::vector<State> number(nodes_.size(), 0);
  order.reserve(nodes_.size());
  for (std::size_t at = 0; at < order.size(); ++at) {
    number[order[at]] = static_cast<State>(at);
    for (State next = nodes_[order[at]].first_child; next != 0; next = nodes_[next].next_sibling)
      order.push_back(next);
  }
  std::vector<Node> sorted(nodes_.size());
  for (std::size_t at = 0; at < order.size(); ++at) {
    sorted[at] = nodes_[order[at]];
    sorted[at].first_child = number[sorted[at].first_child];
    sorted[at].next_sibling = number[sorted[at].next_sibling];
  }
  nodes_ = std::move(sorted);

  const State wanted = std::min<State>(kDense, static_cast<State>(nodes_.size()));
  dense_.assign(std::size_t{wanted} * 256, 0);
  for (State state = 0; state < nodes_.size(); ++state) {
    // All shallower states are finished: their rows are valid.
    for (State next = nodes_[state].first_child; next != 0; next = nodes_[next].next_sibling) {
      Node& node = nodes_[next];
      node.fail = state == 0 ? 0 : step(nodes_[state].fail, node.byte);
      node.match = std::max(node.match, nodes_[node.fail].match);
    }
    if (state >= wanted) continue;
    const std::size_t row = std::size_t{state} * 256;
    if (state != 0) {
      const std::size_t from = std::size_t{nodes_[state].fail} * 256;
      std::copy_n(dense_.begin() + static_cast<std::ptrdiff_t>(from), 256,
                  dense_.begin() + static_cast<std::ptrdiff_t>(row));
    }
    for (State next = nodes_[state].first_child; next != 0; next = nodes_[next].next_sibling)
      dense_[row + nodes_[next].byte] = next;
    dense_count_ = state + 1;
  }
}

void Redactor::feed(std::string_view bytes, std::string& out) {
  const std::uint64_t begin = position_;
  State state = state_;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    state = state < dense_count_ ? dense_[std::size_t{state} * 256 + byte] : step(state, byte);
    const std::uint32_t length = nodes_[state].match;
    if (length == 0) continue;
    const std::uint64_t end = begin + at + 1;
    std::uint64_t from = end - length;
    while (!blanked_.empty() && blanked_.back().second >= from) {
      from = std::min(from, blanked_.back().first);
      blanked_.pop_back();
    }
    blanked_.emplace_back(from, end);
  }
  state_ = state;
  position_ = begin + bytes.size();
  release(bytes, position_ - nodes_[state].depth, out);
}

// Shows everything before `end`; `bytes` are the last ones fed, what was held stands before them.
void Redactor::release(std::string_view bytes, std::uint64_t end, std::string& out) {
  const std::uint64_t bytes_begin = position_ - bytes.size();
  const auto show = [&](std::uint64_t from, std::uint64_t to) {
    if (from < bytes_begin) {
      const std::uint64_t until = std::min(to, bytes_begin);
      out.append(held_, held_.size() - (bytes_begin - from), until - from);
      from = until;
    }
    if (from < to) out.append(bytes.substr(from - bytes_begin, to - from));
  };
  std::size_t used = 0;
  while (shown_ < end) {
    if (used == blanked_.size() || blanked_[used].first >= end) {
      show(shown_, end);
      shown_ = end;
      break;
    }
    auto& [from, until] = blanked_[used];
    if (shown_ < from) show(shown_, from);
    if (from > blanked_until_ || blanked_until_ == 0) out.append(kRedacted);
    blanked_until_ = std::min(until, end);
    shown_ = std::max(shown_, blanked_until_);
    if (until > end) {
      from = end;  // the rest of it is not to be shown either, and its place holder is out
      break;
    }
    ++used;
  }
  blanked_.erase(blanked_.begin(), blanked_.begin() + static_cast<std::ptrdiff_t>(used));
  // Keep what is not shown.
  if (shown_ >= bytes_begin) {
    held_.assign(bytes.substr(shown_ - bytes_begin));
  } else {
    held_.erase(0, held_.size() - (bytes_begin - shown_));
    held_.append(bytes);
  }
}

void Redactor::finish(std::string& out) {
  release({}, position_, out);
  held_.clear();
  blanked_.clear();
  state_ = 0;
  position_ = 0;
  shown_ = 0;
  blanked_until_ = 0;
}

}  // namespace tollgate::runner
