#include "computo/suggest.h"

#include <algorithm>

#include "base/assert.h"
#include "base/names.h"

namespace colloquium::computo {

namespace {
bool same_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}
}  // namespace

void Suggestion::offer(std::string_view candidate) {
  ASSERT(distance_ <= kMostDistance + 1);
  const size_t distance = edit_distance(wanted_, candidate, kMostDistance);
  if (distance > kMostDistance) return;
  // Replacing every byte is no correction ("foo" for "not"), unless only the case is off.
  if (distance >= wanted_.size() && !same_but_for_case(wanted_, candidate)) return;
  if (distance > distance_ || (distance == distance_ && candidate >= best_)) return;
  best_ = candidate;
  distance_ = distance;
}

}  // namespace colloquium::computo
