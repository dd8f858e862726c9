// LegLetters: what a leg has given up, from the moment its position may be committed until a commit stores it:
// envelopes for the dead letters, events for other pipelines (engine/forwarded_events.h).
//
// Thread safety: loop only.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/batch.h"

#include "engine/forwarded_events.h"
#include "log/log.h"

namespace colloquium {
struct ComponentCounters;
}

namespace colloquium::engine {

// Envelopes of this many bytes are committed without waiting for more, and a leg begins nothing new beyond it
// while a commit is under way. Together they still have no bound (one item may bring them all), so a commit stores
// them in batches of about this size, far below what the log takes as one.
inline constexpr size_t kLetterBytes = 16u << 20;

// Where letters go: of the whole pipeline.
struct LetterPlaces {
  std::optional<log::StreamId> dead_stream;        // nothing: envelopes are logged and counted
  std::shared_ptr<const BatchOrigin> dead_origin;  // set with dead_stream
  // Without a dead_stream: gets the envelopes once their item is done. May be empty.
  std::function<void(std::string_view envelope)> tell;
  ForwardTargets targets;
};

class LegLetters {
 public:
  // `leg`: for messages. The counters outlive it.
  LegLetters(LetterPlaces places, std::string leg, ComponentCounters& counters);

  // Whether an envelope goes anywhere but into the log of the process.
  bool takes_envelopes() const { return places_.dead_stream || places_.tell; }

  // Takes the letters of what is done.
  void keep(const Batch& letters);
  size_t byte_size() const { return dead_.byte_size() + forwarded_.byte_size(); }

  // Everything that was kept becomes outputs of `request`.
  void move_to(log::CommitRequest& request);

 private:
  struct Place {
    log::StreamId stream;
    int32_t partition;
  };
  void add(const Batch& letters, size_t part_bytes, Place place, log::CommitRequest& request);
  void add_output(const std::shared_ptr<const Batch>& letters, Place place, log::CommitRequest& request);

  const LetterPlaces places_;
  const std::string leg_;
  ComponentCounters& counters_;
  BatchBuilder dead_;
  ForwardedEvents forwarded_;
};

}  // namespace colloquium::engine
