// Checkpoint files: what Log::store_checkpoint keeps, one file a name, in `checkpoints/` of the data directory.
//
//   "CQCKPT" 0 1 · CRC-32C of the rest, 4 bytes big-endian · the bytes
//
// Nothing in a data directory depends on them: each may be deleted while nothing runs. Thread safety: functions.
#pragma once

#include <optional>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

// `name` may hold anything; the file's name is made of it.
std::string checkpoint_path(const std::string& directory, const std::string& name);
// Where they are kept; its name is durable once `directory` is synced.
Status make_checkpoint_folder(io::FileSystem& fs, const std::string& directory);
// REQUIRES: the folder.
Status write_checkpoint(io::FileSystem& fs, const std::string& directory, const std::string& name,
                        std::string bytes);
// Nothing if there is none, or if it is damaged: its owner then gathers it again.
std::optional<std::string> read_checkpoint(const io::FileSystem& fs, const std::string& directory,
                                           const std::string& name);

}  // namespace colloquium::log
