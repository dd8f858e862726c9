#include "engine/dedupe_table.h"

#include <xxhash.h>

namespace colloquium::engine {

namespace {

// Tells the hashes of other values from those of strings: no string has this seed.
constexpr uint64_t kJsonSeed = 0x9e3779b97f4a7c15;

IdHash hash_with(std::string_view text, uint64_t seed) {
  // 128 bits: with a thousand million ids the chance that any two share one is below 2^-68.
  const XXH128_hash_t h = XXH3_128bits_withSeed(text.data(), text.size(), seed);
  return {h.low64, h.high64};
}

}  // namespace

IdHash DedupeTable::hash(std::string_view text) const {
  return hash_with(text, seed_);
}

IdHash DedupeTable::hash_json(std::string_view canonical) const {
  return hash_with(canonical, seed_ ^ kJsonSeed);
}

}  // namespace colloquium::engine
