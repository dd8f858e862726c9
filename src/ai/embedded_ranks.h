// The ranks of both encodings, as src/ai/data has them, in the binary: nothing has to be installed or fetched.
//
// Thread safety: pure functions over constant memory.
#pragma once

#include <string_view>

namespace colloquium::ai {

// A zstd frame of what RankTable is made from.
std::string_view embedded_o200k_base();
std::string_view embedded_cl100k_base();

}  // namespace colloquium::ai
