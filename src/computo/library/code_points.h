// Code points by Unicode's tables: classes, and letter case in full, where one may become several.
//
// Source: Unicode 14 as utf8proc has it. utf8proc maps case one to one; what SpecialCasing.txt adds without a
// condition follows from the full folding (see upper_case), the rest of it depends on a language and is not done.
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace colloquium::computo::ops {

// The most code points that one becomes.
inline constexpr uint32_t kMostFolded = 3;

// What a code point becomes.
struct Folded {
  int32_t points[kMostFolded];
  uint32_t count;
};

bool is_letter(int32_t point);
bool is_capital(int32_t point);
bool is_small(int32_t point);
bool is_mark(int32_t point);
bool is_number(int32_t point);
// White_Space of PropList.txt.
bool is_space(int32_t point);

Folded upper_point(int32_t point);
Folded lower_point(int32_t point);
Folded fold_point(int32_t point);
Folded title_point(int32_t point);

// Writes it in UTF-8; returns the end. REQUIRES: room for 4 bytes.
char* write_point(int32_t point, char* out);
inline char* write_points(const Folded& folded, char* out) {
  for (uint32_t i = 0; i < folded.count; ++i) out = write_point(folded.points[i], out);
  return out;
}

}  // namespace colloquium::computo::ops
