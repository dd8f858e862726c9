// Dead letters: events that failed for good, kept as envelopes in a stream of their own.
//
// An envelope is one JSON object {"attempts", "error", "event" or "raw_base64", "position", "sink", "stage",
// "stream", "tombstone"}: the event as it was if it is JSON, else its bytes in base64. A sink's letters, which
// name it in "sink", hold the event as that sink got it. One that was read behind an asynchronous stage names that
// stage's "stream". What is done with them later: engine/dead_letters.h. Thread safety: functions.
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
  bool tombstone = false;  // the event had no value; `event` is null
  std::string_view error;
  std::string_view stage;        // stage or sink that gave up; the source's name for bytes refused at the door
  std::string_view sink = {};    // whose letter it is; empty: of a stage or the door
  std::string_view stream = {};  // where it was read; empty: in the pipeline's own
  int64_t attempts = 1;
  std::string_view position;  // the event's id, or where in the source its bytes stand
};

std::string dead_letter_json(const DeadLetter& letter);

// Adds the envelope of event `i` of `batch` to `output`; key, headers and time go with it. `sink`: see DeadLetter.
// `to`: another pipeline that gets the event instead (engine/forwarded_events.h); empty: none.
void add_dead_letter(const Batch& batch, size_t i, const Error& error, std::string_view stage,
                     std::string_view sink, int64_t attempts, BatchBuilder& output, std::string_view to = {});

}  // namespace colloquium::engine
