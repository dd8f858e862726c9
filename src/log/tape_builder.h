// TapeBuilder: how the log gets tapes for batches it reads from disk, without knowing JSON.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "colloquium/tape.h"

namespace colloquium::log {

// Appends the tokens of one valid JSON value to `tape`. kBatchPadding readable bytes follow the value. Called
// on the thread of each reader, on several at once.
using TapeBuilder = std::function<void(std::string_view value, std::vector<TapeToken>& tape)>;

}  // namespace colloquium::log
