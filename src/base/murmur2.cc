#include "base/murmur2.h"

#include <cstddef>
#include <cstring>

#include "base/assert.h"

namespace colloquium {

namespace {

// The seed Kafka chose: with another one every key would be elsewhere.
constexpr uint32_t kSeed = 0x9747b28c;
constexpr uint32_t kMultiplier = 0x5bd1e995;

// The last one to three bytes, most significant first.
uint32_t mix_tail(uint32_t h, const unsigned char* tail, size_t length) {
  if (length == 0) return h;
  if (length >= 3) h ^= uint32_t{tail[2]} << 16;
  if (length >= 2) h ^= uint32_t{tail[1]} << 8;
  h ^= tail[0];
  return h * kMultiplier;
}

}  // namespace

uint32_t murmur2(std::string_view data) {
  uint32_t h = kSeed ^ static_cast<uint32_t>(data.size());
  const char* p = data.data();
  size_t left = data.size();
  for (; left >= 4; p += 4, left -= 4) {
    uint32_t k;
    std::memcpy(&k, p, 4);  // little-endian, as the Java code assembles it
    k *= kMultiplier;
    k ^= k >> 24;
    k *= kMultiplier;
    h = (h * kMultiplier) ^ k;
  }
  h = mix_tail(h, reinterpret_cast<const unsigned char*>(p), left);
  h ^= h >> 13;
  h *= kMultiplier;
  return h ^ (h >> 15);
}

int32_t murmur2_partition(std::string_view key, int32_t partitions) {
  ASSERT(partitions > 0);
  // Kafka's toPositive: the sign bit is dropped, which is not the absolute value.
  return static_cast<int32_t>((murmur2(key) & 0x7fffffff) % static_cast<uint32_t>(partitions));
}

}  // namespace colloquium
