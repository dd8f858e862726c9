// DedupeCheckpoint: a dedupe table as bytes, and how far in the stream it reaches.
//
//   byte version 1 · byte kind (log::AcceptInfo::Ids) · uint32 partitions · partitions × int64 end
//   · n × {two 64-bit halves of the id, int64 append time}                     integers little-endian
//
// Every id of an event below `ends[p]` in partition p is in the table, or older than its window. Thread safety:
// value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dedupe_table.h"
#include "log/log.h"

namespace colloquium::engine {

std::string encode_checkpoint(const DedupeTable& table, log::AcceptInfo::Ids kind,
                              const std::vector<int64_t>& ends);

// Restores the table and returns the ends. Nothing, with the table as it was, if the bytes are of another form, of
// the other kind, or do not fit a stream of partitions with these ends (it was cut back since).
std::optional<std::vector<int64_t>> restore_checkpoint(std::string_view bytes, log::AcceptInfo::Ids kind,
                                                       const std::vector<int64_t>& stream_ends,
                                                       DedupeTable& table);

}  // namespace colloquium::engine
