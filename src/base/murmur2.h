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

}  // namespace colloquium
