#include "computo/library/code_points.h"

#include <utf8proc.h>

#include "base/assert.h"

namespace colloquium::computo::ops {

namespace {
constexpr int32_t kCapitalDottedI = 0x130;
constexpr int32_t kDotAbove = 0x307;
constexpr int32_t kCapitalSharpS = 0x1E9E;  // which utf8proc gives for ß, and Unicode does not
}  // namespace

bool is_letter(int32_t point) {
  const auto category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_capital(int32_t point) {
  const auto category = utf8proc_category(point);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT;
}

bool is_small(int32_t point) {
  return utf8proc_category(point) == UTF8PROC_CATEGORY_LL;
}

bool is_mark(int32_t point) {
  const auto category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

bool is_number(int32_t point) {
  const auto category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool is_space(int32_t point) {
  if (point < 0x80) return point == ' ' || (point >= '\t' && point <= '\r');
  const auto category = utf8proc_category(point);
  return point == 0x85 || (category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP);
}

Folded fold_point(int32_t point) {
  if (point < 0x80) return {{point >= 'A' && point <= 'Z' ? point + 32 : point}, 1};
  Folded folded{};
  int last = UTF8PROC_BOUNDCLASS_START;
  const auto count = utf8proc_decompose_char(point, folded.points, kMostFolded, UTF8PROC_CASEFOLD, &last);
  ASSERT_WHY(count >= 0 && count <= static_cast<utf8proc_ssize_t>(kMostFolded), "CaseFolding.txt: at most three");
  folded.count = static_cast<uint32_t>(count);
  return folded;
}

// A small letter without a capital of its own, such as ß, is several capitals: those of what it folds to.
Folded upper_point(int32_t point) {
  if (point < 0x80) return {{point >= 'a' && point <= 'z' ? point - 32 : point}, 1};
  if (utf8proc_category(point) != UTF8PROC_CATEGORY_LU) {
    Folded folded = fold_point(point);
    if (folded.count > 1) {
      for (uint32_t i = 0; i < folded.count; ++i) folded.points[i] = utf8proc_toupper(folded.points[i]);
      return folded;
    }
  }
  ASSERT(point <= 0x10FFFF);
  return {{utf8proc_toupper(point)}, 1};
}

Folded lower_point(int32_t point) {
  if (point < 0x80) return {{point >= 'A' && point <= 'Z' ? point + 32 : point}, 1};
  if (point == kCapitalDottedI) return {{'i', kDotAbove}, 2};
  ASSERT(point <= 0x10FFFF);
  return {{utf8proc_tolower(point)}, 1};
}

// What has no title case of its own is the first of its capitals and the rest small: ß is Ss.
Folded title_point(int32_t point) {
  const int32_t title = utf8proc_totitle(point);
  Folded upper = upper_point(point);
  ASSERT(upper.count > 0);
  if (upper.count == 1 || (title != point && title != kCapitalSharpS)) return {{title}, 1};
  for (uint32_t i = 1; i < upper.count; ++i) upper.points[i] = utf8proc_tolower(upper.points[i]);
  return upper;
}

char* write_point(int32_t point, char* out) {
  ASSERT(point >= 0 && point <= 0x10FFFF);
  return out + utf8proc_encode_char(point, reinterpret_cast<utf8proc_uint8_t*>(out));
}

}  // namespace colloquium::computo::ops
