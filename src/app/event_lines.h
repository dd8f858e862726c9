// Events as lines of text: what `log cat` and `log export` print.
//
// Thread safety: functions.
#pragma once

#include <cstddef>
#include <string>

#include "colloquium/batch.h"

namespace colloquium::app {

// Appends event `i` and a line break: its value alone (a tombstone is null), or, with `full`, an object of its
// place, id, time, source, key, headers, and value or `"tombstone":true`. REQUIRES: the batch has an origin.
void append_event_line(const Batch& batch, size_t i, bool full, std::string& out);

}  // namespace colloquium::app
