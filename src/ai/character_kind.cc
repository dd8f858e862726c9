#include "ai/character_kind.h"

#include <algorithm>
#include <iterator>
#include <memory>

namespace colloquium::ai {
namespace {

struct Change {
  uint32_t first;
  CharacterKinds kind;
};

constexpr Change kChanges[] = {
#include <ai/data/character_kinds.inc>
};

const CharacterTable* make_table() {
  auto table = std::make_unique<CharacterTable>();
  for (size_t i = 0; i < std::size(kChanges); ++i) {
    const uint32_t end = i + 1 < std::size(kChanges) ? kChanges[i + 1].first : kCodePoints;
    std::fill(table->begin() + kChanges[i].first, table->begin() + end, kChanges[i].kind);
  }
  return table.release();
}

}  // namespace

const CharacterTable& character_table() {
  // Kept for ever: a thread may still count while the process ends.
  static const CharacterTable* const table = make_table();
  return *table;
}

}  // namespace colloquium::ai
