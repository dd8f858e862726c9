#include "computo/suggest.h"

#include <algorithm>
#include <vector>

#include "base/assert.h"

namespace colloquium::computo {

size_t edit_distance(std::string_view a, std::string_view b, size_t bound) {
  ASSERT(bound > 0);
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() >= bound) return bound;
  std::vector<size_t> row(a.size() + 1);
  for (size_t i = 0; i <= a.size(); ++i) row[i] = i;
  for (size_t j = 1; j <= b.size(); ++j) {
    size_t diagonal = row[0];
    row[0] = j;
    size_t least = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[i];
      row[i] = std::min({replaced, row[i] + 1, row[i - 1] + 1});
      least = std::min(least, row[i]);
    }
    if (least >= bound) return bound;
  }
  return std::min(row[a.size()], bound);
}

namespace {
bool same_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}
}  // namespace

void Suggestion::offer(std::string_view candidate) {
  ASSERT(distance_ <= 3);
  const size_t distance = edit_distance(wanted_, candidate, 3);
  if (distance >= 3) return;
  // Replacing every byte is no correction ("foo" for "not"), unless only the case is off.
  if (distance >= wanted_.size() && !same_but_for_case(wanted_, candidate)) return;
  if (distance > distance_ || (distance == distance_ && candidate >= best_)) return;
  best_ = candidate;
  distance_ = distance;
}

}  // namespace colloquium::computo
