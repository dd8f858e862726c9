#include "engine/replay.h"

#include <sstream>

#include "log/log.h"

namespace colloquium::engine {

namespace {

constexpr int kVersion = 1;

}  // namespace

std::string ai_records(const Replay& replay, const std::string& pipeline) {
  return pipeline + ".replay-" + replay.generation;
}

std::string replay_leg(const std::string& leg, const std::string& generation) {
  return leg + "@replay-" + generation;
}

// "1 <stream> <partitions> <spans> (<partition> <from> <to>)…"; stream names have no spaces.
std::string replay_description(const Replay& replay) {
  std::ostringstream out;
  out << kVersion << " " << replay.stream << " " << replay.partitions << " " << replay.spans.size();
  for (const ReplaySpan& span : replay.spans) out << " " << span.partition << " " << span.from << " " << span.to;
  return out.str();
}

Status restore_replay(const log::Log& log, const std::string& pipeline, Replay& replay) {
  const auto state = log.leg_state(replay_leg(pipeline, replay.generation));
  if (!state) {
    return fail(ErrorCode::kNotFound, "there is no replay '" + replay.generation + "' of pipeline '" + pipeline +
                                          "' to go on with: it is through, or had not begun");
  }
  std::istringstream in(state->sink_token);
  int version = 0;
  size_t spans = 0;
  in >> version >> replay.stream >> replay.partitions >> spans;
  replay.spans.clear();
  for (size_t i = 0; in && i < spans; ++i) {
    ReplaySpan span;
    in >> span.partition >> span.from >> span.to;
    replay.spans.push_back(span);
  }
  if (version != kVersion || !in) {
    return fail(ErrorCode::kCorrupt, "what is stored of the replay '" + replay.generation +
                                         "' was written by another version; start the replay anew");
  }
  replay.resumed = true;
  return {};
}

}  // namespace colloquium::engine
