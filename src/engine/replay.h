// Replay: a part of a stream that a pipeline reads instead of its sources.
//
// A replay is a generation of its own: its legs start at the part's beginning whatever the running generation has
// committed, and commit under names of their own, "<pipeline>/<sink>@replay-<generation>". What is to be replayed
// is stored in the token of "<pipeline>@replay-<generation>", so that a replay that was interrupted can go on;
// once it is through, nothing of it is kept.
//
// A sink's token stays where it is, at "<pipeline>/<sink>": the sink is the same one whoever writes to it, and the
// running generation goes on behind what the replay has written.
//
// Thread safety: values and functions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

namespace colloquium::log {
class Log;
class Reader;
}  // namespace colloquium::log

namespace colloquium::engine {

class ReplayPace;

struct ReplaySpan {
  int32_t partition = 0;
  int64_t from = 0;
  int64_t to = 0;  // exclusive
};

struct Replay {
  std::string generation;
  bool resumed = false;  // it goes on from what it has committed
  std::string stream;
  int32_t partitions = 1;  // the stream has
  std::vector<ReplaySpan> spans;

  // A reader that gives tapes. Called on the loop while the pipeline is built.
  std::function<Result<std::unique_ptr<log::Reader>>(int32_t partition, int64_t from)> open;
  std::shared_ptr<ReplayPace> pace;  // null: as fast as the sinks take it
  // Gets the envelopes of what is given up where there is no log to keep them in. Loop.
  std::function<void(std::string_view envelope)> tell_dead_letter;
};

std::string replay_leg(const std::string& leg, const std::string& generation);
// Under which name a replay records what it asks of models (ai/call_settings.h).
std::string ai_records(const Replay& replay, const std::string& pipeline);

// What is stored of a replay, and back. kNotFound: there is no such replay of this pipeline to go on with.
std::string replay_description(const Replay& replay);
Status restore_replay(const log::Log& log, const std::string& pipeline, Replay& replay);

}  // namespace colloquium::engine
