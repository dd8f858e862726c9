#include "log/partition.h"

#include <algorithm>

#include "base/assert.h"
#include "log/batch_cursor.h"
#include "log/layout.h"
#include "log/segment_file.h"

namespace colloquium::log {

// A sealed segment's bytes and size are a pair: nobody has the file of before when it is opened anew. One that was
// being written when it was looked at may have been sealed since by whoever writes it, and compacted.
Result<std::shared_ptr<const io::File>> Segment::file(io::FileSystem& fs) {
  const std::lock_guard lock(mutex_);
  if (std::shared_ptr<const io::File> open = file_.lock()) return open;
  std::shared_ptr<const io::File> shared;
  auto opened = live_index_ ? Result<SealedFile>(fail(ErrorCode::kNotFound, "it is being written"))
                            : open_sealed_file(fs, directory_, base_offset_);
  // What this process has written itself it can read without its seal.
  const bool needs_none =
      !sealed_ && !opened &&
      (opened.error().code == ErrorCode::kNotFound || opened.error().code == ErrorCode::kCorrupt);
  if (!opened && !needs_none) return fail(opened.error());
  if (opened) {
    set_readable_bytes(opened->size);
    compacted_.store(opened->seal.compacted.generation > 0, std::memory_order_release);
    shared = std::move(opened->file);
  } else {
    TRY_ASSIGN(shared, fs.open(segment_path(directory_, base_offset_, "log"), io::OpenMode::kRead));
  }
  ASSERT(shared != nullptr);
  file_ = shared;
  return shared;
}

void Segment::keep_file(std::shared_ptr<const io::File> file) {
  const std::lock_guard lock(mutex_);
  ASSERT_WHY(file != nullptr && file_.lock() == file, "what is kept is what readers have");
  kept_ = std::move(file);
}

Result<std::shared_ptr<const SegmentKey>> Segment::key(const io::FileSystem& fs,
                                                       const std::shared_ptr<const KeyRing>& keys,
                                                       const std::string& partition) {
  ASSERT(!partition.empty());
  const std::lock_guard lock(mutex_);
  if (!key_) {
    TRY_ASSIGN(key_, read_segment_key(fs, keys, {directory_, partition, base_offset_}));
  }
  return *key_;
}

void Segment::set_key(std::shared_ptr<const SegmentKey> key) {
  const std::lock_guard lock(mutex_);
  ASSERT(base_offset_ >= 0);
  key_ = std::move(key);
}

bool Segment::has_key_file(const io::FileSystem& fs) const {
  ASSERT(!directory_.empty());
  return fs.info(segment_path(directory_, base_offset_, "key")).has_value();
}

Result<SegmentIndex> Segment::loaded_index(io::FileSystem& fs) {
  {
    const std::lock_guard lock(mutex_);
    if (live_index_) return *live_index_;
  }
  TRY_ASSIGN(const std::shared_ptr<const io::File> open, file(fs));
  return load_index(fs, directory_, base_offset_, open, readable_bytes());
}

// Index files are not to be trusted (one may be older than a cut): an entry counts if a batch of its offset
// begins where it points.
Result<bool> Segment::holds(io::FileSystem& fs, const SegmentIndex::Entry& entry) {
  ASSERT(entry.offset >= base_offset_);
  if (entry.position == 0) return entry.offset == base_offset_;
  if (entry.position + kHeaderBytes > readable_bytes()) return false;
  TRY_ASSIGN(const std::shared_ptr<const io::File> open, file(fs));
  BatchCursor cursor(open, entry.position, readable_bytes());
  const auto item = cursor.next(false);
  if (!item && item.error().code != ErrorCode::kCorrupt) return fail(item.error());
  return item && *item && (*item)->header.base_offset == entry.offset;
}

Result<SegmentIndex::Entry> Segment::place(io::FileSystem& fs, Lookup lookup, int64_t wanted) {
  ASSERT(lookup != nullptr);
  const SegmentIndex::Entry beginning{base_offset_, 0, 0};
  TRY_ASSIGN(const std::shared_ptr<const io::File> open, file(fs));
  TRY_ASSIGN(const SegmentIndex index, loaded_index(fs));
  const SegmentIndex::Entry* entry = (index.*lookup)(wanted);
  if (entry == nullptr) return beginning;
  TRY_ASSIGN(const bool good, holds(fs, *entry));
  if (good) return *entry;
  TRY_ASSIGN(const SegmentIndex rebuilt, SegmentIndex::rebuild(open, readable_bytes()));
  entry = (rebuilt.*lookup)(wanted);
  return entry == nullptr ? beginning : *entry;
}

Result<SegmentIndex::Entry> Segment::place_before(io::FileSystem& fs, int64_t offset) {
  ASSERT(offset >= base_offset_);
  return place(fs, &SegmentIndex::before_offset, offset);
}

Result<SegmentIndex::Entry> Segment::place_before_position(io::FileSystem& fs, uint64_t position) {
  return place(fs, &SegmentIndex::before_position, static_cast<int64_t>(position));
}

Result<SegmentIndex::Entry> Segment::place_before_time(io::FileSystem& fs, int64_t time_ms) {
  return place(fs, &SegmentIndex::before_time, time_ms);
}

void Segment::add_to_index(const SegmentIndex::Entry& entry) {
  const std::lock_guard lock(mutex_);
  ASSERT_WHY(live_index_.has_value(), "only a segment that is being written gets new batches");
  live_index_->add(entry);
}

void Segment::cut_index(uint64_t position) {
  const std::lock_guard lock(mutex_);
  ASSERT(live_index_.has_value());
  live_index_->cut(position);
}

SegmentIndex Segment::index() const {
  const std::lock_guard lock(mutex_);
  ASSERT(live_index_.has_value());
  return *live_index_;
}

void Segment::set_index(SegmentIndex index) {
  ASSERT_WHY(!sealed_, "a sealed segment has its index in files");
  const std::lock_guard lock(mutex_);
  live_index_ = std::move(index);
}

void Segment::drop_index() {
  const std::lock_guard lock(mutex_);
  live_index_.reset();
}

namespace {

std::shared_ptr<const BatchOrigin> make_origin(const std::string& stream, std::string tag, int32_t number) {
  ASSERT(number >= 0);
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = stream;
  origin->tag = std::move(tag);
  origin->partition = number;
  return origin;
}

// What a batch costs in memory: a shared body is counted with each of its batches, which errs on the safe side.
size_t memory_of(const Partition::Published& published) {
  if (published.batch == nullptr) return sizeof(published);
  return published.batch->payload_bytes() + published.batch->size() * sizeof(BatchEntry) +
         published.batch->body()->tokens.size() * sizeof(TapeToken) + sizeof(published);
}

}  // namespace

Partition::Partition(io::FileSystem& fs, std::string directory, std::string stream, std::string tag,
                     int32_t number, size_t memory_bytes)
    : fs_(fs),
      directory_(std::move(directory)),
      stream_(std::move(stream)),
      origin_(make_origin(stream_, std::move(tag), number)),
      memory_bytes_(memory_bytes) {
  ASSERT(number >= 0);
}

std::string Partition::name() const {
  return partition_name(stream_, number());
}

PartitionInfo Partition::info() const {
  const std::lock_guard lock(mutex_);
  PartitionInfo info;
  info.next_offset = next_offset();
  info.synced_offset = synced_end();
  info.oldest_offset = segments_.empty() ? info.next_offset : segments_.begin()->first;
  info.size_bytes = sealed_bytes();
  if (!segments_.empty() && !newest_finished_) info.size_bytes += segments_.rbegin()->second->readable_bytes();
  if (!gaps_.empty() && gaps_.gaps().back().below == info.next_offset) {
    info.trailing_gap = info.next_offset - gaps_.gaps().back().from;
  }
  return info;
}

std::shared_ptr<const EpochTable> Partition::epochs() const {
  const std::lock_guard lock(mutex_);
  return epochs_;
}

void Partition::set_epochs(std::shared_ptr<const EpochTable> epochs) {
  ASSERT(epochs != nullptr && !epochs->empty());
  const std::lock_guard lock(mutex_);
  epochs_ = std::move(epochs);
}

SourceMarks Partition::sources() const {
  const std::lock_guard lock(mutex_);
  return sources_;
}

void Partition::note_source(const std::string& source, SourceMark mark) {
  ASSERT(!source.empty());
  const std::lock_guard lock(mutex_);
  sources_[source] = std::move(mark);
}

void Partition::set_sources(SourceMarks sources) {
  const std::lock_guard lock(mutex_);
  sources_ = std::move(sources);
}

std::shared_ptr<Segment> Partition::segment_of(int64_t offset) const {
  ASSERT(offset >= 0);
  const std::lock_guard lock(mutex_);
  if (segments_.empty()) return nullptr;
  const auto after = segments_.upper_bound(offset);
  return after == segments_.begin() ? after->second : std::prev(after)->second;
}

std::shared_ptr<Segment> Partition::segment_after(int64_t base_offset) const {
  const std::lock_guard lock(mutex_);
  const auto after = segments_.upper_bound(base_offset);
  return after == segments_.end() ? nullptr : after->second;
}

std::vector<std::shared_ptr<Segment>> Partition::segments() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Segment>> all;
  for (const auto& [base, segment] : segments_) all.push_back(segment);
  return all;
}

void Partition::add_segment(std::shared_ptr<Segment> segment) {
  ASSERT(segment != nullptr);
  const std::lock_guard lock(mutex_);
  const int64_t base = segment->base_offset();
  ASSERT(segments_.empty() || segments_.rbegin()->first < base);
  newest_finished_ = segment->sealed();
  segments_.emplace(base, std::move(segment));
}

void Partition::finish_newest(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  ASSERT(!segments_.empty() && !newest_finished_);
  sealed_bytes_.fetch_add(bytes);
  newest_finished_ = true;
}

void Partition::remove_segment(int64_t base_offset) {
  const std::lock_guard lock(mutex_);
  const size_t removed = segments_.erase(base_offset);
  ASSERT(removed == 1);
}

void Partition::hide_below(int64_t offset, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto first = segments_.find(offset);
  ASSERT_WHY(first != segments_.end(), "a partition begins where a segment does");
  segments_.erase(segments_.begin(), first);
  forget_below(offset);
  const uint64_t before = sealed_bytes_.fetch_sub(bytes);
  ASSERT(before >= bytes);
}

// So that what a reader finds does not depend on how much of it is in memory. REQUIRES: mutex_ held, and a segment
// begins at `offset`.
void Partition::forget_below(int64_t offset) {
  ASSERT(offset >= 0);
  while (!tail_.empty() && tail_.front().base_offset < offset) {
    tail_bytes_ -= memory_of(tail_.front());
    tail_.pop_front();
  }
  tail_begin_ = std::max(tail_begin_, offset);
}

void Partition::replace_segment(std::shared_ptr<Segment> fresh, uint64_t before, uint64_t after) {
  ASSERT(fresh != nullptr && after > 0);
  const std::lock_guard lock(mutex_);
  const auto at = segments_.find(fresh->base_offset());
  ASSERT_WHY(at != segments_.end() && std::next(at) != segments_.end(), "the newest segment is never compacted");
  forget_below(std::next(at)->first);
  at->second = std::move(fresh);
  sealed_bytes_.fetch_add(after - before);  // modulo: it hardly ever grows
}

std::shared_ptr<const Batch> Partition::in_memory(int64_t offset, bool& known) const {
  ASSERT(offset < readable_end());
  const std::lock_guard lock(mutex_);
  known = offset >= tail_begin_;
  if (!known) return nullptr;
  const auto found =
      std::partition_point(tail_.begin(), tail_.end(), [&](const Published& p) { return p.last_offset < offset; });
  if (found == tail_.end()) return nullptr;  // only control batches are left
  known = found->batch != nullptr;
  return found->batch;
}

// REQUIRES: mutex_ held.
void Partition::remember(Published batch) {
  ASSERT(batch.last_offset >= batch.base_offset);
  ASSERT(tail_.empty() || tail_.back().last_offset < batch.base_offset);
  tail_bytes_ += memory_of(batch);
  tail_.push_back(std::move(batch));
  forget_beyond_limit();
}

void Partition::limit_memory(size_t bytes) {
  const std::lock_guard lock(mutex_);
  ASSERT(tail_.empty() == (tail_bytes_ == 0));
  memory_bytes_ = bytes;
  forget_beyond_limit();
}

// REQUIRES: mutex_ held.
void Partition::forget_beyond_limit() {
  while (tail_bytes_ > memory_bytes_ && !tail_.empty()) {
    tail_bytes_ -= memory_of(tail_.front());
    tail_begin_ = tail_.front().last_offset + 1;
    tail_.pop_front();
  }
}

void Partition::open_at(int64_t end) {
  ASSERT(end >= 0);
  const std::lock_guard lock(mutex_);
  ASSERT(tail_.empty());
  tail_begin_ = end;
  next_offset_.store(end, std::memory_order_release);
  synced_end_.store(end, std::memory_order_release);
  readable_end_.store(end, std::memory_order_release);
}

void Partition::publish(int64_t end, std::vector<Published> batches) {
  const std::lock_guard lock(mutex_);
  const int64_t before = readable_end();
  ASSERT(end >= before);
  for (Published& batch : batches) {
    ASSERT(batch.base_offset >= before && batch.last_offset < end);
    remember(std::move(batch));
  }
  readable_end_.store(end, std::memory_order_release);
}

}  // namespace colloquium::log
