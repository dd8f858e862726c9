#include "base/names.h"

#include <algorithm>
#include <vector>

namespace colloquium {
namespace {

constexpr size_t kMaxEdits = 2;

template <class Text>
std::string closest(std::string_view name, std::span<const Text> candidates) {
  if (name.empty()) return {};
  // One more than is allowed, so that what is too far away never becomes the best.
  size_t best_distance = std::min(kMaxEdits, name.size() - 1) + 1;
  std::string_view best;
  for (std::string_view candidate : candidates) {
    const size_t distance = edit_distance(name, candidate, kMaxEdits);
    if (distance < best_distance || (distance == best_distance && !best.empty() && candidate < best)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return std::string(best);
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  const size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  // Each edit changes the length by one at most.
  if (difference > limit) return limit + 1;
  // One row of the table: row[j] is the distance between the prefix of `a` seen so far and b's first j bytes.
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return std::min(row[b.size()], limit + 1);
}

std::string closest_name(std::string_view name, std::span<const std::string_view> candidates) {
  return closest(name, candidates);
}

std::string closest_name(std::string_view name, std::span<const std::string> candidates) {
  return closest(name, candidates);
}

}  // namespace colloquium
