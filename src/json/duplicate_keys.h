// Finding objects that hold a key twice: a filter that costs a few instructions per key, and the exact answer
// for the few objects the filter can't clear.
//
// Both the walk and the Writer set kTokenDuplicateKeys with it, exactly: readers of an object without the flag
// need not look for a later duplicate.
// Thread safety: KeyFilter is a value; the functions are pure.
#pragma once

#include <cstdint>
#include <cstring>

#include "colloquium/tape.h"

namespace colloquium::json {

// A 64-bit Bloom filter of one object's keys. suspect() is never false for an object with a duplicate.
class KeyFilter {
 public:
  // `inner`: the first byte after the opening quote; reads only the key's bytes and its closing quote.
  void add(const char* inner, uint32_t length) {
    // Four samples tell most keys of an event apart; the filter only has to be cheap.
    const auto byte = [inner](uint32_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(inner[i])); };
    const uint32_t sample =
        byte(0) + (byte(length / 2) << 8) + (byte(length - (length != 0)) << 16) + (length << 24);
    const uint64_t bit = uint64_t{1} << ((sample * 0x9e3779b1u) >> 26);
    suspect_ |= (seen_ & bit) != 0;
    seen_ |= bit;
  }
  // An escaped key may equal one written otherwise.
  void add_escaped() { suspect_ = true; }
  bool suspect() const { return suspect_; }

 private:
  uint64_t seen_ = 0;
  bool suspect_ = false;
};

// Whether a (decoded) key of the object at root[index] occurs twice. `text` is the event's first byte.
bool has_duplicate_keys(const char* text, const TapeToken* root, uint32_t index);

}  // namespace colloquium::json
