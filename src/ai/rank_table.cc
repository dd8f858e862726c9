#include "ai/rank_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace colloquium::ai {
namespace {

uint64_t load8(const char* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

uint64_t load4(const char* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// Both halves of the product, so that each bit of the result depends on every bit of both.
uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

constexpr uint64_t kFirst = 0xa0761d6478bd642f, kSecond = 0xe7037ed1a0b428db;

// Up to eight bytes as a number, the first lowest.
uint64_t number_of(std::string_view bytes) {
  const char* const p = bytes.data();
  const size_t size = bytes.size();
  if (size == sizeof(uint64_t)) return load8(p);
  // What is loaded twice is the same bits at the same place.
  if (size >= 4) return load4(p) | load4(p + size - 4) << 8 * (size - 4);
  const auto byte = [p](size_t i) { return uint64_t{static_cast<uint8_t>(p[i])} << 8 * i; };
  return byte(0) | byte(size / 2) | byte(size - 1);
}

// Of more than eight bytes, in the way of wyhash (public domain). Nobody chooses the tokens, so it need not
// withstand an attack: bytes that are none cost what a chain costs.
uint64_t hash(std::string_view bytes) {
  const char* p = bytes.data();
  size_t left = bytes.size();
  uint64_t hashed = kFirst;
  for (; left > 16; left -= 8, p += 8) hashed = mix(load8(p) ^ kSecond, hashed);
  return mix(load8(p) ^ hashed, load8(p + left - 8) ^ kSecond);
}

}  // namespace

RankTable::RankTable(std::string packed, uint32_t tokens)
    : packed_(std::move(packed)), slots_(std::bit_ceil(size_t{2} * tokens)) {
  ASSERT(packed_.size() >= tokens);
  begins_.reserve(size_t{tokens} + 1);
  uint32_t begin = tokens;
  for (uint32_t rank = 0; rank < tokens; ++rank) {
    const auto length = static_cast<uint8_t>(packed_[rank]);
    ASSERT(length > 0);
    longest_ = std::max<size_t>(longest_, length);
    begins_.push_back(begin);
    begin += length;
  }
  begins_.push_back(begin);
  ASSERT(begin == packed_.size());
  for (uint32_t rank = 0; rank < tokens; ++rank) {
    const Slot slot = slot_of(bytes(rank), rank);
    size_t i = first_place(slot);
    while (slots_[i].rank != kNoRank) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = slot;
  }
}

RankTable::Slot RankTable::slot_of(std::string_view bytes, uint32_t rank) {
  const uint64_t head = bytes.size() <= sizeof(uint64_t) ? number_of(bytes) : hash(bytes);
  return {head, static_cast<uint32_t>(bytes.size()), rank};
}

size_t RankTable::first_place(const Slot& slot) const {
  return mix(slot.head ^ kFirst, slot.length ^ kSecond) & (slots_.size() - 1);
}

uint32_t RankTable::find(std::string_view bytes) const {
  if (bytes.empty() || bytes.size() > longest_) return kNoRank;
  const Slot wanted = slot_of(bytes, kNoRank);
  const bool whole = bytes.size() <= sizeof(uint64_t);
  for (size_t i = first_place(wanted); slots_[i].rank != kNoRank; i = (i + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[i];
    if (slot.head != wanted.head || slot.length != wanted.length) continue;
    if (whole || this->bytes(slot.rank) == bytes) return slot.rank;
  }
  return kNoRank;
}

}  // namespace colloquium::ai
