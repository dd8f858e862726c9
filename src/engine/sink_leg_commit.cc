// The other half of SinkLeg: what is done becomes a commit.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/counters.h"
#include "base/logging.h"
#include "base/part_name.h"
#include "engine/sink_leg.h"
#include "engine/sink_leg_lane.h"
#include "io/file_system.h"

namespace colloquium::engine {

// A sink with a token that was never committed may hold bytes of its own already. Where they end is stored
// before anything is added, or a crash before the first commit would leave behind what nobody can tell apart.
void SinkLeg::begin_first_commit() {
  ASSERT(options_.log != nullptr && sink_->has_token());
  holding_ = true;
  commits_.begin();
  barrier_ = true;
  try_token();
}

void SinkLeg::begin_commit() {
  if (!sink_->has_token() && options_.log == nullptr) {
    commits_.collected();
    return check_drained();
  }
  commits_.begin();
  if (!sink_->has_token()) return store(collect(std::nullopt));
  barrier_ = true;
  try_token();
}

// Asks for the token once no write is under way; from then on writes go on.
void SinkLeg::try_token() {
  ASSERT(barrier_);
  const bool writing = std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->writing; });
  if (writing) return;
  barrier_ = false;
  // The request is put together now: it and the token must speak of the same writes.
  auto request = std::make_shared<log::CommitRequest>(collect(std::string()));
  sink_->token([this, request](Result<std::string> token) {
    if (!token) {
      commits_.give_up();
      fail(std::move(token).error());
      return check_closed();
    }
    request->sink_token = *token;
    store(std::move(*request));
  });
  for (const auto& lane : lanes_) pump(*lane);
}

log::CommitRequest SinkLeg::collect(std::optional<std::string> token) {
  log::CommitRequest request;
  request.leg = options_.commit_name;
  request.sink_token = std::move(token);
  if (options_.token_leg != options_.commit_name) request.token_leg = options_.token_leg;
  committing_of_.clear();
  for (const auto& lane : lanes_) {
    const CommitPartition& partition = options_.partitions[lane->index];
    for (auto& [part, done] : std::exchange(lane->done, {})) {
      request.positions.push_back({.stream = partition.stream,
                                   .partition = partition.partition,
                                   .next_offset = done.position,
                                   .external = part_name(partition.external, part),
                                   .cursor = std::move(done.cursor)});
      committing_of_.push_back({lane->index, part, done.behind});
    }
  }
  kept_.move_to(request);
  commits_.collected();
  return request;
}

void SinkLeg::store(log::CommitRequest request) {
  // While it waits for room, positions and dead letters wait with it; the sink goes on, up to the bounds that hold
  // while any commit is under way.
  commits_.store(std::move(request), [this](Status status, const log::CommitRequest& committed) {
    stored(std::move(status), committed);
  });
}

void SinkLeg::stored(Status status, const log::CommitRequest& committed) {
  LOOP_ASSERT(loop_);
  if (!status) {
    if (closing_ && io::waits_for_room(status.error())) {
      tell_given_up(committed);
    } else {
      fail(std::move(status).error());
    }
    return check_closed();
  }
  // Now the sink may forget how to go back behind this token.
  if (committed.sink_token) sink_->committed(*committed.sink_token);
  tell_committed(committed);
  holding_ = false;
  pump_all();
  commits_.go_on();
  check_drained();
  check_closed();
}

// Nobody waits at a stop for a disk to be emptied. What is not committed is read again, where it can be.
void SinkLeg::tell_given_up(const log::CommitRequest& commit) {
  int64_t letters = 0;
  for (const auto& output : commit.outputs) letters += output.batch.count;
  std::string text = "it stops with a commit that found no room; what was done since the one before is done again";
  if (letters > 0) {
    text += ", and " + std::to_string(letters) +
            " dead letter(s) of it are not stored: those come again, unless their source cannot read again";
  }
  log_warning(options_.commit_name, text);
}

void SinkLeg::tell_committed(const log::CommitRequest& committed) {
  ASSERT(committed.positions.size() == committing_of_.size());
  for (size_t i = 0; i < committing_of_.size(); ++i) {
    const auto& [lane, part, behind] = committing_of_[i];
    const log::Position& position = committed.positions[i];
    if (options_.committed) options_.committed(lane, part, position.next_offset, position.cursor);
    tell_settled(part_name(options_.partitions[lane].id, part), behind);
  }
}

}  // namespace colloquium::engine
