#include "server/api/router.h"

#include <set>
#include <stdexcept>

#include "common/base/encoding.h"

namespace tollgate::api {

namespace {

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 1 && segment.front() == ':';
}

// How many literal segments it has, or nullopt where it does not fit.
std::optional<int> fit(const std::vector<std::string_view>& pattern, const std::vector<std::string_view>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  int literal = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (is_parameter(pattern[i])) {
      if (path[i].empty()) return std::nullopt;
    } else if (pattern[i] == path[i]) {
      ++literal;
    } else {
      return std::nullopt;
    }
  }
  return literal;
}

}  // namespace

Router::Router(Routes routes) : routes_(std::move(routes)) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const Route& route : routes_) {
    if (route.pattern.empty() || route.pattern.front() != '/' || route.handler == nullptr || route.summary.empty()) {
      throw std::logic_error(fmt::format("route {} {} is not complete", route.method, route.pattern));
    }
    if (!seen.emplace(route.method, route.pattern).second) {
      throw std::logic_error(fmt::format("route {} {} stands in the table twice", route.method, route.pattern));
    }
    segments_.push_back(split_path(route.pattern));
  }
}

Match Router::match(std::string_view method, std::string_view path) const {
  if (method == "HEAD") method = "GET";
  const std::vector<std::string_view> wanted = split_path(path);
  Match match;
  int best = -1;
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const auto literal = fit(segments_[i], wanted);
    if (!literal) continue;
    if (routes_[i].method != method) {
      if (match.allow.find(routes_[i].method) == std::string::npos) {
        match.allow += (match.allow.empty() ? "" : ", ") + std::string(routes_[i].method);
      }
    } else if (*literal > best) {
      best = *literal;
      match.route = &routes_[i];
      chosen = i;
    }
  }
  if (match.route == nullptr) return match;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!is_parameter(segments_[chosen][i])) continue;
    auto value = percent_decode(wanted[i]);
    if (!value) {
      match.route = nullptr;
      match.allow.clear();
      return match;
    }
    match.parameters.emplace_back(segments_[chosen][i].substr(1), std::move(*value));
  }
  return match;
}

}  // namespace tollgate::api
