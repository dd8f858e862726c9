// Finding objects that hold a key twice: a filter that costs a few instructions per key, and the exact answer for
// the few keys the filter can't clear.
//
// Both the walk and the Writer set kTokenDuplicateKeys with it, exactly: readers of an object without the flag
// need not look for a later duplicate.
// Thread safety: KeyFilter is a value; the functions are pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "colloquium/tape.h"

namespace colloquium::json {

// The keys of one open object, as a 64-bit Bloom filter with two bits per key: with one, most objects of a dozen
// keys would need exact comparisons; three took longer to set than they saved.
class KeyFilter {
 public:
  // Keys of larger objects are not compared one by one but sorted at the object's end.
  static constexpr uint32_t kCompareMax = 32;

  // An unescaped key that stands in quotes. False: it is not among those added before.
  bool add(const char* inner, uint32_t length) {
    if (length == 0) return true;
    // The first two bytes and the last; where the closing quote takes part, it does so for every such key.
    const uint64_t sample = load2(inner) | load2(inner + length - 1) << 16 | uint64_t{length} << 32;
    const uint64_t hash = sample * 0x9e3779b97f4a7c15u;
    const uint64_t bits = uint64_t{1} << (hash >> 58) | uint64_t{1} << (hash >> 52 & 63);
    const bool maybe = (seen_ & bits) == bits;
    seen_ |= bits;
    return maybe;
  }

  // The question is left to the object's end: an escaped key may equal one written otherwise.
  void defer() { deferred_ = true; }
  bool deferred() const { return deferred_; }

 private:
  // Two bytes at once, unaligned.
  static uint64_t load2(const char* p) {
    uint16_t value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }

  uint64_t seen_ = 0;
  bool deferred_ = false;
};

// Whether an unescaped key between the object at root[object] and root[end] reads `key`. `text` is the event's
// first byte. The object's own token need not be complete.
bool has_key(const char* text, const TapeToken* root, uint32_t object, uint32_t end, std::string_view key);

// Whether a (decoded) key of the object at root[object] occurs twice.
bool has_duplicate_keys(const char* text, const TapeToken* root, uint32_t object);

}  // namespace colloquium::json
