// Copying parts of files so that the copy is there whole or not at all.
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

// Copies the bytes [position, position + size) of `from` into the new file `to`, synced, by way of `to`.tmp; the
// folder of `to` is not synced. Gives the CRC-32C of what was copied. kCorrupt if `from` is shorter.
Result<uint32_t> copy_bytes(io::FileSystem& fs, const io::File& from, uint64_t position, uint64_t size,
                            const std::string& to);

// The whole of a file.
Result<uint32_t> copy_file(io::FileSystem& fs, const std::string& from, const std::string& to);

}  // namespace colloquium::log
