#include "engine/partitioner.h"

#include "base/assert.h"
#include "base/murmur2.h"

namespace colloquium::engine {

int32_t partition_of(std::string_view key, int32_t partitions) {
  ASSERT(partitions > 0);
  // Kafka's toPositive: the sign bit is dropped, which is not the absolute value.
  return static_cast<int32_t>((murmur2(key) & 0x7fffffff) % static_cast<uint32_t>(partitions));
}

}  // namespace colloquium::engine
