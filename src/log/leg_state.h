// What commits do to a leg's state, and the refusals every Log shares.
//
// Thread safety: functions.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "log/log.h"

namespace colloquium::log {

// Does to all legs' states what a commit says: lays its positions and token over them, and forgets.
void apply_commit(const CommitRequest& request, const std::function<std::string(StreamId)>& name_of,
                  std::map<std::string, LegState>& legs);

// Lays `newer` over `state`: its positions replace those of the same partition or source, its token (if
// `has_token`) replaces the old one.
void merge_leg_state(const LegState& newer, bool has_token, LegState& state);

// A leg can't have read what is not there. kInternal otherwise: storing it would lose events silently.
Status check_position(const Position& position, int64_t readable_end);

Error queue_full_error();
tl::unexpected<Error> no_such_stream(const StreamSpec& spec);
tl::unexpected<Error> partition_count_changed(const StreamSpec& spec, int32_t existing);

// What of a partition is not committed by some leg that reads it: one that ever committed a position in the
// stream, or one of `reading`, which may never have. INT64_MAX if nobody reads it.
struct Needed {
  int64_t offset = INT64_MAX;
  std::string leg;  // that is furthest behind
};
Needed needed_of(const std::map<std::string, LegState>& legs, const std::string& stream, int32_t partition,
                 const std::vector<std::string>& reading);

}  // namespace colloquium::log
