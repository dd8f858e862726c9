// murmur2 as Kafka computes it (org.apache.kafka.common.utils.Utils), for keys that have to hash alike there and
// here.
//
// Kafka's result is a signed integer; its partitioner takes the lower 31 bits modulo the number of partitions.
// Thread safety: a function.
#pragma once

#include <cstdint>
#include <string_view>

namespace colloquium {

uint32_t murmur2(std::string_view data);

// The partition that Kafka's DefaultPartitioner gives a key. REQUIRES: partitions > 0.
int32_t murmur2_partition(std::string_view key, int32_t partitions);

}  // namespace colloquium
