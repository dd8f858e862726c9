// closest_name: "did you mean …?" for keys, flags, verbs and operators.
//
// Thread safety: a pure function.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace colloquium {

// Insertions, deletions and replacements of bytes that make `b` of `a`; any number above `limit` is given
// as limit + 1.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);

// The candidate nearest to `name`, at most 2 edits away and by fewer edits than `name` has bytes; of equally
// near ones the first in byte order. Empty if there is none.
std::string closest_name(std::string_view name, std::span<const std::string_view> candidates);
std::string closest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace colloquium
