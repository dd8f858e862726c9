// Dead letters: events that failed for good, kept as envelopes in a stream of their own.
//
// An envelope is one JSON object {"attempts", "error", "event" or "raw_base64", "position", "stage"}: the
// event as it was if it is JSON, else its bytes in base64. Replaying one makes a new event.
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "colloquium/batch.h"
#include "colloquium/result.h"

namespace colloquium::engine {

struct DeadLetter {
  std::string_view event;  // the value's bytes
  bool is_json = true;
  std::string_view error;
  std::string_view stage;  // stage or sink that gave up; the source's name for bytes refused at the door
  int64_t attempts = 1;
  std::string_view position;  // the event's id, or where in the source its bytes stand
};

std::string dead_letter_json(const DeadLetter& letter);

// Adds the envelope of event `i` of `batch` to `output`; key, headers and time go with it.
void add_dead_letter(const Batch& batch, size_t i, const Error& error, std::string_view stage, int64_t attempts,
                     BatchBuilder& output);

}  // namespace colloquium::engine
