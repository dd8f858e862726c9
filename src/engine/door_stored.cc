// The other end of SourceIntake: what the log knows of a source from before, and what is stored of it besides its
// events: cursors of the source and of its parts, ids of its events.
#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/logging.h"
#include "base/part_name.h"
#include "engine/committed_cursors.h"
#include "engine/dedupe_checkpoint.h"
#include "engine/door.h"
#include "engine/door_batch.h"
#include "engine/pipeline.h"
#include "log/patient_commit.h"

namespace colloquium::engine {

namespace {

// First byte of a stored cursor. Whoever changes the form counts it up; an unknown one stops the start.
constexpr char kCursorVersion = 1;

// A table of ids is stored when it has grown by so many, or by half. Read again they take a fraction of a second.
constexpr uint64_t kCheckpointIds = 1'000'000;

void put_int64(std::string& out, int64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> shift));
}

int64_t get_int64(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes.substr(0, 8)) value = (value << 8) | static_cast<unsigned char>(c);
  return static_cast<int64_t>(value);
}

}  // namespace

// version, position, safe position, length of the cursor, cursor, safe cursor; integers big-endian.
std::string StoredCursor::encode() const {
  std::string out(1, kCursorVersion);
  put_int64(out, position);
  put_int64(out, safe_position);
  put_int64(out, static_cast<int64_t>(cursor.size()));
  return out + cursor + safe_cursor;
}

Result<StoredCursor> StoredCursor::decode(std::string_view bytes) {
  constexpr size_t kFixed = 1 + 3 * 8;
  if (bytes.size() < kFixed || bytes[0] != kCursorVersion) {
    return fail(ErrorCode::kCorrupt,
                "a stored source cursor has an unknown form; was it written by a newer version?");
  }
  StoredCursor stored;
  stored.position = get_int64(bytes.substr(1));
  stored.safe_position = get_int64(bytes.substr(9));
  const auto length = static_cast<uint64_t>(get_int64(bytes.substr(17)));
  if (length > bytes.size() - kFixed) return fail(ErrorCode::kCorrupt, "a stored source cursor is cut short");
  stored.cursor = bytes.substr(kFixed, length);
  stored.safe_cursor = bytes.substr(kFixed + length);
  return stored;
}

SourceIntake::Stored* SourceIntake::stored_of(std::string_view accepted_by, bool dead) {
  const std::string own = dead ? options_.pipeline + "/" + options_.source : options_.source;
  if (!accepted_by.starts_with(own)) return nullptr;
  std::string_view part = accepted_by.substr(own.size());
  if (!part.empty() && part.front() != '/') return nullptr;
  if (!part.empty()) part.remove_prefix(1);
  auto stored = stored_.find(part);
  if (stored == stored_.end()) stored = stored_.emplace(std::string(part), Stored()).first;
  stored->second.accepted_position.resize(dead_target() + 1, 0);
  return &stored->second;
}

Status SourceIntake::restore_accepted(const log::Log::Accepted& accepted, bool dead) {
  Stored* const stored = stored_of(accepted.info.source, dead);
  if (stored == nullptr) return {};
  // Ids of the other kind are from before the setting was changed, and mean nothing to this table.
  if (options_.dedupe && accepted.info.ids == ids_kind()) {
    for (const IdHash& id : accepted.info.id_hashes) options_.dedupe->restore(id, accepted.append_time_ms);
  }
  if (accepted.info.cursor.empty()) return {};
  TRY_ASSIGN(StoredCursor cursor, StoredCursor::decode(accepted.info.cursor));
  const size_t target = dead ? dead_target() : static_cast<size_t>(accepted.partition);
  int64_t& position = stored->accepted_position[target];
  position = std::max(position, cursor.position);
  if (cursor.safe_position > stored->safe_position) {
    stored->safe_position = cursor.safe_position;
    stored->cursor = std::move(cursor.safe_cursor);
  }
  return {};
}

Status SourceIntake::restore() {
  ASSERT(options_.log != nullptr && root_ == nullptr);
  // Whatever its age the last batch of every partition is visited, so cursors are found; ids only as far as the
  // window reaches.
  const int64_t now_ms = clock_.wall_ms();
  Status bad;
  const auto visit = [&](bool dead) {
    return [this, &bad, dead](const log::Log::Accepted& accepted) {
      if (Status taken = restore_accepted(accepted, dead); !taken) bad = std::move(taken);
    };
  };
  const int64_t since_ms = options_.dedupe ? now_ms - options_.dedupe->window_ms() : now_ms;
  TRY_ASSIGN(std::vector<int64_t> known_below, restore_ids());
  if (options_.dedupe) TRY(leave_out_known(since_ms, known_below));
  TRY(options_.log->accepted_since(options_.stream, since_ms, known_below, visit(false)));
  if (options_.dead_stream) TRY(options_.log->accepted_since(*options_.dead_stream, now_ms, {}, visit(true)));
  TRY(std::move(bad));
  // What a clean stop stored may reach further than what rode along with the last batch.
  if (const auto state = options_.log->leg_state(commit_name())) {
    for (const auto& external : state->external) {
      Stored* const stored = stored_of(external.source, false);
      if (stored == nullptr || external.next_offset <= stored->safe_position) continue;
      stored->safe_position = external.next_offset;
      stored->cursor = external.cursor;
    }
  }
  if (const auto own = stored_.extract(std::string())) take_stored(std::move(own.mapped()));
  return {};
}

int64_t SourceIntake::free_position() const {
  // Legs that are ahead of others have events behind the cursor, too.
  const int64_t committed = options_.committed == nullptr ? 0 : options_.committed->highest(options_.part);
  std::lock_guard lock(position_mutex_);
  return std::max(committed, *std::max_element(accepted_position_.begin(), accepted_position_.end()));
}

std::string SourceIntake::stored_cursor() const {
  if (options_.queue != nullptr)
    return options_.committed == nullptr ? std::string() : options_.committed->cursor(options_.part);
  std::lock_guard lock(position_mutex_);
  return safe_cursor_;
}

void SourceIntake::take_stored(Stored stored) {
  ASSERT(emits_under_way_ == 0);
  accepted_position_ = std::move(stored.accepted_position);
  safe_position_ = std::max<int64_t>(stored.safe_position, 0);
  safe_cursor_ = std::move(stored.cursor);
}

// With `log: off` every part is a partition of its own: what a sink's peer knows of one says nothing of another.
std::shared_ptr<const BatchOrigin> SourceIntake::make_origin(size_t target) const {
  const bool queued = options_.queue != nullptr;
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = queued ? root().options_.source : options_.stream_name;
  origin->tag = queued ? part_name(options_.tag, options_.part) : options_.tag;
  origin->source = options_.source;
  origin->partition = queued ? -1 : static_cast<int32_t>(target);
  return origin;
}

IntakeOptions SourceIntake::part_options(const std::string& name) const {
  ASSERT(root_ == nullptr);
  IntakeOptions options = options_;
  options.source = part_name(options.source, name);
  options.part = name;
  return options;
}

Intake& SourceIntake::part(const std::string& name) {
  LOOP_ASSERT(loop_);
  ASSERT(root_ == nullptr && !name.empty());
  std::unique_ptr<SourceIntake>& part = parts_[name];
  if (part != nullptr) return *part;
  part.reset(new SourceIntake(this, part_options(name), loop_, clock_, workers_));
  if (const auto stored = stored_.extract(name)) part->take_stored(std::move(stored.mapped()));
  return *part;
}

void SourceIntake::add_position(log::CommitRequest& request) const {
  std::lock_guard lock(position_mutex_);
  if (safe_cursor_.empty()) return;
  request.positions.push_back({.stream = 0,
                               .partition = 0,
                               .next_offset = safe_position_,
                               .external = options_.source,
                               .cursor = safe_cursor_});
}

void SourceIntake::store_cursor(UniqueFunction<void(Status)> done) {
  LOOP_ASSERT(loop_);
  ASSERT(root_ == nullptr);
  if (options_.log == nullptr) return done({});
  log::CommitRequest request;
  // A leg of its own in the journal, so that storing the cursor needs no event to ride along with.
  request.leg = commit_name();
  add_position(request);
  for (const auto& [name, part] : parts_) part->add_position(request);
  if (request.positions.empty()) return done({});
  cursor_commit_ = std::make_unique<log::PatientCommit>(*options_.log, loop_, options_.pipeline + "/" + options_.source);
  cursor_commit_->commit(std::move(request), [done = std::move(done)](Status status, const log::CommitRequest&) mutable {
    done(std::move(status));
  });
}

std::string SourceIntake::commit_name() const {
  return options_.pipeline + "/@source/" + options_.source;
}

log::AcceptInfo::Ids SourceIntake::ids_kind() const {
  return options_.dedupe_sequence ? log::AcceptInfo::Ids::kSequences : log::AcceptInfo::Ids::kHashes;
}

// With the stream's tag: one that is deleted and made anew under the same name has other ids.
std::string SourceIntake::checkpoint_name() const {
  return "dedupe/" + options_.stream_name + "." + options_.tag + "/" + options_.source;
}

Result<std::vector<int64_t>> SourceIntake::restore_ids() {
  std::vector<int64_t> known_below;
  if (!options_.dedupe) return known_below;
  TRY_ASSIGN(const log::StreamInfo info, options_.log->stream_info(options_.stream));
  std::vector<int64_t> ends;
  for (const log::PartitionInfo& partition : info.partitions) ends.push_back(partition.next_offset);
  if (const auto stored = options_.log->load_checkpoint(checkpoint_name())) {
    known_below = restore_checkpoint(*stored, ids_kind(), ends, *options_.dedupe).value_or(std::vector<int64_t>());
  }
  ids_end_ = std::move(ends);
  return known_below;
}

// What is known already need not be read, nor what others have put into the stream: one that many share would else
// be read from end to end at every start, for a source that is idle.
Status SourceIntake::leave_out_known(int64_t since_ms, std::vector<int64_t>& known_below) {
  ASSERT(options_.dedupe);
  known_below.resize(ids_end_.size(), 0);
  std::vector<char> is_behind(ids_end_.size(), false);
  // The last of every source alone, for which nothing has to be read.
  const auto look = [&](const log::Log::Accepted& last) {
    const auto target = static_cast<size_t>(last.partition);
    if (stored_of(last.info.source, false) == nullptr || last.append_time_ms < since_ms) return;
    if (last.first_offset >= known_below[target]) is_behind[target] = true;
  };
  TRY(options_.log->accepted_since(options_.stream, std::numeric_limits<int64_t>::max(), ids_end_, look));
  for (size_t target = 0; target < is_behind.size(); ++target) {
    if (!is_behind[target]) known_below[target] = ids_end_[target];
    gathered_ids_ = gathered_ids_ || is_behind[target];
  }
  return {};
}

void SourceIntake::store_ids_if_due() {
  LOOP_ASSERT(loop_);
  if (!options_.dedupe || options_.log == nullptr || storing_ids_ || new_ids_ < kCheckpointIds) return;
  // The larger the table the longer it may grow, so that what is written stays in proportion to what comes in.
  if (new_ids_ >= options_.dedupe->size() / 2) store_ids();
}

void SourceIntake::store_ids() {
  storing_ids_ = true;
  gathered_ids_ = false;
  new_ids_ = 0;
  const auto stored = [this] {
    storing_ids_ = false;
    tell_idle();
  };
  const bool posted = workers_.door(options_.door_thread).post([this, stored] {
    write_ids();
    loop_.post(stored);
  });
  if (!posted) loop_.post(stored);
}

void SourceIntake::write_ids() {
  std::vector<int64_t> ends;
  {
    // Before the table is looked at: what is confirmed from here on may or may not be in it.
    std::lock_guard lock(ids_mutex_);
    ends = ids_end_;
  }
  const Status stored =
      options_.log->store_checkpoint(checkpoint_name(), encode_checkpoint(*options_.dedupe, ids_kind(), ends));
  if (stored) return;
  log_warning(
      options_.pipeline + "/" + options_.source,
      "the ids it knows were not stored, so the next start reads them from the log: " + stored.error().describe());
}

void SourceIntake::close(Task closed) {
  if (!options_.dedupe || options_.log == nullptr) return when_idle(std::move(closed));
  when_idle([this, closed = std::move(closed)]() mutable {
    // As it is stored already; else the next start would gather again what this one has.
    if (new_ids_ == 0 && !gathered_ids_) return closed();
    store_ids();
    when_idle(std::move(closed));
  });
}

}  // namespace colloquium::engine
