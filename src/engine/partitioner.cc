#include "engine/partitioner.h"

#include "base/murmur2.h"

namespace colloquium::engine {

int32_t partition_of(std::string_view key, int32_t partitions) {
  return murmur2_partition(key, partitions);
}

}  // namespace colloquium::engine
