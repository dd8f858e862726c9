#include "engine/leg_letters.h"

#include <utility>

#include "base/assert.h"
#include "base/counters.h"
#include "base/logging.h"

namespace colloquium::engine {

namespace {

// How much of an envelope that can't be stored is quoted.
constexpr size_t kQuoteBytes = 2000;

}  // namespace

LegLetters::LegLetters(LetterPlaces places, std::string leg, ComponentCounters& counters)
    : places_(std::move(places)), leg_(std::move(leg)), counters_(counters), forwarded_(places_.targets) {
  ASSERT(!places_.dead_stream || places_.dead_origin != nullptr);
}

void LegLetters::keep(const Batch& letters) {
  for (size_t i = 0; i < letters.size(); ++i) {
    if (forwarded_to(letters, i)) {
      forwarded_.keep(letters, i);
    } else if (places_.dead_stream) {
      dead_.keep(letters, i);
    } else if (places_.tell) {
      places_.tell(letters.value(i));
    } else {
      log_warning(leg_, "dead letter (not stored, this pipeline has no log): " +
                            std::string(letters.value(i).substr(0, kQuoteBytes)));
    }
  }
}

void LegLetters::move_to(log::CommitRequest& request) {
  if (!dead_.empty()) {
    add(*dead_.seal(places_.dead_origin, 0), kLetterBytes, {*places_.dead_stream, 0}, request);
  }
  forwarded_.take([&](const Batch& events, log::StreamId stream, int32_t partition) {
    add(events, kLetterBytes, {stream, partition}, request);
  });
}

// In batches that end once they have `part_bytes`.
void LegLetters::add(const Batch& letters, size_t part_bytes, Place place, log::CommitRequest& request) {
  BatchBuilder part;
  for (size_t i = 0; i < letters.size(); ++i) {
    part.keep(letters, i);
    if (part.byte_size() >= part_bytes || i + 1 == letters.size()) {
      add_output(part.seal(letters.shared_origin(), 0), place, request);
    }
  }
}

// What the log refuses as a batch it may take one by one. An envelope that it can't take at all (its event was
// never in the log, and has a header with a reserved name, say) may not stop the leg for ever, so it is reported.
void LegLetters::add_output(const std::shared_ptr<const Batch>& letters, Place place,
                            log::CommitRequest& request) {
  auto encoded = log::encode(letters, log::Codec::kLz4, nullptr);
  if (encoded) {
    request.outputs.push_back(
        {.stream = place.stream, .partition = place.partition, .batch = std::move(*encoded)});
  } else if (letters->size() > 1) {
    add(*letters, 0, place, request);
  } else {
    counters_.errors.add(encoded.error().code);
    log_error(leg_, "an event that failed is not stored: " + encoded.error().describe(),
              {{"letter", letters->value(0).substr(0, kQuoteBytes)}});
  }
}

}  // namespace colloquium::engine
