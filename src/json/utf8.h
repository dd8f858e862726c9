// Where a text stops being valid UTF-8. Whether it does is asked of simdjson first, which is much faster.
//
// Thread safety: pure function. Source: RFC 3629, Unicode 15 table 3-7 (no overlong forms, no surrogates,
// nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <string_view>

namespace colloquium::json {

// The length of the longest prefix that consists of complete, well-formed sequences.
size_t valid_utf8_prefix(std::string_view text);

// How many bytes one U+FFFD stands for where text that is not UTF-8 has to become text: the maximal subpart of an
// ill-formed sequence (Unicode 16, section 3.9; the same as WHATWG's decoder). REQUIRES: `text` begins with no
// complete, well-formed sequence, and is not empty.
size_t ill_formed_length(std::string_view text);

}  // namespace colloquium::json
