// What the commit journal holds, as bytes: commits, and checkpoints of every leg's state.
//
// Each is the value of one record, its key "commit" or "checkpoint". Values begin with a version byte; numbers
// are zig-zag varints unless said otherwise, texts a varint length and bytes.
// Thread safety: values and functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/log.h"
#include "log/segment_scan.h"

namespace colloquium::log {

inline constexpr std::string_view kCommitKey = "commit";
inline constexpr std::string_view kCheckpointKey = "checkpoint";

struct CommitRecord {
  std::string leg;
  LegState state;  // the positions this commit moves, and its token
  bool has_token = false;
  bool forgets = false;  // nothing is left of the leg; the rest is empty
  std::vector<OutputRef> outputs;
};

struct Checkpoint {
  std::map<std::string, LegState> legs;
  // By stream and partition: outputs below are committed.
  std::map<std::pair<std::string, int32_t>, int64_t> committed_ends;
};

std::string put_commit(const CommitRecord& commit);
std::optional<CommitRecord> get_commit(std::string_view bytes);
std::string put_checkpoint(const Checkpoint& checkpoint);
std::optional<Checkpoint> get_checkpoint(std::string_view bytes);

}  // namespace colloquium::log
