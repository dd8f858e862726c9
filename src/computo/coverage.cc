#include "computo/coverage.h"

#include <utility>

#include "base/assert.h"

namespace colloquium::computo {

Coverage::Coverage(ProgramPtr program) : sites_(std::move(program)), seen_(sites_.size(), false) {
  ASSERT_WHY(!seen_.empty(), "a script is an expression");
}

bool Coverage::enter(uint32_t site, const Moment& /*moment*/) {
  ASSERT(site < seen_.size());
  if (!seen_[site]) ++evaluated_;
  seen_[site] = true;
  return true;
}

double Coverage::percent() const {
  return 100.0 * static_cast<double>(evaluated_) / static_cast<double>(seen_.size());
}

std::vector<Coverage::Gap> Coverage::gaps() const {
  std::vector<Gap> gaps;
  uint32_t outermost = kNoSite;
  // Expressions come in the order of the text, so those in a gap come right behind it.
  for (uint32_t i = 0; i < seen_.size(); ++i) {
    if (seen_[i]) continue;
    uint32_t around = i;
    while (around != kNoSite && around != outermost) around = sites_[around].parent;
    if (around != kNoSite && outermost != kNoSite) {
      ++gaps.back().inside;
      continue;
    }
    outermost = i;
    gaps.push_back({i, 0});
  }
  ASSERT(gaps.size() <= total() - evaluated());
  return gaps;
}

}  // namespace colloquium::computo
