#include "computo/library/masks.h"

#include "base/assert.h"
#include "computo/library/pattern.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

// How a text is masked: the operands that mask and maskMatches share.
struct Mask {
  int64_t first = 0;
  int64_t last = 0;
  std::string_view with = "*";

  // Operands from `from` on, as far as they are there.
  bool read(Machine& machine, const Value* arguments, uint32_t count, uint32_t from) {
    if (count > from && !count_argument(machine, arguments, from, 0, first)) return false;
    if (count > from + 1 && !count_argument(machine, arguments, from + 1, 0, last)) return false;
    ASSERT(first >= 0 && last >= 0);
    return count <= from + 2 || text_argument(machine, arguments, from + 2, with);
  }
};

// Appends the text, masked.
// A text that would stay readable as a whole is masked as a whole: the ends that may be shown are the ends of
// something longer.
bool append_masked(Machine& machine, std::string_view text, const Mask& mask) {
  Output& output = machine.text_output();
  const uint64_t points = count_points(text);
  const auto kept = static_cast<uint64_t>(mask.first) + static_cast<uint64_t>(mask.last);
  const bool all = kept >= points;
  const uint64_t first = all ? 0 : static_cast<uint64_t>(mask.first);
  const uint64_t hidden = all ? points : points - kept;
  const size_t begin = skip_points(text, first);
  const size_t end = begin + skip_points(text.substr(begin), hidden);
  ASSERT(end <= text.size());
  if (!machine.charge((text.size() + hidden * mask.with.size()) / kPassedPerStep)) return false;
  output.put(text.substr(0, begin));
  for (uint64_t i = 0; i < hidden; ++i) {
    output.put(mask.with);
    // A long replacement could take all memory before it is found too long.
    if (i % 1024 == 1023 && !check_output(machine)) return false;
  }
  output.put(text.substr(end));
  return check_output(machine);
}

}  // namespace

bool mask(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view text;
  Mask how;
  if (!text_argument(machine, arguments, 0, text) || !how.read(machine, arguments, count, 1)) return false;
  out = arguments[0];
  if (text.empty()) return true;
  machine.text_output().start(false);
  return append_masked(machine, text, how) && finish_text(machine, out);
}

bool mask_matches(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  std::string_view text;
  Mask how;
  if (!text_argument(machine, arguments, 0, text) || !how.read(machine, arguments, count, 2)) return false;
  const Pattern* const pattern = pattern_argument(machine, arguments);
  if (pattern == nullptr) return false;
  Output& output = machine.text_output();
  output.start(false);
  std::string_view found[1];
  Search search(machine, *pattern, text, found, 1);
  size_t copied = 0;
  bool any = false;
  while (search.next()) {
    any = true;
    output.put(text.substr(copied, search.start() - copied));
    if (!append_masked(machine, found[0], how)) return false;
    copied = search.end();
  }
  if (machine.failed()) return false;
  out = arguments[0];
  if (!any) return true;
  output.put(text.substr(copied));
  return check_output(machine) && finish_text(machine, out);
}

}  // namespace colloquium::computo::ops
