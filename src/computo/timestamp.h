// Timestamps as scripts see them: RFC 3339 in UTC with milliseconds, "2024-02-29T23:59:59.999Z".
//
// Thread safety: function.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colloquium::computo {

inline constexpr size_t kTimestampBytes = 24;

// Writes exactly kTimestampBytes. RFC 3339 has the years 0000 to 9999; what is outside becomes the nearest
// instant inside.
void format_timestamp(int64_t timestamp_ms, char* out);

}  // namespace colloquium::computo
