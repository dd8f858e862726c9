#include "log/leg_state.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::log {

void merge_leg_state(const LegState& newer, bool has_token, LegState& state) {
  for (const auto& position : newer.positions) {
    ASSERT(!position.stream.empty());
    const auto same = [&](const LegState::StreamPosition& old) {
      return old.stream == position.stream && old.partition == position.partition;
    };
    const auto found = std::find_if(state.positions.begin(), state.positions.end(), same);
    if (found == state.positions.end()) {
      state.positions.push_back(position);
    } else {
      *found = position;
    }
  }
  for (const auto& position : newer.external) {
    const auto same = [&](const LegState::ExternalPosition& old) { return old.source == position.source; };
    const auto found = std::find_if(state.external.begin(), state.external.end(), same);
    if (found == state.external.end()) {
      state.external.push_back(position);
    } else {
      *found = position;
    }
  }
  if (has_token) state.sink_token = newer.sink_token;
}

void apply_commit(const CommitRequest& request, const std::function<std::string(StreamId)>& name_of,
                  std::map<std::string, LegState>& legs) {
  ASSERT(name_of != nullptr);
  ASSERT(!request.leg.empty());
  LegState newer;
  for (const Position& position : request.positions) {
    if (position.external.empty()) {
      newer.positions.push_back({name_of(position.stream), position.partition, position.next_offset});
    } else {
      newer.external.push_back({position.external, position.next_offset, position.cursor});
    }
  }
  merge_leg_state(newer, false, legs[request.leg]);
  if (request.sink_token) {
    legs[request.token_leg.empty() ? request.leg : request.token_leg].sink_token = *request.sink_token;
  }
  for (const std::string& leg : request.forgotten) legs.erase(leg);
}

Status check_position(const Position& position, int64_t readable_end) {
  ASSERT(readable_end >= 0);
  if (position.next_offset >= 0 && position.next_offset <= readable_end) return {};
  return fail(ErrorCode::kInternal, "cannot commit position " + std::to_string(position.next_offset) +
                                        " of partition " + std::to_string(position.partition) +
                                        ": only offsets below " + std::to_string(readable_end) + " could be read");
}

Error queue_full_error() {
  return Error{ErrorCode::kUnavailable, "the log's append queue is full; try again shortly", true};
}

tl::unexpected<Error> no_such_stream(const StreamSpec& spec) {
  ASSERT(!spec.name.empty());
  return fail(ErrorCode::kNotFound, "there is no stream '" + spec.name + "'");
}

tl::unexpected<Error> partition_count_changed(const StreamSpec& spec, int32_t existing) {
  ASSERT(existing != spec.partitions);
  return fail(ErrorCode::kInvalidConfig,
              "stream '" + spec.name + "' has " + std::to_string(existing) + " partitions, not " +
                  std::to_string(spec.partitions) +
                  ": the count is fixed when a stream is made, because keys would change their partition; set "
                  "log.partitions to " +
                  std::to_string(existing) + ", or use another stream or data directory");
}

Needed needed_of(const std::map<std::string, LegState>& legs, const std::string& stream, int32_t partition,
                 const std::vector<std::string>& reading) {
  ASSERT(!stream.empty() && partition >= 0);
  std::map<std::string, int64_t> next_of;
  // What a leg has not committed in this partition it needs from the beginning.
  for (const std::string& leg : reading) next_of[leg] = 0;
  for (const auto& [leg, state] : legs) {
    for (const LegState::StreamPosition& position : state.positions) {
      if (position.stream != stream) continue;
      int64_t& next = next_of[leg];
      if (position.partition == partition) next = position.next_offset;
    }
  }
  Needed needed;
  for (const auto& [leg, next] : next_of) {
    if (next < needed.offset) needed = {next, leg};
  }
  return needed;
}

}  // namespace colloquium::log
