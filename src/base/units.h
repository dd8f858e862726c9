// Durations and sizes as people write them: 500ms 10s 5m 1h 7d, 64KiB 10MiB 1GB.
//
// Errors are kInvalidInput and say what may be written. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "colloquium/result.h"

namespace colloquium {

// A whole number and a unit of ms, s, m, h, d; "0" needs no unit.
Result<int64_t> parse_duration_ms(std::string_view text);

// A whole number and a unit of B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024);
// without a unit it counts bytes.
Result<int64_t> parse_size_bytes(std::string_view text);

// The shortest exact way to write it: parsing gives the same number back. REQUIRES: not negative.
std::string format_duration(int64_t duration_ms);
std::string format_size(int64_t size_bytes);

}  // namespace colloquium
