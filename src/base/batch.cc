// Batch and BatchBuilder.
//
// Layout of a body: per event its value, then its meta data, in the order the events were added. Meta data:
//   varint   key length + 1, 0 for no key; then the key
//   varint   twice the number of headers, and 1 more with an id; then the id, varint length + text; then per
//   header
//            varint length + name, varint length + value
// Varints are unsigned LEB128. An event with neither key nor headers nor id has no meta data (kNoMeta).
#include "colloquium/batch.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"

namespace colloquium {
namespace {

// What a builder sets aside at most for the next batch, on the guess that it will be like the last one.
constexpr size_t kMaxReservedBytes = size_t{8} << 20;
// Unused memory that a batch may take with it, beside as much as it uses.
constexpr size_t kTolerableWasteBytes = size_t{4} << 10;
constexpr size_t kMaxBodyBytes = std::numeric_limits<uint32_t>::max() - kBatchPadding;

// Keys and headers are short, so that one byte is the rule and a loop the exception.
void put_varint(std::vector<char>& bytes, size_t value) {
  while (value >= 0x80) {
    bytes.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  bytes.push_back(static_cast<char>(value));
}

void put_bytes(std::vector<char>& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

// Reads meta data back. The bytes are our own, so a read past them is a defect here and nowhere else.
class MetaReader {
 public:
  MetaReader(const BatchBody& body, uint32_t offset) : begin_(body.bytes.data() + offset), at_(begin_) {}

  // To be read in this order: key, id, then per header two texts.
  std::optional<std::string_view> key() {
    const size_t length_plus_one = varint();
    if (length_plus_one == 0) return std::nullopt;
    return take(length_plus_one - 1);
  }
  std::optional<std::string_view> id() {
    const size_t headers_and_id = varint();
    header_count_ = headers_and_id / 2;
    if (headers_and_id % 2 == 0) return std::nullopt;
    return text();
  }
  // REQUIRES: id() was read.
  size_t header_count() const { return header_count_; }
  std::string_view text() { return take(varint()); }
  size_t consumed() const { return static_cast<size_t>(at_ - begin_); }

 private:
  size_t varint() {
    size_t value = 0;
    // No bound on the length: put_varint wrote it.
    int shift = 0;
    while (static_cast<unsigned char>(*at_) >= 0x80) {
      value |= static_cast<size_t>(static_cast<unsigned char>(*at_++) & 0x7f) << shift;
      shift += 7;
    }
    return value | static_cast<size_t>(static_cast<unsigned char>(*at_++)) << shift;
  }
  std::string_view take(size_t length) {
    std::string_view text(at_, length);
    at_ += length;
    return text;
  }

  const char* begin_;
  const char* at_;
  size_t header_count_ = 0;
};

// Encoded and contained bytes of one event's meta data.
struct MetaSize {
  size_t encoded = 0;
  size_t payload = 0;
};

MetaSize measure_meta(const BatchBody& body, uint32_t offset) {
  if (offset == kNoMeta) return {};
  MetaReader reader(body, offset);
  MetaSize size;
  if (auto key = reader.key()) size.payload += key->size();
  if (auto id = reader.id()) size.payload += id->size();
  for (size_t left = reader.header_count() * 2; left > 0; --left) size.payload += reader.text().size();
  size.encoded = reader.consumed();
  return size;
}

// The content of `from` for a batch that may live long, and memory in `from` for the next one. Content that
// fills little of its memory is copied out, so that a small batch after a large one does not hold on to it.
template <class T>
std::vector<T> hand_over(std::vector<T>& from) {
  const size_t used = from.size();
  if (from.capacity() - used > used + kTolerableWasteBytes / sizeof(T)) {
    std::vector<T> exact(from.begin(), from.end());
    from.clear();
    return exact;
  }
  std::vector<T> whole = std::move(from);
  from = {};
  from.reserve(std::min(used + used / 8, kMaxReservedBytes / sizeof(T)));
  return whole;
}

// What an entry's value takes in the body: a tombstone nothing.
size_t value_bytes(const BatchEntry& entry) {
  return entry.value_length == kTombstoneLength ? 0 : entry.value_length;
}

}  // namespace

Batch::Batch(std::shared_ptr<const BatchBody> body, std::vector<BatchEntry> entries,
             std::shared_ptr<const BatchOrigin> origin, int64_t base_offset)
    : body_(std::move(body)),
      entries_(std::move(entries)),
      origin_(std::move(origin)),
      base_offset_(base_offset),
      payload_bytes_(0) {
  ASSERT(body_ != nullptr);
  ASSERT(origin_ != nullptr);
  // Once, here: queues and metrics ask for it several times per batch, on several threads.
  for (const BatchEntry& entry : entries_) {
    payload_bytes_ += value_bytes(entry) + measure_meta(*body_, entry.meta_offset).payload;
  }
}

std::optional<std::string_view> Batch::key(size_t i) const {
  ASSERT(i < entries_.size());
  // The rule with events from files; costs no look at the body.
  if (entries_[i].meta_offset == kNoMeta) return std::nullopt;
  return MetaReader(*body_, entries_[i].meta_offset).key();
}

size_t Batch::header_count(size_t i) const {
  ASSERT(i < entries_.size());
  if (entries_[i].meta_offset == kNoMeta) return 0;
  MetaReader reader(*body_, entries_[i].meta_offset);
  reader.key();
  reader.id();
  return reader.header_count();
}

std::vector<std::pair<std::string_view, std::string_view>> Batch::headers(size_t i) const {
  ASSERT(i < entries_.size());
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  if (entries_[i].meta_offset == kNoMeta) return headers;
  MetaReader reader(*body_, entries_[i].meta_offset);
  reader.key();
  reader.id();
  const size_t count = reader.header_count();
  headers.reserve(count);
  for (size_t n = 0; n < count; ++n) {
    const std::string_view name = reader.text();
    headers.emplace_back(name, reader.text());
  }
  return headers;
}

std::optional<std::string_view> Batch::own_id(size_t i) const {
  ASSERT(i < entries_.size());
  if (entries_[i].meta_offset == kNoMeta) return std::nullopt;
  MetaReader reader(*body_, entries_[i].meta_offset);
  reader.key();
  return reader.id();
}

std::string partition_id(const BatchOrigin& origin) {
  std::string id = origin.stream;
  id += '.';
  id += origin.tag;
  if (origin.partition < 0) return id;
  id += '-';
  id += std::to_string(origin.partition);
  return id;
}

std::string Batch::id(size_t i) const {
  ASSERT(i < entries_.size());
  // Made when asked for, by sinks and dead letters; most events are never asked.
  std::string id;
  if (const auto own = own_id(i)) {
    id = *own;
  } else {
    id = partition_id(*origin_);
    id += '-';
    id += std::to_string(offset(i));
  }
  if (origin_->leg.empty()) return id;
  id += '-';
  id += origin_->leg;
  id += '-';
  id += std::to_string(entries_[i].ordinal);
  return id;
}

std::shared_ptr<const Batch> Batch::placed(std::shared_ptr<const BatchOrigin> origin, int64_t base_offset) const {
  ASSERT(origin != nullptr);
  // A copy and two assignments, so that the payload is not counted again.
  auto copy = std::make_shared<Batch>(*this);
  copy->origin_ = std::move(origin);
  copy->base_offset_ = base_offset;
  return copy;
}

std::shared_ptr<const Batch> Batch::renumbered() const {
  std::vector<BatchEntry> entries = entries_;
  for (size_t i = 0; i < entries.size(); ++i) {
    const bool same_event = i > 0 && entries[i].offset_delta == entries[i - 1].offset_delta;
    entries[i].ordinal = same_event ? entries[i - 1].ordinal + 1 : 0;
  }
  return std::make_shared<const Batch>(body_, std::move(entries), origin_, base_offset_);
}

std::shared_ptr<const Batch> Batch::tail(size_t first) const {
  ASSERT(first <= entries_.size());
  std::vector<BatchEntry> entries(entries_.begin() + static_cast<ptrdiff_t>(first), entries_.end());
  return std::make_shared<const Batch>(body_, std::move(entries), origin_, base_offset_);
}

BatchBuilder::BatchBuilder() : body_(std::make_shared<BatchBody>()) {}
BatchBuilder::~BatchBuilder() = default;

void BatchBuilder::add(std::string_view value, std::span<const TapeToken> tape, const EventMeta& meta) {
  begin_value();
  put_bytes(body_->bytes, value);
  body_->tokens.insert(body_->tokens.end(), tape.begin(), tape.end());
  finish(meta);
}

// The place of a value is noted although there is none: truncate() cuts the body by it.
void BatchBuilder::add_tombstone(const EventMeta& meta) {
  ASSERT_WHY(!value_open_, "finish or abandon the value first");
  materialise();
  const auto at = static_cast<uint32_t>(body_->bytes.size());
  const uint32_t meta_offset = put_meta(meta);
  entries_.push_back(
      {at, kTombstoneLength, meta_offset, kNoTape, meta.timestamp_ms, meta.offset_delta, meta.ordinal});
  ASSERT_WHY(body_->bytes.size() <= kMaxBodyBytes, "a batch's offsets are 32 bits");
}

void BatchBuilder::keep(const Batch& input, size_t i) {
  ASSERT_WHY(!value_open_, "finish or abandon the value first");
  const BatchEntry& entry = input.entry(i);
  // The first event kept decides which body may be shared.
  if (entries_.empty()) shared_ = input.body();
  if (shared_ == input.body()) {
    entries_.push_back(entry);
    kept_bytes_ += value_bytes(entry);
    return;
  }
  materialise();
  entries_.push_back(copy_event(*input.body(), entry));
}

// Where the value begins is all there is to know until it is finished: nothing of the entry is written before.
void BatchBuilder::begin_value() {
  ASSERT_WHY(!value_open_, "finish or abandon the value first");
  value_begin_ = body_->bytes.size();
  tape_begin_ = body_->tokens.size();
  value_open_ = true;
}

// Kept events are copied in only here, not in begin_value(): a value that is abandoned leaves them shared.
BatchEntry BatchBuilder::close_value() {
  ASSERT_WHY(value_open_, "begin_value first");
  ASSERT(body_->bytes.size() >= value_begin_ && body_->tokens.size() >= tape_begin_);
  value_open_ = false;
  BatchEntry entry{};
  entry.value_offset = static_cast<uint32_t>(value_begin_);
  entry.value_length = static_cast<uint32_t>(body_->bytes.size() - value_begin_);
  entry.meta_offset = kNoMeta;
  // A value without tokens is one whose tape nobody wants.
  entry.tape_offset = body_->tokens.size() > tape_begin_ ? static_cast<uint32_t>(tape_begin_) : kNoTape;
  materialise();
  return entry;
}

void BatchBuilder::finish(const EventMeta& meta) {
  BatchEntry entry = close_value();
  entry.meta_offset = put_meta(meta);
  entry.timestamp_ms = meta.timestamp_ms;
  entry.offset_delta = meta.offset_delta;
  entry.ordinal = meta.ordinal;
  entries_.push_back(entry);
  ASSERT_WHY(body_->bytes.size() <= kMaxBodyBytes, "a batch's offsets are 32 bits");
}

// The meta data is copied as bytes: it is not decoded to be encoded again.
void BatchBuilder::finish_from(const Batch& input, size_t i, uint32_t ordinal) {
  BatchEntry entry = close_value();
  const BatchEntry& from = input.entry(i);
  entry.meta_offset = copy_meta(*input.body(), from.meta_offset);
  entry.timestamp_ms = from.timestamp_ms;
  entry.offset_delta = from.offset_delta;
  entry.ordinal = ordinal;
  entries_.push_back(entry);
  ASSERT_WHY(body_->bytes.size() <= kMaxBodyBytes, "a batch's offsets are 32 bits");
}

// The memory stays with the builder: the next value is likely to need it.
void BatchBuilder::abandon() {
  ASSERT_WHY(value_open_, "begin_value first");
  body_->bytes.resize(value_begin_);
  body_->tokens.resize(tape_begin_);
  value_open_ = false;
}

void BatchBuilder::truncate(size_t first) {
  ASSERT_WHY(!value_open_, "finish or abandon the value first");
  if (first >= entries_.size()) return;
  // The body belongs to others then, and only entries can be dropped.
  if (shared_ != nullptr) {
    for (size_t i = first; i < entries_.size(); ++i) kept_bytes_ -= value_bytes(entries_[i]);
  } else {
    cut_body(first);
  }
  entries_.resize(first);
  if (first == 0) shared_ = nullptr;
}

// Content stands in the order of the entries, with one exception: a value finished while others were kept
// stands before the copies of those. Then nothing is cut and the bytes ride along unused.
void BatchBuilder::cut_body(size_t first) {
  const uint32_t cut = entries_[first].value_offset;
  if (first > 0 && entries_[first - 1].value_offset > cut) return;
  body_->bytes.resize(first == 0 ? 0 : cut);
  const auto removed = std::find_if(entries_.begin() + static_cast<ptrdiff_t>(first), entries_.end(),
                                    [](const BatchEntry& e) { return e.tape_offset != kNoTape; });
  if (first == 0) {
    body_->tokens.clear();
  } else if (removed != entries_.end()) {
    body_->tokens.resize(removed->tape_offset);
  }
}

std::shared_ptr<const Batch> BatchBuilder::seal(std::shared_ptr<const BatchOrigin> origin, int64_t base_offset) {
  ASSERT_WHY(!value_open_, "finish or abandon the value first");
  std::shared_ptr<const BatchBody> body = std::move(shared_);
  shared_ = nullptr;
  if (body == nullptr) {
    // resize, not reserve: whoever loads past the end must find initialised bytes.
    body_->bytes.resize(body_->bytes.size() + kBatchPadding);
    auto own = std::make_shared<BatchBody>();
    own->bytes = hand_over(body_->bytes);
    own->tokens = hand_over(body_->tokens);
    body = std::move(own);
  }
  kept_bytes_ = 0;
  return std::make_shared<const Batch>(std::move(body), hand_over(entries_), std::move(origin), base_offset);
}

// Kept events become copies, because a batch has one body.
void BatchBuilder::materialise() {
  if (shared_ == nullptr) return;
  const std::shared_ptr<const BatchBody> from = std::move(shared_);
  shared_ = nullptr;
  kept_bytes_ = 0;
  for (BatchEntry& entry : entries_) entry = copy_event(*from, entry);
}

BatchEntry BatchBuilder::copy_event(const BatchBody& from, const BatchEntry& entry) {
  // Appending to a vector one reads from would read what has moved away.
  ASSERT_WHY(&from != body_.get(), "a sealed body is never the builder's own");
  BatchEntry copy = entry;
  std::vector<char>& bytes = body_->bytes;
  copy.value_offset = static_cast<uint32_t>(bytes.size());
  put_bytes(bytes, {from.bytes.data() + entry.value_offset, value_bytes(entry)});
  if (entry.tape_offset != kNoTape) {
    // A root token's `next` is the number of the value's tokens.
    const auto first = from.tokens.begin() + entry.tape_offset;
    copy.tape_offset = static_cast<uint32_t>(body_->tokens.size());
    body_->tokens.insert(body_->tokens.end(), first, first + first->next);
  }
  copy.meta_offset = copy_meta(from, entry.meta_offset);
  ASSERT_WHY(bytes.size() <= kMaxBodyBytes, "a batch's offsets are 32 bits");
  return copy;
}

uint32_t BatchBuilder::put_meta(const EventMeta& meta) {
  if (!meta.key && meta.headers.empty() && !meta.id) return kNoMeta;
  std::vector<char>& bytes = body_->bytes;
  const auto at = static_cast<uint32_t>(bytes.size());
  put_varint(bytes, meta.key ? meta.key->size() + 1 : 0);
  if (meta.key) put_bytes(bytes, *meta.key);
  put_varint(bytes, meta.headers.size() * 2 + (meta.id ? 1 : 0));
  if (meta.id) {
    put_varint(bytes, meta.id->size());
    put_bytes(bytes, *meta.id);
  }
  for (const auto& [name, value] : meta.headers) {
    put_varint(bytes, name.size());
    put_bytes(bytes, name);
    put_varint(bytes, value.size());
    put_bytes(bytes, value);
  }
  return at;
}

uint32_t BatchBuilder::copy_meta(const BatchBody& from, uint32_t meta_offset) {
  if (meta_offset == kNoMeta) return kNoMeta;
  const auto at = static_cast<uint32_t>(body_->bytes.size());
  put_bytes(body_->bytes, {from.bytes.data() + meta_offset, measure_meta(from, meta_offset).encoded});
  return at;
}

}  // namespace colloquium
