// Which partition a key belongs to: by murmur2, as Kafka's DefaultPartitioner has it, so that a stream that moves
// to Kafka keeps its keys where they are.
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace colloquium::engine {

// REQUIRES: partitions > 0.
int32_t partition_of(std::string_view key, int32_t partitions);

}  // namespace colloquium::engine
