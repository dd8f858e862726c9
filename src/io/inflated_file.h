// InflatedFile: what a gzip or zstd file holds, read as if it were the file.
//
// Which it is, is told by its first bytes, not by its name. Opening reads the file to its end once: so its size is
// known, and one that is damaged, or that is still being written, is refused before any of it is taken. Reading on
// from where the last read ended costs what it must; reading anywhere before that begins at the file's start
// again.
//
// Thread safety: one thread at a time, reads included. Errors: kCorrupt for what is damaged or ends too soon.
#pragma once

#include <memory>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::io {

// Whether `file` begins as a gzip or zstd file does.
Result<bool> is_compressed(const File& file);

// `file` itself if it is not compressed. Writing to an inflated file is an error of the caller.
Result<std::unique_ptr<File>> inflated(std::unique_ptr<File> file);

}  // namespace colloquium::io
