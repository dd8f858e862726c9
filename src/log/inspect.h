// Looking at a partition without changing it, without a lock, while another process may be writing it.
//
// Thread safety: functions.
#pragma once

#include <memory>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/partition.h"

namespace colloquium::log {

// A Partition whose readable end is the highest offset that is certainly synced: CLEAN's, a seal's, a new
// incarnation's, the last sync mark's, whichever is highest. Damage below is met by whoever reads there.
Result<std::shared_ptr<Partition>> inspect_partition(io::FileSystem& fs, const std::string& directory,
                                                     const std::string& stream, const std::string& tag,
                                                     int32_t number,
                                                     std::shared_ptr<const KeyRing> keys = nullptr);

// Whether a file was not there because another process has removed its segment since somebody looked: `error` is
// what came of opening it.
bool removed_since(const io::FileSystem& fs, const std::string& partition_directory, int64_t base_offset,
                   const Error& error);

}  // namespace colloquium::log
