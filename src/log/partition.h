// Partition: what everyone may see of one partition, and what of it is in memory.
//
// The log thread's PartitionWriter changes it; readers on any thread follow. Records become visible by
// publish() alone: when they are acknowledged at their level, outputs when their commit is durable.
//
// Thread safety: every method on any thread, unless it says otherwise. Shared by the log and its readers.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/epochs.h"
#include "log/gaps.h"
#include "log/log.h"
#include "log/seal.h"
#include "log/segment_index.h"
#include "log/segment_key.h"

namespace colloquium::log {

// One segment file as readers see it.
class Segment {
 public:
  // `sealed`: its size is the seal's, which is compared with the file whenever that is opened.
  Segment(std::string directory, int64_t base_offset, bool sealed)
      : directory_(std::move(directory)), base_offset_(base_offset), sealed_(sealed) {}

  int64_t base_offset() const { return base_offset_; }
  bool sealed() const { return sealed_; }  // when it was opened
  // Bytes that may be read: whole batches, published. Of a sealed segment: known once file() was called.
  uint64_t readable_bytes() const { return readable_bytes_.load(std::memory_order_acquire); }
  void set_readable_bytes(uint64_t bytes) { readable_bytes_.store(bytes, std::memory_order_release); }

  // Whether its batches bear the mark of compacted ones. Known once file() was called.
  bool compacted() const { return compacted_.load(std::memory_order_acquire); }

  // The file, opened for reading, and shared with other readers while any of them has it.
  Result<std::shared_ptr<const io::File>> file(io::FileSystem& fs);
  // Keeps the file open as long as there are readers of this segment: another one is going to have its name.
  void keep_file(std::shared_ptr<const io::File> file);
  // The key of its batches, null if they are in the clear. Read from its file when first asked for.
  Result<std::shared_ptr<const SegmentKey>> key(const io::FileSystem& fs,
                                                const std::shared_ptr<const KeyRing>& keys,
                                                const std::string& partition);
  void set_key(std::shared_ptr<const SegmentKey> key);
  bool has_key_file(const io::FileSystem& fs) const;
  // A batch at or before `offset` from which to look for it. REQUIRES: base_offset() <= offset.
  Result<SegmentIndex::Entry> place_before(io::FileSystem& fs, int64_t offset);
  // The last batch with an entry that begins at or before the byte `position`.
  Result<SegmentIndex::Entry> place_before_position(io::FileSystem& fs, uint64_t position);
  // The same for the first batch at or after `time_ms`.
  Result<SegmentIndex::Entry> place_before_time(io::FileSystem& fs, int64_t time_ms);

  // The index of a segment that is being written; readers ask it instead of the files.
  void add_to_index(const SegmentIndex::Entry& entry);
  void cut_index(uint64_t position);
  SegmentIndex index() const;
  void set_index(SegmentIndex index);
  // From now on the index is read from its files when needed.
  void drop_index();

 private:
  using Lookup = const SegmentIndex::Entry* (SegmentIndex::*)(int64_t) const;
  Result<SegmentIndex::Entry> place(io::FileSystem& fs, Lookup lookup, int64_t wanted);
  Result<bool> holds(io::FileSystem& fs, const SegmentIndex::Entry& entry);
  Result<SegmentIndex> loaded_index(io::FileSystem& fs);

  const std::string directory_;
  const int64_t base_offset_;
  const bool sealed_;
  std::atomic<bool> compacted_{false};
  std::atomic<uint64_t> readable_bytes_{0};
  mutable std::mutex mutex_;
  std::weak_ptr<const io::File> file_;      // guarded by mutex_
  std::shared_ptr<const io::File> kept_;    // guarded by mutex_
  std::optional<SegmentIndex> live_index_;  // guarded by mutex_
  // Guarded by mutex_; absent: not asked for yet.
  std::optional<std::shared_ptr<const SegmentKey>> key_;
};

class Partition {
 public:
  // `stream` is empty for the commit journal. At most `memory_bytes` of events are kept in memory, or what
  // limit_memory() says since.
  Partition(io::FileSystem& fs, std::string directory, std::string stream, std::string tag, int32_t number,
            size_t memory_bytes);

  const std::string& directory() const { return directory_; }
  const std::string& stream() const { return stream_; }
  int32_t number() const { return origin_->partition; }
  std::string name() const;
  io::FileSystem& files() const { return fs_; }
  const std::shared_ptr<const BatchOrigin>& origin() const { return origin_; }

  // What opens its segments; may be null. Set before anyone else has the Partition.
  void set_keys(std::shared_ptr<const KeyRing> keys) { keys_ = std::move(keys); }
  const std::shared_ptr<const KeyRing>& keys() const { return keys_; }
  std::string key_place() const { return log::key_place(stream_, origin_->tag, number()); }
  Result<std::shared_ptr<const SegmentKey>> key_of(Segment& segment) const {
    return segment.key(fs_, keys_, key_place());
  }

  // Offsets below may be read.
  int64_t readable_end() const { return readable_end_.load(std::memory_order_acquire); }
  int64_t synced_end() const { return synced_end_.load(std::memory_order_acquire); }
  int64_t next_offset() const { return next_offset_.load(std::memory_order_acquire); }
  PartitionInfo info() const;
  std::shared_ptr<const EpochTable> epochs() const;
  // Offsets that were given up. Set before anybody else has the partition.
  const GapTable& gaps() const { return gaps_; }
  void set_gaps(GapTable gaps) { gaps_ = std::move(gaps); }
  // The last batch of every source.
  SourceMarks sources() const;

  // The segment that holds `offset`, or the oldest if all are above. Null if there is none at all.
  std::shared_ptr<Segment> segment_of(int64_t offset) const;
  // The one behind it; null if there is none.
  std::shared_ptr<Segment> segment_after(int64_t base_offset) const;
  std::vector<std::shared_ptr<Segment>> segments() const;

  // The batch of records at or after `offset` if it is in memory. `known` tells whether memory can say: if it
  // is false, the disk has to be asked. REQUIRES: offset < readable_end().
  std::shared_ptr<const Batch> in_memory(int64_t offset, bool& known) const;

  uint64_t sealed_bytes() const { return sealed_bytes_.load(); }

  // What is beyond it is forgotten at once. Any thread.
  void limit_memory(size_t bytes);

  // Takes the segments that begin below `offset` out of sight: readers begin behind them from now on. Their
  // files, of `bytes`, are the caller's to remove. Any thread. REQUIRES: a segment begins at `offset`.
  void hide_below(int64_t offset, uint64_t bytes);

  // From now on readers that come to the segment at `fresh`'s offset find that one; those that are in the old one
  // stay there to its end. It had `before` bytes and has `after`. Any thread. REQUIRES: both are finished, and
  // another segment follows.
  void replace_segment(std::shared_ptr<Segment> fresh, uint64_t before, uint64_t after);

  // --- the log thread only --------------------------------------------------------------------------------
  struct Published {
    int64_t base_offset;
    int64_t last_offset;
    std::shared_ptr<const Batch> batch;  // placed; may be null: then readers go to the disk
  };
  // Where the partition ends when it is opened: all of it readable and synced, nothing of it in memory.
  void open_at(int64_t end);
  // Makes everything below `end` readable: `batches` are those that become so, oldest first.
  void publish(int64_t end, std::vector<Published> batches);
  void set_next_offset(int64_t next) { next_offset_.store(next, std::memory_order_release); }
  void set_synced_end(int64_t end) { synced_end_.store(end, std::memory_order_release); }
  void set_epochs(std::shared_ptr<const EpochTable> epochs);
  void add_segment(std::shared_ptr<Segment> segment);
  void remove_segment(int64_t base_offset);
  // Of the segments that were finished when the partition was opened.
  void add_sealed_bytes(uint64_t bytes) { sealed_bytes_.fetch_add(bytes); }
  // The newest segment is finished, with so many bytes.
  void finish_newest(uint64_t bytes);
  void note_source(const std::string& source, SourceMark mark);
  void set_sources(SourceMarks sources);

 private:
  void remember(Published batch);
  void forget_beyond_limit();
  void forget_below(int64_t offset);

  io::FileSystem& fs_;
  const std::string directory_;
  const std::string stream_;
  const std::shared_ptr<const BatchOrigin> origin_;
  GapTable gaps_;  // constant once the partition is shared
  std::shared_ptr<const KeyRing> keys_;

  std::atomic<int64_t> readable_end_{0};
  std::atomic<int64_t> synced_end_{0};
  std::atomic<int64_t> next_offset_{0};
  std::atomic<uint64_t> sealed_bytes_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::map<int64_t, std::shared_ptr<Segment>> segments_;
  bool newest_finished_ = false;  // its bytes are among sealed_bytes_
  std::shared_ptr<const EpochTable> epochs_;
  std::deque<Published> tail_;  // the newest published batches, without holes but for control batches
  size_t tail_bytes_ = 0;
  size_t memory_bytes_;     // of tail_bytes_, at most
  int64_t tail_begin_ = 0;  // memory knows everything from here to readable_end()
  SourceMarks sources_;
};

}  // namespace colloquium::log
