#include "log/segment_log_impl.h"

#include <algorithm>

#include "base/assert.h"
#include "log/checkpoint_file.h"
#include "log/layout.h"

namespace colloquium::log {
namespace {

// Tasks of the log thread that may wait: a turn, a tick, a close, and refusals, which callers bound themselves.
constexpr size_t kTaskCapacity = 4096;
// How often a want of descriptors is told, which comes and goes with every group.
constexpr int64_t kTellFullNs = int64_t{60} * 1'000'000'000;

}  // namespace

SegmentLog::Impl::Impl(LogOptions options, OpenData data)
    : options_(std::move(options)),
      tag_(std::move(data.tag)),
      report_(std::move(data.report)),
      journal_(std::move(data.journal)),
      fs_(*options_.files),
      streams_(std::move(data.streams)),
      space_(fs_, options_.directory, options_.reserve_bytes, options_.reserve_fraction),
      upkeep_(*options_.executor, fs_, *options_.clock, *journal_, options_.retention_interval_ms,
              {options_.compaction_memory_bytes, options_.reserve_bytes, options_.reserve_fraction},
              options_.on_warning, [this](const Error& error) { fail_for_good(error); }) {
  helpers_ = options_.executor->make_queue("log-sync", std::max<size_t>(1, options_.sync_helpers), kTaskCapacity);
  const auto wake = [this](const Partition& p) { subscribers_.wake(p.stream(), p.number()); };
  // Where there is no room for it, the next group that is synced does the same.
  const auto synced = [this, gate = gate_] {
    const std::lock_guard lock(gate->mutex);
    if (gate->queue == nullptr) return;
    const bool posted = gate->queue->post([this] { collect_synced(); });
    (void)posted;
  };
  group_commit_ = std::make_unique<GroupCommit>(
      *options_.executor, *helpers_, *options_.clock, *journal_, counters_, wake,
      [this](const Error& error) { found_full(error); }, synced);
  queue_ = options_.executor->make_queue("log", 1, kTaskCapacity);
  gate_->queue = queue_.get();
}

// The queue goes first and runs what is posted; without close() that may be a turn, which needs all the rest, the
// queue's own pointer too: so nothing is reset here by hand.
SegmentLog::Impl::~Impl() {
  {
    const std::lock_guard gate(gate_->mutex);
    gate_->queue = nullptr;
  }
  const std::lock_guard lock(mutex_);
  going_ = true;
}

// What is stored here can be gathered again, so its failure is not the log's. But no sync that failed is repeated.
Status SegmentLog::Impl::store_checkpoint(const std::string& name, std::string bytes) {
  const std::lock_guard lock(storing_checkpoint_);
  if (checkpoint_failure_) return fail(*checkpoint_failure_);
  Status stored = write_checkpoint(fs_, options_.directory, name, std::move(bytes));
  if (!stored && stored.error().code == ErrorCode::kIo) checkpoint_failure_ = stored.error();
  return stored;
}

// --- streams -------------------------------------------------------------------------------------------------

OpenStream* SegmentLog::Impl::stream_locked(StreamId id) const {
  ASSERT(streams_.size() <= static_cast<size_t>(INT32_MAX));
  if (id < 0 || static_cast<size_t>(id) >= streams_.size()) return nullptr;
  return streams_[static_cast<size_t>(id)].get();
}

Result<StreamId> SegmentLog::Impl::open_stream(const StreamSpec& spec) {
  ASSERT(spec.partitions >= 0);
  TRY(check_stream_name(spec.name));
  const std::lock_guard making(making_stream_);
  size_t partitions = static_cast<size_t>(spec.partitions);
  {
    const std::lock_guard lock(mutex_);
    if (const std::optional<Error> refused = refusal_locked()) return fail(*refused);
    for (size_t i = 0; i < streams_.size(); ++i) {
      const OpenStream& stream = *streams_[i];
      partitions += stream.writers.size();
      if (stream.name != spec.name) continue;
      if (spec.partitions != 0 && stream.meta.partitions != spec.partitions) {
        return partition_count_changed(spec, stream.meta.partitions);
      }
      set_upkeep(*streams_[i], spec, options_.segment_bytes);
      return static_cast<StreamId>(i);
    }
  }
  if (spec.partitions == 0) return no_such_stream(spec);
  const size_t share = memory_share(options_, partitions);
  auto made = make_stream(options_, spec, share);
  // A second attempt would find names there that no sync has stored, and take them for good.
  if (!made && made.error().code == ErrorCode::kIo) fail_for_good(made.error());
  TRY_ASSIGN(auto stream, std::move(made));
  set_upkeep(*stream, spec, options_.segment_bytes);
  const std::lock_guard lock(mutex_);
  // What the others had is shared with it.
  for (const auto& other : streams_) {
    for (const auto& writer : other->writers) writer->partition().limit_memory(share);
  }
  streams_.push_back(std::move(stream));
  return static_cast<StreamId>(streams_.size() - 1);
}

namespace {
StreamInfo info_of(const OpenStream& stream) {
  ASSERT(stream.writers.size() == static_cast<size_t>(stream.meta.partitions));
  StreamInfo info{stream.name, stream.meta.tag, {}};
  for (const auto& writer : stream.writers) info.partitions.push_back(writer->partition().info());
  return info;
}
}  // namespace

Result<StreamInfo> SegmentLog::Impl::stream_info(StreamId id) const {
  const std::lock_guard lock(mutex_);
  const OpenStream* stream = stream_locked(id);
  if (stream == nullptr) return fail(ErrorCode::kNotFound, "no stream of this log has that number");
  return info_of(*stream);
}

std::vector<StreamInfo> SegmentLog::Impl::streams() const {
  const std::lock_guard lock(mutex_);
  std::vector<StreamInfo> all;
  for (const auto& stream : streams_) all.push_back(info_of(*stream));
  return all;
}

std::shared_ptr<Partition> SegmentLog::Impl::partition(StreamId id, int32_t number) const {
  const std::lock_guard lock(mutex_);
  const OpenStream* stream = stream_locked(id);
  if (stream == nullptr || number < 0 || static_cast<size_t>(number) >= stream->writers.size()) return nullptr;
  return stream->writers[static_cast<size_t>(number)]->shared();
}

void SegmentLog::Impl::subscribe(StreamId id, UniqueFunction<void(int32_t)> wake) {
  const std::lock_guard lock(mutex_);
  const OpenStream* stream = stream_locked(id);
  ASSERT_WHY(stream != nullptr, "subscribe to an open stream");
  subscribers_.add(stream->name, std::move(wake));
}

// --- staging -------------------------------------------------------------------------------------------------

std::optional<Error> SegmentLog::Impl::refusal_locked() const {
  if (failed_) return failed_;
  if (closed_) return Error{ErrorCode::kCancelled, "the log is closed"};
  return std::nullopt;
}

std::optional<Error> SegmentLog::Impl::append_refusal_locked(const EncodedBatch& batch) const {
  if (std::optional<Error> refused = refusal_locked()) return refused;
  if (std::optional<Error> refused = space_.refusal()) return refused;
  if (!batch.follows && staging_.bytes() >= options_.queue_bytes_max) return queue_full_error();
  return std::nullopt;
}

template <class Done>
void SegmentLog::Impl::refuse(Done done, Error error) {
  ASSERT(!error.message.empty());
  ++counters_.errors;
  auto shared = std::make_shared<Done>(std::move(done));
  const auto tell = [shared, error = std::move(error)] { (*shared)(fail(error)); };
  if (!queue_->post(tell)) tell();
}

void SegmentLog::Impl::schedule_locked() {
  if (scheduled_ || staging_.empty()) return;
  scheduled_ = queue_->post([this] { turn(); });
  ASSERT_WHY(scheduled_ || going_, "the log thread's queue has room for its own turn");
}

void SegmentLog::Impl::schedule_again_locked() {
  ASSERT(scheduled_);
  scheduled_ = false;
  schedule_locked();
}

PartitionWriter* SegmentLog::Impl::writer_locked(StreamId id, int32_t number) const {
  const OpenStream* stream = stream_locked(id);
  ASSERT_WHY(stream != nullptr, "append and commit to open streams");
  ASSERT(number >= 0 && static_cast<size_t>(number) < stream->writers.size());
  return stream->writers[static_cast<size_t>(number)].get();
}

void SegmentLog::Impl::append(StreamId id, int32_t number, EncodedBatch batch, AckLevel level, AppendDone done) {
  ASSERT(batch.count > 0 && done);
  std::optional<Error> refused;
  bool here = false;
  {
    const std::lock_guard lock(mutex_);
    PartitionWriter* const writer = writer_locked(id, number);
    refused = append_refusal_locked(batch);
    if (!refused) {
      here = batch.caller_waits && !scheduled_;
      staging_.add(StagedAppend{writer, std::move(batch), level, std::move(done), options_.clock->monotonic_ns()});
      // What others stage meanwhile is this turn's.
      if (here) scheduled_ = true;
      schedule_locked();
    }
  }
  if (!refused) {
    if (here) turn_here();
    return;
  }
  // At once: whoever is told later may have appended what belongs behind it by then.
  ++counters_.errors;
  done(fail(std::move(*refused)));
}

StagedCommit SegmentLog::Impl::stage_locked(CommitRequest request, CommitDone done) const {
  ASSERT(!closed_);
  StagedCommit staged;
  for (const Position& position : request.positions) {
    const bool external = !position.external.empty();
    staged.positions.push_back(external ? nullptr : writer_locked(position.stream, position.partition));
  }
  for (Output& output : request.outputs) {
    ASSERT(output.batch.count > 0);
    staged.outputs.push_back({writer_locked(output.stream, output.partition), std::move(output.batch)});
  }
  request.outputs.clear();
  staged.request = std::move(request);
  staged.done = std::move(done);
  return staged;
}

// Never refused for a full queue: the number of commits is bounded by the legs, and refusing them would keep
// legs from catching up.
void SegmentLog::Impl::commit(CommitRequest request, CommitDone done) {
  ASSERT(done && !request.leg.empty());
  std::optional<Error> refused;
  {
    const std::lock_guard lock(mutex_);
    refused = refusal_locked();
    if (!refused) {
      staging_.add(stage_locked(std::move(request), std::move(done)));
      schedule_locked();
      return;
    }
  }
  refuse(std::move(done), std::move(*refused));
}

void SegmentLog::Impl::when_not_full(Task resume) {
  ASSERT(resume);
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  resumes_.push_back(std::move(resume));
  // If it is not full at all, the log thread finds that out.
  const bool posted = queue_->post([this] { resume_waiting(); });
  ASSERT(posted);
}

// --- the log thread ------------------------------------------------------------------------------------------

Group SegmentLog::Impl::take_group(size_t& bytes) {
  ASSERT(queue_->is_current());
  const std::lock_guard lock(mutex_);
  return staging_.take(options_.group_bytes, bytes);
}

void SegmentLog::Impl::turn() {
  size_t bytes = 0;
  Group group = take_group(bytes);
  turn_with(std::move(group), bytes, false);
}

void SegmentLog::Impl::turn_with(Group group, size_t bytes, bool unsynced) {
  ASSERT(queue_->is_current());
  space_.check_before(bytes, options_.clock->monotonic_ns());
  run_group(std::move(group), unsynced);
  staging_.done(bytes);
  {
    const std::lock_guard lock(mutex_);
    schedule_again_locked();
  }
  resume_waiting();
}

// A caller that waits for its turn may do it, which saves waking the log thread and being woken by it: far more
// than a write takes. But it is not to wait for a disk, however slow that is: what needs a sync is the log
// thread's.
void SegmentLog::Impl::turn_here() {
  Task task = [this] {
    size_t bytes = 0;
    Group group = take_group(bytes);
    if (group_commit_->needs_no_sync(group)) return turn_with(std::move(group), bytes, true);
    const bool posted = queue_->post(
        [this, group = std::move(group), bytes]() mutable { turn_with(std::move(group), bytes, false); });
    const std::lock_guard lock(mutex_);
    ASSERT_WHY(posted || going_, "the log thread's queue has room for its own turn");
  };
  if (queue_->try_run(task)) return;
  const std::lock_guard lock(mutex_);
  schedule_again_locked();
}

void SegmentLog::Impl::refuse_appends(std::vector<StagedAppend> appends, const Error& error) {
  ASSERT(queue_->is_current());
  counters_.errors += appends.size();
  for (StagedAppend& append : appends) append.done(fail(error));
}

// A disk that is full others see, too; that there are no descriptors is this process's own matter.
void SegmentLog::Impl::found_full(const Error& error) {
  ASSERT(queue_->is_current());
  space_.note_full(error);
  const int64_t now_ns = options_.clock->monotonic_ns();
  const bool told = told_full_ns_ && now_ns - *told_full_ns_ < kTellFullNs;
  if (told || error.code != ErrorCode::kUnavailable || !options_.on_warning) return;
  told_full_ns_ = now_ns;
  options_.on_warning("nothing is stored until it can be: " + error.message);
}

// What is queued behind an append that found no space fails with it, also if space comes back meanwhile: a source
// goes back to the first that failed, and nothing that belongs behind it may be in the log before it.
void SegmentLog::Impl::refuse_staged() {
  ASSERT(queue_->is_current() && space_.full());
  std::vector<StagedAppend> appends;
  size_t bytes = 0;
  {
    // From here on append() refuses, until check() finds space.
    const std::lock_guard lock(mutex_);
    appends = staging_.take_appends(bytes);
  }
  refuse_appends(std::move(appends), space_.error());
  staging_.done(bytes);
}

void SegmentLog::Impl::run_group(Group group, bool unsynced) {
  ASSERT(!group.appends.empty() || !group.commits.empty());
  std::optional<Error> failed;
  {
    const std::lock_guard lock(mutex_);
    failed = failed_;
  }
  if (failed) {
    refuse_appends(std::move(group.appends), *failed);
    counters_.errors += group.commits.size();
    for (StagedCommit& commit : group.commits) commit.done(fail(*failed));
    return;
  }
  // Commits go on in the reserve: they let legs finish what is acknowledged already.
  if (space_.full()) refuse_appends(std::exchange(group.appends, {}), space_.error());
  const bool idle = group.appends.empty() && group.commits.empty();
  const Status done = idle ? Status() : group_commit_->run(std::move(group), unsynced);
  if (space_.full()) refuse_staged();
  if (!done) fail_for_good(done.error());
}

void SegmentLog::Impl::collect_synced() {
  ASSERT(queue_->is_current());
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return;
  }
  const Status collected = group_commit_->collect();
  if (!collected) fail_for_good(collected.error());
}

void SegmentLog::Impl::fail_for_good(const Error& error) {
  ASSERT(!error.message.empty());
  Error told = error;
  told.retryable = false;
  if (told.code != ErrorCode::kConflict)
    told.message += "; the log can't go on, because what was written may be lost: restart, and it recovers";
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return;
    failed_ = told;
  }
  upkeep_.stop();
  if (options_.on_failure) options_.on_failure(told);
}

void SegmentLog::Impl::resume_waiting() {
  std::vector<Task> ready;
  {
    const std::lock_guard lock(mutex_);
    const bool room = staging_.bytes() <= options_.queue_bytes_max / 2 && !space_.full();
    if (!room && !failed_ && !closed_) return;
    ready.swap(resumes_);
  }
  for (Task& task : ready) task();
}

std::vector<PartitionWriter*> SegmentLog::Impl::all_writers() {
  const std::lock_guard lock(mutex_);
  std::vector<PartitionWriter*> writers = {&journal_->writer()};
  for (const auto& stream : streams_) {
    for (const auto& writer : stream->writers) writers.push_back(writer.get());
  }
  return writers;
}

void SegmentLog::Impl::tick() {
  if (tick_posted_.exchange(true)) return;
  if (!queue_->post([this] { do_tick(); })) tick_posted_ = false;
}

void SegmentLog::Impl::do_tick() {
  ASSERT(queue_->is_current());
  tick_posted_ = false;
  {
    const std::lock_guard lock(mutex_);
    if (failed_ || closed_) return;
  }
  if (options_.still_ours) {
    if (const Status ours = options_.still_ours(); !ours) return fail_for_good(ours.error());
  }
  if (upkeep_.due()) keep_up(nullptr);
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return;
  }
  group_commit_->sync_unawaited();
  const bool was_full = space_.full();
  space_.check();
  if (was_full && !space_.full()) resume_waiting();
  // Each by itself: what is quiet has to be marked while others are busy.
  std::vector<PartitionWriter*> idle = all_writers();
  const int64_t written_before_ns = options_.clock->monotonic_ns() - options_.idle_mark_ms * 1'000'000;
  const auto is_busy = [&](const PartitionWriter* writer) {
    return !writer->wants_mark() || writer->written_ns() > written_before_ns;
  };
  idle.erase(std::remove_if(idle.begin(), idle.end(), is_busy), idle.end());
  if (idle.empty()) return;
  const Status marked = group_commit_->mark(idle);
  if (!marked) fail_for_good(marked.error());
}

// --- retention -----------------------------------------------------------------------------------------------

std::vector<KeptStream> SegmentLog::Impl::kept_streams() const {
  const std::lock_guard lock(mutex_);
  std::vector<KeptStream> kept;
  for (const auto& stream : streams_) {
    if (!stream->retention.removes() && !stream->compaction.on) continue;
    kept.push_back({stream->name, stream->retention, stream->compaction, {}});
    for (const auto& writer : stream->writers) kept.back().writers.push_back(writer.get());
  }
  return kept;
}

void SegmentLog::Impl::keep_up(Upkeep::Done done) {
  ASSERT(queue_->is_current());
  std::optional<Error> refused;
  {
    // Whatever failed since this was asked for may have left a group half written.
    const std::lock_guard lock(mutex_);
    refused = refusal_locked();
  }
  if (refused) {
    if (done) done(fail(*refused));
    return;
  }
  if (const Status settled = group_commit_->settle(); !settled) {
    fail_for_good(settled.error());
    if (done) done(fail(settled.error()));
    return;
  }
  const Status begun = upkeep_.begin(kept_streams(), std::move(done));
  if (begun) return;
  if (io::waits_for_room(begun.error())) return found_full(begun.error());
  fail_for_good(begun.error());
}

void SegmentLog::Impl::apply_retention(UniqueFunction<void(Status)> done) {
  ASSERT(done);
  std::optional<Error> refused;
  {
    const std::lock_guard lock(mutex_);
    refused = refusal_locked();
  }
  auto shared = std::make_shared<Upkeep::Done>(std::move(done));
  if (!refused && queue_->post([this, shared] { keep_up(std::move(*shared)); })) return;
  if (!refused) refused = Error{ErrorCode::kUnavailable, "the log's thread has too much to do already", true};
  (*shared)(fail(*refused));
}

Status SegmentLog::Impl::finish() {
  ASSERT(queue_->is_current());
  upkeep_.drain();
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return fail(*failed_);
  }
  TRY(group_commit_->mark(all_writers()));
  std::vector<OpenStream*> streams;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& stream : streams_) streams.push_back(stream.get());
  }
  return write_clean(fs_, options_.directory, *journal_, streams);
}

Status SegmentLog::Impl::close() {
  ASSERT_WHY(!queue_->is_current(), "the log thread can't wait for itself");
  const auto finished = options_.executor->make_signal();
  Status result;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return failed_ ? Status(fail(*failed_)) : close_result_;
    closed_ = true;
  }
  // Re-posts itself behind the turns that are left.
  std::function<void()> last = [&] {
    bool waiting = false;
    {
      const std::lock_guard lock(mutex_);
      waiting = !staging_.empty();
    }
    if (waiting && queue_->post([&] { last(); })) return;
    result = finish();
    finished->set();
  };
  const bool posted = queue_->post([&] { last(); });
  ASSERT(posted);
  finished->wait();
  resume_waiting();
  const std::lock_guard lock(mutex_);
  close_result_ = result;
  return result;
}

LogStats SegmentLog::Impl::stats() const {
  LogStats stats;
  stats.appended_batches = counters_.appended_batches;
  stats.appended_events = counters_.appended_events;
  stats.appended_bytes = counters_.appended_bytes;
  stats.groups = counters_.groups;
  stats.syncs = counters_.syncs;
  stats.commits = counters_.commits;
  stats.errors = counters_.errors;
  stats.removed_segments = upkeep_.counters().segments;
  stats.removed_bytes = upkeep_.counters().bytes;
  stats.removed_offsets = upkeep_.counters().offsets;
  stats.removed_unread_offsets = upkeep_.counters().unread_offsets;
  stats.compacted_segments = upkeep_.compacted().segments;
  stats.compacted_records = upkeep_.compacted().records;
  stats.compacted_bytes = upkeep_.compacted().bytes;
  stats.queue_bytes = staging_.bytes();
  return stats;
}

}  // namespace colloquium::log
