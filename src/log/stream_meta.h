// StreamMeta: what is fixed when a stream is made, in its `meta` file.
//
// Thread safety: values and functions.
#pragma once

#include <cstdint>
#include <string>

#include "colloquium/clock.h"
#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

struct StreamMeta {
  int32_t partitions = 0;
  std::string tag;
  std::string partitioner = "murmur2";  // Kafka's, over the key's text
};

Result<StreamMeta> read_meta(const io::FileSystem& fs, const std::string& path);
// Folders and epochs of every partition first, `meta` last: a stream exists when its meta does.
Status create_stream(io::FileSystem& fs, const std::string& directory, const std::string& stream,
                     const StreamMeta& meta);

// 8 characters of a–z and 2–7.
std::string random_tag(Random& random);

}  // namespace colloquium::log
