#include "computo/trace_table.h"

#include <algorithm>
#include <numeric>

#include "base/assert.h"
#include "computo/code.h"

namespace colloquium::computo {

void TraceTable::finish(size_t code_size, const std::deque<Function>& all) {
  ASSERT(starts.empty());
  const auto count = static_cast<uint32_t>(expressions.size());
  std::vector<uint32_t> by_token(count);
  std::iota(by_token.begin(), by_token.end(), 0);
  std::sort(by_token.begin(), by_token.end(),
            [&](uint32_t a, uint32_t b) { return expressions[a].token < expressions[b].token; });
  starts.resize(count);
  first_start.assign(code_size + 1, 0);
  std::vector<TracedExpression> sorted(count);
  for (uint32_t i = 0; i < count; ++i) {
    sorted[i] = expressions[by_token[i]];
    starts[by_token[i]] = i;
    ASSERT(sorted[i].begin < sorted[i].end && sorted[i].end <= code_size);
    ++first_start[sorted[i].begin + 1];
  }
  std::partial_sum(first_start.begin(), first_start.end(), first_start.begin());
  expressions = std::move(sorted);
  for (uint32_t i = 0; i < all.size(); ++i) {
    const auto found = std::lower_bound(expressions.begin(), expressions.end(), all[i].site,
                                        [](const TracedExpression& e, uint32_t token) { return e.token < token; });
    const bool known = i > 0 && found != expressions.end() && found->token == all[i].site;
    functions[all[i].code] = {i, known ? static_cast<uint32_t>(found - expressions.begin()) : kTraceOpen};
  }
}

}  // namespace colloquium::computo
