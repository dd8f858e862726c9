#include "engine/committed_cursors.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace colloquium::engine {

void CommittedCursors::set(size_t leg, const std::string& part, int64_t position, std::string cursor) {
  ASSERT(leg < legs_);
  std::vector<Place>& places = parts_[part];
  places.resize(legs_);
  places[leg] = {position, std::move(cursor)};
}

std::string CommittedCursors::cursor(std::string_view part) const {
  const auto found = parts_.find(part);
  if (found == parts_.end()) return {};
  const auto is_behind = [](const Place& a, const Place& b) { return a.position < b.position; };
  const auto lowest = std::min_element(found->second.begin(), found->second.end(), is_behind);
  return lowest->position < 0 ? std::string() : lowest->cursor;
}

int64_t CommittedCursors::highest(std::string_view part) const {
  int64_t highest = 0;
  const auto found = parts_.find(part);
  if (found == parts_.end()) return highest;
  for (const Place& place : found->second) highest = std::max(highest, place.position);
  return highest;
}

std::map<std::string, int64_t> CommittedCursors::positions(size_t leg) const {
  std::map<std::string, int64_t> out;
  for (const auto& [part, places] : parts_) {
    if (places[leg].position > 0) out.emplace(part, places[leg].position);
  }
  return out;
}

}  // namespace colloquium::engine
