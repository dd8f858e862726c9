#include "json/rebase.h"

#include <cstddef>

#include "base/assert.h"

namespace colloquium::json {

void append_rebased(std::span<const TapeToken> tokens, uint32_t old_index, uint32_t new_index, uint32_t new_offset,
                    std::vector<TapeToken>& out) {
  ASSERT(!tokens.empty() && tokens[0].next - old_index == tokens.size());
  // Differences may be negative: unsigned arithmetic wraps to the right result.
  const uint32_t offset_shift = new_offset - tokens[0].offset;
  const uint32_t index_shift = new_index - old_index;
  const size_t first = out.size();
  out.insert(out.end(), tokens.begin(), tokens.end());
  for (size_t i = first; i < out.size(); ++i) {
    out[i].offset += offset_shift;
    out[i].next += index_shift;
  }
}

}  // namespace colloquium::json
