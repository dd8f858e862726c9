#include "log/partition_writer.h"

#include <algorithm>

#include "base/assert.h"
#include "io/checksum.h"
#include "log/layout.h"

namespace colloquium::log {
namespace {

// Index entries hold offsets relative to the segment's first in 31 bits.
constexpr int64_t kMaxSegmentOffsets = int64_t{1} << 30;

}  // namespace

PartitionWriter::PartitionWriter(std::shared_ptr<Partition> partition, const PartitionEnd& end,
                                 uint64_t segment_bytes)
    : partition_(std::move(partition)),
      segment_bytes_(segment_bytes),
      fs_(partition_->files()),
      next_offset_(end.next_offset),
      max_time_ms_(end.max_time_ms),
      has_active_(end.has_active),
      active_base_(end.active_base),
      active_bytes_(end.active_bytes),
      active_crc_(end.active_crc),
      first_time_ms_(end.first_time_ms),
      begun_ms_(end.first_time_ms),
      newest_ms_(end.max_time_ms),
      first_epoch_(end.first_epoch),
      mark_last_(end.mark_last) {
  ASSERT(segment_bytes_ > 0 && segment_bytes_ <= UINT32_MAX / 2);
  epoch_ = partition_->epochs()->current();
  if (has_active_) segment_ = partition_->segment_of(active_base_);
  ASSERT(!has_active_ || (segment_ != nullptr && segment_->base_offset() == active_base_));
  foreign_ = has_active_ && (encrypts() || segment_->has_key_file(fs_));
}

bool PartitionWriter::encrypts() const {
  ASSERT(partition_ != nullptr);
  return partition_->keys() != nullptr && partition_->keys()->encrypts();
}

PartitionEnd PartitionWriter::end() const {
  ASSERT(!in_group_);
  return {next_offset_, max_time_ms_,   has_active_,  active_base_, active_bytes_,
          active_crc_,  first_time_ms_, first_epoch_, mark_last_};
}

Status PartitionWriter::renew_epoch() {
  ASSERT_WHY(epoch_spent_, "a new incarnation only after a cut");
  auto epochs = std::make_shared<EpochTable>(*partition_->epochs());
  epochs->begin(next_offset_);
  TRY(io::write_file_atomically(fs_, epochs_path(partition_->directory()), epochs->text()));
  epoch_ = epochs->current();
  partition_->set_epochs(std::move(epochs));
  epoch_spent_ = false;
  return {};
}

Status PartitionWriter::seal_active() {
  ASSERT_WHY(!in_group_ && pieces_.empty(), "a sealed segment gets no more bytes");
  ASSERT_WHY(!unsynced_ && unpublished_.empty(), "a seal speaks of what lasts");
  ASSERT(next_offset_ > active_base_);
  ASSERT(has_active_ && active_bytes_ > 0);
  Seal seal;
  seal.base_offset = active_base_;
  seal.next_offset = next_offset_;
  seal.events_end = mark_last_ ? next_offset_ - 1 : next_offset_;
  seal.size_bytes = active_bytes_;
  seal.crc = active_crc_;
  seal.first_time_ms = first_time_ms_;
  seal.max_time_ms = max_time_ms_;
  seal.first_epoch = first_epoch_;
  seal.last_epoch = epoch_;
  seal.sources = partition_->sources();
  TRY(store_active_index());
  TRY(io::write_file_atomically(fs_, segment_path(partition_->directory(), active_base_, "seal"),
                                seal_text(seal)));
  partition_->finish_newest(active_bytes_);
  segment_->drop_index();
  segment_ = nullptr;
  sealer_ = nullptr;
  file_ = nullptr;
  has_active_ = false;
  active_bytes_ = 0;
  return {};
}

Status PartitionWriter::store_active_index() {
  ASSERT(pieces_.empty());
  if (!has_active_ || active_bytes_ == 0) return {};
  return store_index(fs_, partition_->directory(), active_base_, segment_->index());
}

Result<std::shared_ptr<const SegmentKey>> PartitionWriter::new_key(int64_t base_offset) {
  ASSERT(!in_group_);
  const SegmentName name{partition_->directory(), partition_->key_place(), base_offset};
  return renew_segment_key(fs_, partition_->keys(), name);
}

// The active segment is new, or empty: what it gets is of this process alone.
void PartitionWriter::adopt_key(std::shared_ptr<const SegmentKey> key) {
  ASSERT(has_active_ && active_bytes_ == 0 && (key != nullptr || !encrypts()));
  sealer_ = key == nullptr ? nullptr : std::make_unique<BatchSealer>(key);
  segment_->set_key(std::move(key));
  foreign_ = false;
}

Status PartitionWriter::start_segment() {
  ASSERT(!in_group_ && pieces_.empty());
  ASSERT_WHY(!has_active_ || next_offset_ > active_base_, "a segment is never begun where one begins");
  TRY_ASSIGN(const std::unique_ptr<io::Folder> folder, fs_.open_folder(partition_->directory()));
  TRY_ASSIGN(auto key, new_key(next_offset_));
  const std::string path = segment_path(partition_->directory(), next_offset_, "log");
  // What an attempt that failed for want of room left behind is empty or not ours: no batch of it was told of.
  TRY_ASSIGN(std::unique_ptr<io::File> file, fs_.open(path, io::OpenMode::kOpenOrCreate));
  TRY(file->truncate(0));
  TRY(file->sync());
  TRY(folder->sync());
  file_ = std::move(file);
  segment_ = std::make_shared<Segment>(partition_->directory(), next_offset_, false);
  segment_->set_index({});
  partition_->add_segment(segment_);
  has_active_ = true;
  active_base_ = next_offset_;
  active_bytes_ = 0;
  active_crc_ = 0;
  first_epoch_ = epoch_;
  mark_last_ = true;  // an empty segment has nothing to declare: the seal before it, or the epochs, say it
  adopt_key(std::move(key));
  return {};
}

Status PartitionWriter::ensure_active() {
  ASSERT(!in_group_);
  if (!has_active_) return start_segment();
  if (foreign_ && active_bytes_ == 0) {
    TRY_ASSIGN(auto key, new_key(active_base_));
    adopt_key(std::move(key));
  }
  if (file_ != nullptr) return {};
  const std::string path = segment_path(partition_->directory(), active_base_, "log");
  TRY_ASSIGN(file_, fs_.open(path, io::OpenMode::kReadWrite));
  return {};
}

void PartitionWriter::set_roll(uint64_t segment_bytes, int64_t roll_ms) {
  ASSERT(segment_bytes > 0 && segment_bytes <= UINT32_MAX / 2 && roll_ms >= 0);
  segment_bytes_ = segment_bytes;
  roll_ms_ = roll_ms;
}

bool PartitionWriter::is_full(int64_t now_ms) const {
  ASSERT(!in_group_);
  if (!has_active_ || active_bytes_ == 0) return false;
  if (active_bytes_ >= segment_bytes_ || next_offset_ - active_base_ >= kMaxSegmentOffsets) return true;
  const int64_t roll_ms = roll_ms_;
  return roll_ms > 0 && now_ms - begun_ms_ >= roll_ms;
}

// What is told as of the future is taken for of now.
void PartitionWriter::notice(int64_t now_ms) {
  begun_ms_ = std::min(begun_ms_, now_ms);
  newest_ms_ = std::min(newest_ms_, now_ms);
  ASSERT(newest_ms_ <= now_ms);
}

Status PartitionWriter::roll_if_older(int64_t age_ms, int64_t now_ms) {
  ASSERT(!in_group_ && pieces_.empty());
  notice(now_ms);
  if (!has_active_ || active_bytes_ == 0 || newest_ms_ >= now_ms - age_ms) return {};
  TRY(seal_active());
  return start_segment();
}

Status PartitionWriter::begin(int64_t now_ms, bool seal) {
  ASSERT(!in_group_ && pieces_.empty());
  ASSERT_WHY(!unsynced_ || !epoch_spent_, "the new incarnation's begin is stored: what is below has to last");
  if (epoch_spent_) TRY(renew_epoch());
  notice(now_ms);
  if (seal && (is_full(now_ms) || must_roll())) TRY(seal_active());
  TRY(ensure_active());
  in_group_ = true;
  group_begin_ = savepoint();
  written_bytes_ = active_bytes_;
  if (!mark_last_ && !unsynced_) add_mark(now_ms);
  return {};
}

PartitionWriter::Savepoint PartitionWriter::savepoint() const {
  ASSERT(has_active_);
  return {active_bytes_, active_crc_, next_offset_, max_time_ms_, mark_last_, unsynced_};
}

// Queues a batch's bytes for the next write, and lets the sum of the file follow without reading them again.
void PartitionWriter::take(std::string_view header, std::string_view records) {
  ASSERT(header.size() >= kHeaderBytes && segment_ != nullptr);
  pieces_.push_back(header);
  if (!records.empty()) pieces_.push_back(records);
  const size_t size = header.size() + records.size();
  const uint32_t batch_crc = get_header(header).crc;
  const uint32_t front_crc = io::crc32c(header.substr(0, kCrcBegin));
  const uint32_t whole = io::crc32c_combine(front_crc, batch_crc, size - kCrcBegin);
  active_crc_ = io::crc32c_combine(active_crc_, whole, size);
  last_crc_ = batch_crc;
  segment_->add_to_index({get_header(header).base_offset, active_bytes_, max_time_ms_});
  active_bytes_ += size;
}

void PartitionWriter::add_mark(int64_t now_ms) {
  ASSERT(in_group_);
  max_time_ms_ = std::max(max_time_ms_, now_ms);
  const auto mark = put_sync_mark({next_offset_, active_bytes_}, epoch_, max_time_ms_);
  headers_.emplace_back(mark.data(), mark.size());
  take(headers_.back(), {});
  ++next_offset_;
  mark_last_ = true;
}

AppendResult PartitionWriter::add(EncodedBatch batch, int64_t producer, int64_t now_ms) {
  ASSERT(!epoch_spent_);
  ASSERT(in_group_ && batch.count > 0);
  ASSERT_WHY(!foreign_, "what is encrypted is written with a key of this process");
  max_time_ms_ = std::max(max_time_ms_, now_ms);
  if (active_bytes_ == 0) first_time_ms_ = max_time_ms_;
  if (active_bytes_ == 0) begun_ms_ = now_ms;
  newest_ms_ = now_ms;
  BatchHeader header;
  header.base_offset = next_offset_;
  header.epoch = epoch_;
  header.attributes = static_cast<uint16_t>(static_cast<uint16_t>(batch.codec) | kLogAppendTime);
  header.last_offset_delta = batch.count - 1;
  header.base_timestamp_ms = batch.base_timestamp_ms;
  header.max_timestamp_ms = max_time_ms_;
  header.record_count = batch.count;
  if (producer >= 0) {
    header.attributes |= kTransactional;
    header.producer_id = producer;
    header.producer_epoch = static_cast<int16_t>(epoch_ & 0x7fff);
  }
  const HeaderBytes bytes = sealer_ != nullptr ? sealer_->seal(header, batch.records)
                                               : put_header(header, batch.records.size(), batch.records_crc);
  headers_.emplace_back(bytes.data(), bytes.size());
  const AppendResult place{next_offset_, next_offset_ + batch.count - 1};
  std::shared_ptr<const Batch> placed;
  if (batch.batch != nullptr) {
    auto origin = partition_->origin();
    if (!batch.batch->origin().source.empty()) {
      auto with_source = std::make_shared<BatchOrigin>(*origin);
      with_source->source = batch.batch->origin().source;
      origin = std::move(with_source);
    }
    placed = batch.batch->placed(std::move(origin), place.first_offset);
    batch.batch = nullptr;
  }
  batches_.push_back(std::move(batch));
  take(headers_.back(), batches_.back().records);
  unpublished_.push_back({{place.first_offset, place.last_offset, std::move(placed)},
                          active_bytes_,
                          std::move(batches_.back().source),
                          {std::move(batches_.back().cursor), place.first_offset, max_time_ms_}});
  next_offset_ = place.last_offset + 1;
  mark_last_ = false;
  return place;
}

Status PartitionWriter::write() {
  ASSERT(written_bytes_ <= active_bytes_);
  ASSERT(in_group_);
  if (pieces_.empty()) return {};
  TRY(file_->write_at(written_bytes_, pieces_));
  unsynced_ = true;
  written_bytes_ = active_bytes_;
  pieces_.clear();
  headers_.clear();
  batches_.clear();
  partition_->set_next_offset(next_offset_);
  return {};
}

Status PartitionWriter::sync() {
  ASSERT(file_ != nullptr);
  return file_->sync();
}

void PartitionWriter::synced(int64_t end) {
  ASSERT(end <= next_offset_ && end >= partition_->synced_end());
  ASSERT_WHY(pieces_.empty(), "what is not written is not synced");
  partition_->set_synced_end(end);
  if (end == next_offset_) unsynced_ = false;
}

void PartitionWriter::publish(int64_t end) {
  ASSERT(pieces_.empty() && end <= next_offset_);
  std::vector<Partition::Published> batches;
  uint64_t readable = segment_->readable_bytes();
  while (!unpublished_.empty() && unpublished_.front().batch.last_offset < end) {
    Unpublished& next = unpublished_.front();
    if (!next.source.empty()) partition_->note_source(next.source, std::move(next.mark));
    readable = next.end_bytes;
    batches.push_back(std::move(next.batch));
    unpublished_.pop_front();
  }
  // Exactly to the last readable batch: a reader may buffer what it is offered, and what is not published yet
  // may still be cut off.
  segment_->set_readable_bytes(end == next_offset_ ? written_bytes_ : readable);
  partition_->publish(end, std::move(batches));
}

void PartitionWriter::end_group() {
  ASSERT_WHY(unpublished_.empty() || unsynced_, "what lasts is readable");
  ASSERT(in_group_ && pieces_.empty());
  in_group_ = false;
}

Status PartitionWriter::cut_back(const Savepoint& to) {
  ASSERT(to.next_offset <= next_offset_ && to.next_offset >= partition_->readable_end());
  ASSERT(in_group_ && to.bytes <= active_bytes_);
  in_group_ = false;
  pieces_.clear();
  headers_.clear();
  batches_.clear();
  while (!unpublished_.empty() && unpublished_.back().batch.base_offset >= to.next_offset) unpublished_.pop_back();
  active_bytes_ = to.bytes;
  active_crc_ = to.crc;
  next_offset_ = to.next_offset;
  max_time_ms_ = to.max_time_ms;
  mark_last_ = to.mark_last;
  unsynced_ = unsynced_ && to.unsynced;  // what was cut off needs no sync any more
  segment_->cut_index(to.bytes);
  partition_->set_next_offset(next_offset_);
  partition_->set_synced_end(std::min(partition_->synced_end(), next_offset_));
  epoch_spent_ = true;
  TRY(file_->truncate(to.bytes));
  return file_->sync();
}

Status PartitionWriter::abandon_segment(const PartitionEnd& back, io::Folder& folder) {
  ASSERT(back.next_offset == active_base_);
  ASSERT(has_active_ && back.has_active && back.active_base < active_base_);
  const int64_t failed = active_base_;
  in_group_ = false;
  pieces_.clear();
  headers_.clear();
  batches_.clear();
  unpublished_.clear();
  unsynced_ = false;
  partition_->remove_segment(failed);
  segment_ = partition_->segment_of(back.active_base);
  file_ = nullptr;
  sealer_ = nullptr;
  foreign_ = encrypts() || segment_->has_key_file(fs_);
  next_offset_ = back.next_offset;
  active_base_ = back.active_base;
  active_bytes_ = back.active_bytes;
  active_crc_ = back.active_crc;
  first_time_ms_ = back.first_time_ms;
  begun_ms_ = back.first_time_ms;
  first_epoch_ = back.first_epoch;
  mark_last_ = back.mark_last;
  epoch_spent_ = true;
  return remove_segment(fs_, partition_->directory(), folder, failed);
}

Status PartitionWriter::drop_segment(int64_t base_offset, io::Folder& folder) {
  ASSERT(base_offset < active_base_);
  partition_->remove_segment(base_offset);
  return remove_segment(fs_, partition_->directory(), folder, base_offset);
}

}  // namespace colloquium::log
