#include "log/fake_log.h"

#include <algorithm>
#include <deque>
#include <mutex>

#include "base/assert.h"
#include "base/manual_clock.h"
#include "log/batch_decoder.h"
#include "log/leg_state.h"
#include "log/record_batch.h"

namespace colloquium::log {

class FakeStorage {
 public:
  struct Stored {
    int64_t base_offset;
    int64_t append_time_ms;
    EncodedBatch encoded;
    // Of a compacted one: what is left of it, which may be nothing, and since when.
    std::shared_ptr<const Batch> left = {};
    int64_t compacted_ms = 0;
    int64_t last_offset() const { return base_offset + encoded.count - 1; }
    bool empty() const { return left != nullptr && left->empty(); }
  };
  struct Partition {
    std::deque<Stored> batches;
    int64_t oldest_offset = 0;
    int64_t next_offset = 0;
    uint64_t size_bytes = 0;
  };
  struct Stream {
    std::string name;
    std::string tag;
    std::vector<Partition> partitions;
    Retention retention;
    Compaction compaction;
    std::map<std::pair<int32_t, std::string>, Stored> last_accepted;  // removed by retention, of a source
  };

  mutable std::mutex mutex;  // guards everything below
  std::vector<Stream> streams;
  std::map<std::string, LegState> legs;
  std::map<std::string, std::string> checkpoints;
  uint64_t streams_made = 0;
  size_t reads_to_fail = 0;
  std::optional<Error> read_error;
};

std::shared_ptr<FakeStorage> make_fake_storage() {
  return std::make_shared<FakeStorage>();
}

namespace {

struct PendingAppend {
  StreamId stream;
  int32_t partition;
  EncodedBatch batch;
  AppendDone done;
};
struct PendingCommit {
  CommitRequest request;
  CommitDone done;
};
struct Pending {
  std::optional<PendingAppend> append;
  std::optional<PendingCommit> commit;
};

std::shared_ptr<const BatchOrigin> origin_of(const FakeStorage::Stream& stream, int32_t partition) {
  ASSERT(static_cast<size_t>(partition) < stream.partitions.size());
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = stream.name;
  origin->tag = stream.tag;
  origin->partition = partition;
  return origin;
}

BatchHeader header_of(const FakeStorage::Stored& stored) {
  ASSERT(stored.encoded.count > 0);
  BatchHeader header;
  header.base_offset = stored.base_offset;
  header.attributes = static_cast<uint16_t>(stored.encoded.codec);
  header.base_timestamp_ms = stored.encoded.base_timestamp_ms;
  header.record_count = stored.encoded.count;
  header.last_offset_delta = stored.encoded.count - 1;
  return header;
}

class FakeReader final : public Reader {
 public:
  FakeReader(std::shared_ptr<FakeStorage> storage, StreamId stream, int32_t partition, int64_t offset,
             const TapeBuilder* tape, std::shared_ptr<const BatchOrigin> origin)
      : storage_(std::move(storage)),
        stream_(stream),
        partition_(partition),
        offset_(offset),
        origin_(origin),
        decoder_(std::move(origin), tape) {}

  Result<std::shared_ptr<const Batch>> next() override {
    TRY_ASSIGN(std::shared_ptr<const Batch> batch, find());
    if (batch == nullptr) return batch;
    size_t skipped = 0;
    while (batch->offset(skipped) < offset_) ++skipped;
    offset_ = end_;
    sought_ = false;
    if (skipped > 0) batch = batch->tail(skipped);
    return decoder_.with_tapes(std::move(batch));
  }
  void seek(int64_t offset) override {
    offset_ = offset;
    sought_ = true;
  }
  int64_t offset() const override { return offset_; }

 private:
  Result<std::shared_ptr<const Batch>> find() {
    const std::lock_guard lock(storage_->mutex);
    if (storage_->reads_to_fail > 0) {
      --storage_->reads_to_fail;
      return fail(*storage_->read_error);
    }
    const FakeStorage::Partition& from =
        storage_->streams[static_cast<size_t>(stream_)].partitions[static_cast<size_t>(partition_)];
    if (offset_ < from.oldest_offset && !sought_) {
      return fail(ErrorCode::kNotFound, "offset " + std::to_string(offset_) + " was removed by retention");
    }
    const auto& batches = from.batches;
    const auto holds = [&](const FakeStorage::Stored& stored) {
      if (stored.last_offset() < offset_) return false;
      return stored.left == nullptr ||
             (!stored.empty() && stored.left->offset(stored.left->size() - 1) >= offset_);
    };
    const auto found = std::find_if(batches.begin(), batches.end(), holds);
    if (found == batches.end()) return std::shared_ptr<const Batch>();
    end_ = found->last_offset() + 1;
    if (found->left != nullptr) return found->left;
    const EncodedBatch& encoded = found->encoded;
    if (encoded.batch == nullptr) return decoder_.decode(header_of(*found), encoded.records);
    auto origin = std::make_shared<BatchOrigin>(*origin_);
    origin->source = encoded.batch->origin().source;
    return encoded.batch->placed(std::move(origin), found->base_offset);
  }

  std::shared_ptr<FakeStorage> storage_;
  StreamId stream_;
  int32_t partition_;
  int64_t offset_;
  int64_t end_ = 0;  // behind what find() gave
  bool sought_ = true;
  std::shared_ptr<const BatchOrigin> origin_;
  BatchDecoder decoder_;
};

}  // namespace

struct FakeLog::State {
  State(Executor& an_executor, Clock& a_clock, FakeLogOptions the_options)
      : executor(an_executor),
        clock(a_clock),
        options(std::move(the_options)),
        storage(options.storage != nullptr ? options.storage : make_fake_storage()),
        chance(options.seed),
        queue(executor.make_queue("fake-log", 1, 4096)) {}

  void take_turn();
  void perform(Pending& pending);
  AppendResult place(StreamId stream, int32_t partition, EncodedBatch batch);
  Status check(const CommitRequest& request) const;
  void perform_commit(PendingCommit& pending);
  void wake(StreamId stream, int32_t partition);
  void remove_expired();
  void remove_front(FakeStorage::Stream& stream, int32_t partition);
  bool may_remove(const FakeStorage::Stream& stream, int32_t partition) const;
  void compact_all();
  void compact(FakeStorage::Stream& stream, int32_t partition);
  void take_out(FakeStorage::Stream& stream, int32_t partition, FakeStorage::Stored& stored,
                const std::map<std::string, int64_t>& newest);
  void schedule();
  void resume_if_possible();
  // REQUIRES: mutex held, for these.
  bool is_full() const { return forced_full || queued_bytes >= options.queue_bytes_max; }
  std::optional<Error> refusal() const;

  Executor& executor;
  Clock& clock;
  const FakeLogOptions options;
  const std::shared_ptr<FakeStorage> storage;

  mutable std::mutex mutex;  // guards what follows, down to the queue
  SeededRandom chance;
  std::deque<Pending> pending;
  uint32_t delay = 0;  // turns until the next of `pending`
  bool scheduled = false;
  bool closed = false;
  bool forced_full = false;
  std::optional<size_t> full_after;
  std::optional<Error> failed;
  std::optional<ErrorCode> commits_full;
  size_t queued_bytes = 0;
  std::vector<Task> resumes;
  std::vector<std::pair<StreamId, UniqueFunction<void(int32_t)>>> subscribers;
  LogStats stats;

  std::unique_ptr<TaskQueue> queue;  // last: its tasks use everything above
};

// REQUIRES: mutex held.
void FakeLog::State::schedule() {
  if (scheduled || pending.empty()) return;
  scheduled = queue->post([this] { take_turn(); });
  ASSERT(scheduled);
}

void FakeLog::State::take_turn() {
  Pending next;
  {
    const std::lock_guard lock(mutex);
    scheduled = false;
    if (delay > 0) {
      --delay;
      schedule();
      return;
    }
    ASSERT(!pending.empty());
    next = std::move(pending.front());
    pending.pop_front();
    delay = static_cast<uint32_t>(chance.below(options.delay_max + 1));
  }
  perform(next);
  const std::lock_guard lock(mutex);
  schedule();
}

std::optional<Error> FakeLog::State::refusal() const {
  if (failed) return failed;
  if (closed) return Error{ErrorCode::kCancelled, "the log is closed"};
  return std::nullopt;
}

AppendResult FakeLog::State::place(StreamId stream, int32_t partition, EncodedBatch batch) {
  ASSERT(batch.count > 0 && partition >= 0);
  const int64_t now_ms = clock.wall_ms();
  const int64_t gap = static_cast<int64_t>(chance.below(static_cast<uint64_t>(options.gap_max) + 1));
  const std::lock_guard lock(storage->mutex);
  FakeStorage::Partition& into =
      storage->streams[static_cast<size_t>(stream)].partitions[static_cast<size_t>(partition)];
  const int64_t before_ms = into.batches.empty() ? 0 : into.batches.back().append_time_ms;
  const int64_t base = into.next_offset + gap;
  into.next_offset = base + batch.count;
  into.size_bytes += batch.records.size() + kHeaderBytes;
  into.batches.push_back({base, std::max(before_ms, now_ms), std::move(batch)});
  return {base, into.next_offset - 1};
}

void FakeLog::State::perform(Pending& next) {
  ASSERT(next.append.has_value() != next.commit.has_value());
  if (next.commit) return perform_commit(*next.commit);
  PendingAppend& append = *next.append;
  const size_t bytes = append.batch.records.size();
  const auto events = static_cast<uint64_t>(append.batch.count);
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex);
    error = failed;
  }
  Result<AppendResult> result = AppendResult{};
  if (error) {
    result = fail(*error);
  } else {
    result = place(append.stream, append.partition, std::move(append.batch));
  }
  {
    const std::lock_guard lock(mutex);
    ASSERT(queued_bytes >= bytes);
    queued_bytes -= bytes;
    if (!error) {
      ++stats.appended_batches;
      stats.appended_events += events;
      stats.appended_bytes += bytes;
    }
  }
  append.done(std::move(result));
  if (!error) wake(append.stream, append.partition);
  resume_if_possible();
}

Status FakeLog::State::check(const CommitRequest& request) const {
  const std::lock_guard lock(storage->mutex);
  for (const Position& position : request.positions) {
    if (!position.external.empty()) continue;
    const auto& partitions = storage->streams[static_cast<size_t>(position.stream)].partitions;
    TRY(check_position(position, partitions[static_cast<size_t>(position.partition)].next_offset));
  }
  return {};
}

void FakeLog::State::perform_commit(PendingCommit& commit) {
  ASSERT(commit.done);
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex);
    error = failed;
    if (!error && commits_full) error = Error{*commits_full, "the fake log was told to be full", true};
  }
  if (error) return commit.done(fail(*error));
  if (Status valid = check(commit.request); !valid) return commit.done(std::move(valid));
  std::vector<std::pair<StreamId, int32_t>> touched;
  for (Output& output : commit.request.outputs) {
    touched.emplace_back(output.stream, output.partition);
    place(output.stream, output.partition, std::move(output.batch));
  }
  {
    const std::lock_guard lock(storage->mutex);
    const auto name_of = [&](StreamId id) { return storage->streams[static_cast<size_t>(id)].name; };
    apply_commit(commit.request, name_of, storage->legs);
  }
  {
    const std::lock_guard lock(mutex);
    ++stats.commits;
  }
  commit.done({});
  for (const auto& [stream, partition] : touched) wake(stream, partition);
}

void FakeLog::State::wake(StreamId stream, int32_t partition) {
  // Subscribers are only added, and only this queue's thread calls them: indices stay right without the lock.
  for (size_t i = 0;; ++i) {
    UniqueFunction<void(int32_t)>* call = nullptr;
    {
      const std::lock_guard lock(mutex);
      if (i >= subscribers.size()) return;
      if (subscribers[i].first == stream) call = &subscribers[i].second;
    }
    if (call != nullptr) (*call)(partition);
  }
}

void FakeLog::State::resume_if_possible() {
  std::vector<Task> ready;
  {
    const std::lock_guard lock(mutex);
    if (is_full()) return;
    ready.swap(resumes);
  }
  for (Task& task : ready) task();
}

// --- retention -----------------------------------------------------------------------------------------------

// Every batch is a segment, and the newest is never removed. REQUIRES: the storage's mutex held.
bool FakeLog::State::may_remove(const FakeStorage::Stream& stream, int32_t number) const {
  const FakeStorage::Partition& partition = stream.partitions[static_cast<size_t>(number)];
  if (partition.batches.size() < 2) return false;
  const FakeStorage::Stored& front = partition.batches.front();
  const Retention& retention = stream.retention;
  ASSERT(retention.removes());
  if (front.append_time_ms + retention.keep_ms > clock.wall_ms()) return false;
  const Needed needed = needed_of(storage->legs, stream.name, number, retention.legs);
  if (!retention.drop_unread && needed.offset <= front.last_offset()) return false;
  if (retention.time_ms > 0 && front.append_time_ms < clock.wall_ms() - retention.time_ms) return true;
  uint64_t size_bytes = 0;
  for (const auto& each : stream.partitions) size_bytes += each.size_bytes;
  return retention.size_bytes > 0 && size_bytes > retention.size_bytes;
}

void FakeLog::State::remove_front(FakeStorage::Stream& stream, int32_t number) {
  FakeStorage::Partition& partition = stream.partitions[static_cast<size_t>(number)];
  ASSERT(partition.batches.size() > 1);
  FakeStorage::Stored& front = partition.batches.front();
  const uint64_t bytes = front.encoded.records.size() + kHeaderBytes;
  const int64_t next = partition.batches[1].base_offset;
  {
    const std::lock_guard lock(mutex);
    ++stats.removed_segments;
    stats.removed_bytes += bytes;
    stats.removed_offsets += static_cast<uint64_t>(next - partition.oldest_offset);
    const Needed needed = needed_of(storage->legs, stream.name, number, stream.retention.legs);
    const int64_t unread = std::max(needed.offset, front.base_offset);
    if (unread <= front.last_offset())
      stats.removed_unread_offsets += static_cast<uint64_t>(front.last_offset() + 1 - unread);
  }
  partition.size_bytes -= bytes;
  partition.oldest_offset = next;
  if (!front.encoded.source.empty()) {
    const std::pair<int32_t, std::string> place(number, front.encoded.source);
    stream.last_accepted.insert_or_assign(place, std::move(front));
  }
  partition.batches.pop_front();
}

void FakeLog::State::remove_expired() {
  const std::lock_guard lock(storage->mutex);
  for (FakeStorage::Stream& stream : storage->streams) {
    if (!stream.retention.removes()) continue;
    // The oldest of the stream first, wherever it is.
    for (;;) {
      int32_t oldest = -1;
      const auto time_of = [&](int32_t number) {
        return stream.partitions[static_cast<size_t>(number)].batches.front().append_time_ms;
      };
      for (int32_t number = 0; static_cast<size_t>(number) < stream.partitions.size(); ++number) {
        if (may_remove(stream, number) && (oldest < 0 || time_of(number) < time_of(oldest))) oldest = number;
      }
      if (oldest < 0) break;
      remove_front(stream, oldest);
    }
  }
}

// --- compaction ----------------------------------------------------------------------------------------------

namespace {

// Every event of a batch, where it stands.
std::shared_ptr<const Batch> events_of(const FakeStorage::Stored& stored,
                                       const std::shared_ptr<const BatchOrigin>& origin) {
  if (stored.left != nullptr) return stored.left;
  ASSERT(stored.encoded.count > 0);
  auto decoded = BatchDecoder(origin, nullptr).decode(header_of(stored), stored.encoded.records);
  ASSERT_WHY(decoded.has_value(), "what the fake stores is what was encoded");
  return std::move(*decoded);
}

}  // namespace

// REQUIRES: the storage's mutex held.
void FakeLog::State::take_out(FakeStorage::Stream& stream, int32_t number, FakeStorage::Stored& stored,
                              const std::map<std::string, int64_t>& newest) {
  const auto batch = events_of(stored, origin_of(stream, number));
  const bool first = stored.compacted_ms == 0;
  const bool tombstones_go = !first && stored.compacted_ms + stream.compaction.tombstone_ms <= clock.wall_ms();
  std::vector<BatchEntry> entries;
  for (size_t i = 0; i < batch->size(); ++i) {
    const auto key = batch->key(i);
    const bool replaced = key && newest.at(std::string(*key)) > batch->offset(i);
    const bool over = key && batch->is_tombstone(i) && tombstones_go;
    if (!replaced && !over) entries.push_back(batch->entry(i));
  }
  if (first) stored.compacted_ms = std::max<int64_t>(1, clock.wall_ms());
  if (entries.size() == batch->size()) return;
  stored.left =
      std::make_shared<const Batch>(batch->body(), entries, batch->shared_origin(), batch->base_offset());
  const uint64_t less = batch->payload_bytes() - stored.left->payload_bytes();
  const std::lock_guard lock(mutex);
  ++stats.compacted_segments;
  stats.compacted_records += batch->size() - entries.size();
  stats.compacted_bytes += less;
}

// Every batch is a segment, and the newest is left alone. REQUIRES: the storage's mutex held.
void FakeLog::State::compact(FakeStorage::Stream& stream, int32_t number) {
  FakeStorage::Partition& partition = stream.partitions[static_cast<size_t>(number)];
  const int64_t needed = needed_of(storage->legs, stream.name, number, stream.retention.legs).offset;
  const int64_t left_alone_ms = std::max(stream.compaction.lag_ms, stream.retention.keep_ms);
  size_t count = 0;
  while (count + 1 < partition.batches.size() && partition.batches[count].last_offset() < needed &&
         partition.batches[count].append_time_ms + left_alone_ms <= clock.wall_ms()) {
    ++count;
  }
  ASSERT(count == 0 || count < partition.batches.size());
  std::map<std::string, int64_t> newest;
  for (size_t i = 0; i < count; ++i) {
    const auto batch = events_of(partition.batches[i], origin_of(stream, number));
    for (size_t event = 0; event < batch->size(); ++event) {
      if (const auto key = batch->key(event)) newest[std::string(*key)] = batch->offset(event);
    }
  }
  for (size_t i = 0; i < count; ++i) take_out(stream, number, partition.batches[i], newest);
}

void FakeLog::State::compact_all() {
  const std::lock_guard lock(storage->mutex);
  for (FakeStorage::Stream& stream : storage->streams) {
    if (!stream.compaction.on) continue;
    ASSERT(!stream.partitions.empty());
    for (int32_t number = 0; static_cast<size_t>(number) < stream.partitions.size(); ++number) {
      compact(stream, number);
    }
  }
}

void FakeLog::apply_retention(UniqueFunction<void(Status)> done) {
  ASSERT(done);
  auto shared = std::make_shared<UniqueFunction<void(Status)>>(std::move(done));
  const bool posted = state_->queue->post([state = state_.get(), shared] {
    state->remove_expired();
    state->compact_all();
    (*shared)({});
  });
  if (!posted) (*shared)(fail(ErrorCode::kCancelled, "the log is closed"));
}

FakeLog::FakeLog(Executor& executor, Clock& clock, FakeLogOptions options)
    : state_(std::make_shared<State>(executor, clock, std::move(options))) {}

FakeLog::~FakeLog() {
  (void)close();
}

Result<StreamId> FakeLog::open_stream(const StreamSpec& spec) {
  ASSERT(spec.partitions >= 0);
  const std::lock_guard lock(state_->storage->mutex);
  auto& streams = state_->storage->streams;
  for (size_t i = 0; i < streams.size(); ++i) {
    if (streams[i].name != spec.name) continue;
    const auto count = static_cast<int32_t>(streams[i].partitions.size());
    if (spec.partitions != 0 && count != spec.partitions) return partition_count_changed(spec, count);
    if (spec.retention) streams[i].retention = *spec.retention;
    if (spec.compaction) streams[i].compaction = *spec.compaction;
    return static_cast<StreamId>(i);
  }
  if (spec.partitions == 0) return no_such_stream(spec);
  FakeStorage::Stream stream;
  stream.name = spec.name;
  stream.tag = "fake" + std::to_string(1000 + state_->storage->streams_made++);
  stream.partitions.resize(static_cast<size_t>(spec.partitions));
  if (spec.retention) stream.retention = *spec.retention;
  if (spec.compaction) stream.compaction = *spec.compaction;
  streams.push_back(std::move(stream));
  return static_cast<StreamId>(streams.size() - 1);
}

Result<StreamInfo> FakeLog::stream_info(StreamId id) const {
  const std::lock_guard lock(state_->storage->mutex);
  const auto& streams = state_->storage->streams;
  if (id < 0 || static_cast<size_t>(id) >= streams.size()) return fail(ErrorCode::kNotFound, "no such stream");
  const FakeStorage::Stream& stream = streams[static_cast<size_t>(id)];
  StreamInfo info{stream.name, stream.tag, {}};
  for (const auto& partition : stream.partitions) {
    info.partitions.push_back(
        {partition.oldest_offset, partition.next_offset, partition.next_offset, partition.size_bytes});
  }
  return info;
}

void FakeLog::append(StreamId stream, int32_t partition, EncodedBatch batch, AckLevel, AppendDone done) {
  ASSERT(batch.count > 0 && done);
  std::optional<Error> refused;
  {
    const std::lock_guard lock(state_->mutex);
    refused = state_->refusal();
    if (!refused && state_->forced_full) {
      refused = Error{ErrorCode::kNoSpace, "the fake log was told to be full", true};
    } else if (!refused && !batch.follows && state_->is_full()) {
      refused = queue_full_error();
    }
    if (!refused) {
      if (state_->full_after && --*state_->full_after == 0) {
        state_->forced_full = true;
        state_->full_after.reset();
      }
      state_->queued_bytes += batch.records.size();
      state_->pending.push_back({PendingAppend{stream, partition, std::move(batch), std::move(done)}, {}});
      state_->schedule();
    }
  }
  if (refused) done(fail(std::move(*refused)));
}

bool FakeLog::full() const {
  const std::lock_guard lock(state_->mutex);
  return state_->is_full();
}

void FakeLog::when_not_full(Task resume) {
  ASSERT(resume);
  const std::lock_guard lock(state_->mutex);
  state_->resumes.push_back(std::move(resume));
  const bool posted = state_->queue->post([state = state_.get()] { state->resume_if_possible(); });
  ASSERT(posted || state_->closed);
}

void FakeLog::commit(CommitRequest request, CommitDone done) {
  ASSERT(done);
  const std::lock_guard lock(state_->mutex);
  if (std::optional<Error> refused = state_->refusal()) {
    auto shared = std::make_shared<CommitDone>(std::move(done));
    const auto refuse = [shared, error = std::move(*refused)]() { (*shared)(fail(error)); };
    if (!state_->queue->post(refuse)) refuse();
    return;
  }
  state_->pending.push_back({{}, PendingCommit{std::move(request), std::move(done)}});
  state_->schedule();
}

std::optional<LegState> FakeLog::leg_state(const std::string& leg) const {
  const std::lock_guard lock(state_->storage->mutex);
  const auto found = state_->storage->legs.find(leg);
  if (found == state_->storage->legs.end()) return std::nullopt;
  return found->second;
}

Result<std::unique_ptr<Reader>> FakeLog::read(StreamId stream, int32_t partition, int64_t from_offset,
                                              bool with_tape) {
  const std::lock_guard lock(state_->storage->mutex);
  const auto& streams = state_->storage->streams;
  if (stream < 0 || static_cast<size_t>(stream) >= streams.size())
    return fail(ErrorCode::kNotFound, "no such stream");
  const FakeStorage::Stream& from = streams[static_cast<size_t>(stream)];
  ASSERT(partition >= 0 && static_cast<size_t>(partition) < from.partitions.size());
  return std::make_unique<FakeReader>(state_->storage, stream, partition, from_offset,
                                      with_tape ? &state_->options.tape : nullptr, origin_of(from, partition));
}

void FakeLog::subscribe(StreamId stream, UniqueFunction<void(int32_t partition)> wake) {
  ASSERT(wake);
  const std::lock_guard lock(state_->mutex);
  state_->subscribers.emplace_back(stream, std::move(wake));
}

Status FakeLog::accepted_since(StreamId stream, int64_t since_ms, std::span<const int64_t> known_below,
                               UniqueFunction<void(const Accepted&)> visit) {
  ASSERT(visit);
  const std::lock_guard lock(state_->storage->mutex);
  const FakeStorage::Stream& from = state_->storage->streams[static_cast<size_t>(stream)];
  for (size_t p = 0; p < from.partitions.size(); ++p) {
    const auto& batches = from.partitions[p].batches;
    BatchDecoder decoder(origin_of(from, static_cast<int32_t>(p)), nullptr);
    std::map<std::string, const FakeStorage::Stored*> last_of;
    std::vector<const FakeStorage::Stored*> all;
    for (const auto& [place, stored] : from.last_accepted) {
      if (place.first == static_cast<int32_t>(p)) all.push_back(last_of[place.second] = &stored);
    }
    for (const auto& stored : batches) all.push_back(&stored);
    for (const auto& stored : batches) {
      if (!stored.encoded.source.empty()) last_of[stored.encoded.source] = &stored;
    }
    for (const FakeStorage::Stored* stored : all) {
      const bool known = p < known_below.size() && stored->base_offset < known_below[p];
      const bool recent = stored->append_time_ms >= since_ms && !known;
      const auto last = last_of.find(stored->encoded.source);
      if (!recent && (last == last_of.end() || last->second != stored)) continue;
      TRY_ASSIGN(const std::optional<AcceptInfo> info,
                 decoder.decode_accept(header_of(*stored), stored->encoded.records));
      if (info) visit({static_cast<int32_t>(p), stored->base_offset, stored->append_time_ms, *info});
    }
  }
  return {};
}

Result<int64_t> FakeLog::first_within(StreamId stream, int32_t number, const LagLimit& limit) const {
  const std::lock_guard lock(state_->storage->mutex);
  const auto& streams = state_->storage->streams;
  const bool there = stream >= 0 && static_cast<size_t>(stream) < streams.size() && number >= 0 &&
                     static_cast<size_t>(number) < streams[static_cast<size_t>(stream)].partitions.size();
  if (!there) return fail(ErrorCode::kNotFound, "no such stream or partition in this log");
  const FakeStorage::Partition& partition =
      streams[static_cast<size_t>(stream)].partitions[static_cast<size_t>(number)];
  int64_t first = partition.next_offset;
  uint64_t behind = 0;
  for (auto at = partition.batches.rbegin(); at != partition.batches.rend(); ++at) {
    behind += at->encoded.records.size() + kHeaderBytes;
    const bool old = limit.since_ms && at->append_time_ms < *limit.since_ms;
    if (old || (limit.bytes && behind > *limit.bytes)) return first;
    first = at->base_offset;
  }
  return partition.oldest_offset;
}

Status FakeLog::store_checkpoint(const std::string& name, std::string bytes) {
  const std::lock_guard lock(state_->storage->mutex);
  state_->storage->checkpoints[name] = std::move(bytes);
  return {};
}

std::optional<std::string> FakeLog::load_checkpoint(const std::string& name) const {
  const std::lock_guard lock(state_->storage->mutex);
  const auto found = state_->storage->checkpoints.find(name);
  if (found == state_->storage->checkpoints.end()) return std::nullopt;
  return found->second;
}

Status FakeLog::close() {
  std::shared_ptr<Signal> drained;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) return {};
    state_->closed = true;
    drained = state_->executor.make_signal();
  }
  // Re-posts itself behind what is pending until nothing is.
  struct Drain {
    State* state;
    std::shared_ptr<Signal> drained;
    void operator()() {
      {
        const std::lock_guard lock(state->mutex);
        if (!state->pending.empty() && state->queue->post(Drain{*this})) return;
      }
      drained->set();
    }
  };
  if (state_->queue->post(Drain{state_.get(), drained})) drained->wait();
  const std::lock_guard lock(state_->mutex);
  if (state_->failed) return fail(*state_->failed);
  return {};
}

LogStats FakeLog::stats() const {
  const std::lock_guard lock(state_->mutex);
  LogStats stats = state_->stats;
  stats.queue_bytes = state_->queued_bytes;
  return stats;
}

void FakeLog::set_commits_full(bool full, ErrorCode why) {
  const std::lock_guard lock(state_->mutex);
  state_->commits_full.reset();
  if (full) state_->commits_full = why;
}

void FakeLog::fail_reads(size_t count, Error error) {
  const std::lock_guard lock(state_->storage->mutex);
  state_->storage->reads_to_fail = count;
  state_->storage->read_error = std::move(error);
}

void FakeLog::set_full_after(size_t appends) {
  ASSERT(appends > 0);
  const std::lock_guard lock(state_->mutex);
  state_->full_after = appends;
}

void FakeLog::set_full(bool full) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->forced_full = full;
  }
  if (!full) (void)state_->queue->post([state = state_.get()] { state->resume_if_possible(); });
}

void FakeLog::fail_for_good(Error error) {
  ASSERT(!error.message.empty());
  const std::lock_guard lock(state_->mutex);
  state_->failed = std::move(error);
}

}  // namespace colloquium::log
