// append_lines: the events of a batch as lines (NDJSON).
//
// An event is written as its bytes, and only where those hold a line break is white space between tokens
// stripped: in valid JSON an unescaped CR or LF can stand nowhere else. A tombstone is written as null, as
// scripts see it.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "colloquium/batch.h"

namespace colloquium::formats {

// Appends event `i` as a line, ended by LF.
void append_line(const Batch& batch, size_t i, std::string& out);

// Appends one line per event, each ended by LF.
void append_lines(const Batch& batch, std::string& out);

// Appends `json` without white space between its tokens. REQUIRES: valid JSON.
void append_compact(std::string_view json, std::string& out);

}  // namespace colloquium::formats
