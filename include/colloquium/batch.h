// Batch and BatchBuilder: many events that travel together, the unit of every hand-off.
//
// A Batch is immutable. Its bytes are one reference-counted BatchBody (values, keys, headers, tapes) that
// several batches may share: a filter's result is a new vector of entries over the same body. One thread
// builds a batch with a BatchBuilder and seals it; only then does it cross threads, as shared_ptr<const
// Batch>. No view into a batch outlives it; whatever is kept longer is a copy.
//
// Thread safety: Batch is immutable after seal() and may be read on any thread. BatchBuilder belongs to one
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/tape.h"

namespace colloquium {

inline constexpr uint32_t kNoTape = 0xffffffff;
inline constexpr uint32_t kNoMeta = 0xffffffff;  // neither key nor headers
inline constexpr uint32_t kTombstoneLength = 0xffffffff;
inline constexpr size_t kBatchPadding = 64;  // readable bytes after the last value, for wide loads

// One event. Fixed size; everything variable is in the body.
struct BatchEntry {
  uint32_t value_offset;
  uint32_t value_length;  // kTombstoneLength: an event without value
  uint32_t meta_offset;   // kNoMeta, or where key and headers are (private encoding of BatchBuilder)
  uint32_t tape_offset;   // kNoTape, or the index of the value's first token
  int64_t timestamp_ms;   // the event's own time
  uint32_t offset_delta;  // position in its stream, from BatchOrigin::base_offset
  uint32_t ordinal;       // which output of its input event this is; 0 for an event as accepted
};
static_assert(sizeof(BatchEntry) == 32);

// Where a batch's events stand: fixed when they are accepted, carried along through a leg.
struct BatchOrigin {
  std::string stream;     // or the source's name with `log: off`
  std::string tag;        // the stream's 8 random characters (design.md, Stable ids)
  std::string source;     // name of the source the batch came from
  std::string leg;        // appended to ids with the ordinal once a leg's stages have made new events; else empty
  int32_t partition = 0;  // -1 with `log: off`: left out of ids
};

// The partition as ids have it: "<stream>.<tag>-<number>", without number with `log: off`.
std::string partition_id(const BatchOrigin& origin);

// The bytes several batches may share. Built by BatchBuilder only.
struct BatchBody {
  std::vector<char> bytes;  // kBatchPadding readable bytes follow the content
  std::vector<TapeToken> tokens;
};

class Batch {
 public:
  Batch(std::shared_ptr<const BatchBody> body, std::vector<BatchEntry> entries,
        std::shared_ptr<const BatchOrigin> origin, int64_t base_offset);

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  const BatchEntry& entry(size_t i) const { return entries_[i]; }
  std::span<const BatchEntry> entries() const { return entries_; }

  // Empty for a tombstone; ask is_tombstone to tell it from nothing (no JSON value is empty).
  std::string_view value(size_t i) const {
    const BatchEntry& e = entries_[i];
    return {body_->bytes.data() + e.value_offset, e.value_length == kTombstoneLength ? 0 : e.value_length};
  }
  bool is_tombstone(size_t i) const { return entries_[i].value_length == kTombstoneLength; }

  // The value's tokens (empty if the batch was made without); the span starts at the root and runs at least
  // to the value's last token.
  std::span<const TapeToken> tape(size_t i) const {
    const BatchEntry& e = entries_[i];
    if (e.tape_offset == kNoTape) return {};
    return std::span<const TapeToken>(body_->tokens).subspan(e.tape_offset);
  }

  std::optional<std::string_view> key(size_t i) const;
  size_t header_count(size_t i) const;
  // In the order they were added; names may repeat.
  std::vector<std::pair<std::string_view, std::string_view>> headers(size_t i) const;

  int64_t base_offset() const { return base_offset_; }
  int64_t offset(size_t i) const { return base_offset_ + entries_[i].offset_delta; }
  const BatchOrigin& origin() const { return *origin_; }
  const std::shared_ptr<const BatchOrigin>& shared_origin() const { return origin_; }
  const std::shared_ptr<const BatchBody>& body() const { return body_; }

  // The event's stable id: "<stream>.<tag>-<partition>-<offset>", or its own, and "-<leg>-<ordinal>" behind it for
  // what a leg's stages made.
  std::string id(size_t i) const;

  // Its own id, EventMeta::id; most events have none.
  std::optional<std::string_view> own_id(size_t i) const;

  // Bytes of values, keys and headers that the entries refer to (for queues and metrics).
  size_t payload_bytes() const { return payload_bytes_; }

  // The same events at another place: shares body and entries' content.
  std::shared_ptr<const Batch> placed(std::shared_ptr<const BatchOrigin> origin, int64_t base_offset) const;

  // The same events with ordinals that count the events of one offset: distinct ids whatever stages made them.
  std::shared_ptr<const Batch> renumbered() const;

  // The events from index `first` on.
  std::shared_ptr<const Batch> tail(size_t first) const;

 private:
  std::shared_ptr<const BatchBody> body_;
  std::vector<BatchEntry> entries_;
  std::shared_ptr<const BatchOrigin> origin_;
  int64_t base_offset_;
  size_t payload_bytes_;
};

// What an event carries beside its value.
struct EventMeta {
  std::optional<std::string_view> key;
  std::span<const std::pair<std::string_view, std::string_view>> headers;
  int64_t timestamp_ms = 0;
  uint32_t offset_delta = 0;
  uint32_t ordinal = 0;
  // What its id is, if not that of its place: an event that an asynchronous stage made of another stands in a
  // stream of its own, and its id still says which event it came from.
  std::optional<std::string_view> id = {};
};

// Builds one Batch. Reusable: seal() leaves it empty.
class BatchBuilder {
 public:
  BatchBuilder();
  ~BatchBuilder();
  BatchBuilder(const BatchBuilder&) = delete;
  BatchBuilder& operator=(const BatchBuilder&) = delete;

  // Copies `value` (and `tape`, its tokens exactly, if not empty) and the meta data in.
  void add(std::string_view value, std::span<const TapeToken> tape, const EventMeta& meta);
  void add_tombstone(const EventMeta& meta);

  // Takes event `i` of `input` over unchanged. As long as a builder has only kept events of one body, it
  // shares that body instead of copying.
  void keep(const Batch& input, size_t i);

  // Writing a value in place: append to bytes() and tokens(), then finish(). Offsets and `next` in the new
  // tokens count from value_begin() / tape_begin(). abandon() drops what was appended since.
  void begin_value();
  std::vector<char>& bytes() { return body_->bytes; }
  std::vector<TapeToken>& tokens() { return body_->tokens; }
  size_t value_begin() const { return value_begin_; }
  size_t tape_begin() const { return tape_begin_; }
  void finish(const EventMeta& meta);
  // The same, with key, headers, time and place taken from event `i` of `input`.
  void finish_from(const Batch& input, size_t i, uint32_t ordinal);
  void abandon();

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  size_t byte_size() const { return body_->bytes.size() + kept_bytes_; }

  // Drops the events from index `first` on (a request found bad half way).
  void truncate(size_t first);

  // The batch, and an empty builder. REQUIRES: no value begun.
  std::shared_ptr<const Batch> seal(std::shared_ptr<const BatchOrigin> origin, int64_t base_offset);

 private:
  void materialise();
  BatchEntry close_value();
  BatchEntry copy_event(const BatchBody& from, const BatchEntry& entry);
  void cut_body(size_t first);
  uint32_t put_meta(const EventMeta& meta);
  uint32_t copy_meta(const BatchBody& from, uint32_t meta_offset);

  std::shared_ptr<BatchBody> body_;
  std::shared_ptr<const BatchBody> shared_;  // set while only events of this body were kept
  std::vector<BatchEntry> entries_;
  size_t value_begin_ = 0;
  size_t tape_begin_ = 0;
  size_t kept_bytes_ = 0;
  bool value_open_ = false;
};

}  // namespace colloquium
