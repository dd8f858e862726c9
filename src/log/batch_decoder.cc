#include "log/batch_decoder.h"

#include <algorithm>

#include "base/assert.h"
#include "log/accept_header.h"

namespace colloquium::log {
namespace {

tl::unexpected<Error> malformed() {
  return fail(ErrorCode::kCorrupt, "a batch's records are malformed although its checksum holds");
}

// What a decompressor could not do: for want of memory, or because of the bytes.
tl::unexpected<Error> undone(const Error& error) {
  return error.code == ErrorCode::kInternal ? fail(error) : fail(ErrorCode::kCorrupt, error.message);
}

// Moves the headers of the batch out of the way; what source they name.
std::string take_source(Record& record) {
  std::string source;
  const auto reserved = [&](const std::pair<std::string_view, std::string_view>& header) {
    if (header.first == kSourceHeader) source = get_source(header.second).value_or(std::string_view());
    if (header.first == kAcceptHeader) {
      if (const std::optional<AcceptInfo> info = get_accept(header.second)) source = info->source;
    }
    return is_batch_header(header.first);
  };
  record.headers.erase(std::remove_if(record.headers.begin(), record.headers.end(), reserved),
                       record.headers.end());
  return source;
}

// Likewise, the event's own id.
std::optional<std::string_view> take_id(Record& record) {
  const auto header = std::find_if(record.headers.begin(), record.headers.end(),
                                   [](const auto& each) { return each.first == kIdHeader; });
  if (header == record.headers.end()) return std::nullopt;
  const std::string_view id = header->second;
  record.headers.erase(header);
  return id;
}

}  // namespace

BatchDecoder::BatchDecoder(std::shared_ptr<const BatchOrigin> origin, const TapeBuilder* tape)
    : origin_(std::move(origin)), tape_(tape != nullptr && *tape ? tape : nullptr) {
  ASSERT(origin_ != nullptr);
}

std::shared_ptr<const BatchOrigin> BatchDecoder::origin_of(std::string_view source) {
  ASSERT(origin_->leg.empty());
  // Batches of one source follow one another: they share one origin.
  if (origin_->source != source) {
    auto origin = std::make_shared<BatchOrigin>(*origin_);
    origin->source = source;
    origin_ = std::move(origin);
  }
  return origin_;
}

// The uncompressed records, with kBatchPadding readable bytes behind them.
Result<std::string_view> BatchDecoder::unpack(const BatchHeader& header, std::string_view records) {
  const auto compression = static_cast<io::Compression>(header.codec());
  const Status done = decompressor_.decompress(compression, records, kMaxRecordsBytes, unpacked_);
  if (!done) return undone(done.error());
  const size_t size = unpacked_.size();
  unpacked_.append(kBatchPadding, '\0');
  return std::string_view(unpacked_).substr(0, size);
}

void BatchDecoder::add(const BatchHeader& header, Record& record) {
  ASSERT(record.offset_delta >= 0);
  EventMeta meta;
  meta.id = take_id(record);
  meta.key = record.key;
  meta.headers = record.headers;
  meta.timestamp_ms = header.base_timestamp_ms + record.timestamp_delta;
  meta.offset_delta = static_cast<uint32_t>(record.offset_delta);
  if (!record.value) {
    builder_.add_tombstone(meta);
    return;
  }
  tokens_.clear();
  if (tape_ != nullptr) (*tape_)(*record.value, tokens_);
  builder_.add(*record.value, tokens_, meta);
}

Result<std::shared_ptr<const Batch>> BatchDecoder::decode(const BatchHeader& header, std::string_view records) {
  ASSERT(!header.is_control());
  TRY_ASSIGN(const std::string_view unpacked, unpack(header, records));
  RecordReader reader(unpacked, header.record_count);
  Record record;
  std::string source;
  builder_.truncate(0);
  int64_t last = -1;
  for (bool first = true; reader.next(record); first = false) {
    const int64_t delta = record.offset_delta;
    const bool fits =
        header.is_compacted() ? delta > last && delta <= header.last_offset_delta : delta == last + 1;
    if (!fits) return malformed();
    last = delta;
    if (first) source = take_source(record);
    add(header, record);
  }
  if (!reader.ok()) return malformed();
  return builder_.seal(origin_of(source), header.base_offset);
}

Result<std::optional<AcceptInfo>> BatchDecoder::decode_accept(const BatchHeader& header,
                                                              std::string_view records) {
  ASSERT(!header.is_control());
  const auto compression = static_cast<io::Compression>(header.codec());
  // The first record tells its own length in its first ten bytes.
  const Status begun = decompressor_.decompress_prefix(compression, records, 10, unpacked_);
  if (!begun) return undone(begun.error());
  ByteReader length_reader(unpacked_);
  const int64_t length = length_reader.varint();
  if (!length_reader.ok() || length < 0 || static_cast<size_t>(length) > kMaxRecordsBytes) return malformed();
  const size_t wanted = length_reader.position() + static_cast<size_t>(length);
  const Status whole = decompressor_.decompress_prefix(compression, records, wanted, unpacked_);
  if (!whole) return undone(whole.error());

  RecordReader reader(unpacked_, 1);
  Record record;
  if (!reader.next(record)) return malformed();
  for (const auto& [name, value] : record.headers) {
    if (name == kAcceptHeader) return get_accept(value);
  }
  return std::optional<AcceptInfo>();
}

std::shared_ptr<const Batch> BatchDecoder::with_tapes(std::shared_ptr<const Batch> batch) {
  ASSERT(batch != nullptr);
  if (tape_ == nullptr) return batch;
  const auto lacks = [](const BatchEntry& entry) {
    return entry.tape_offset == kNoTape && entry.value_length != kTombstoneLength;
  };
  if (std::none_of(batch->entries().begin(), batch->entries().end(), lacks)) return batch;
  builder_.truncate(0);
  for (size_t i = 0; i < batch->size(); ++i) {
    const auto headers = batch->headers(i);
    const BatchEntry& entry = batch->entry(i);
    const EventMeta meta{batch->key(i),      headers,       entry.timestamp_ms,
                         entry.offset_delta, entry.ordinal, batch->own_id(i)};
    if (batch->is_tombstone(i)) {
      builder_.add_tombstone(meta);
      continue;
    }
    tokens_.clear();
    (*tape_)(batch->value(i), tokens_);
    builder_.add(batch->value(i), tokens_, meta);
  }
  return builder_.seal(batch->shared_origin(), batch->base_offset());
}

}  // namespace colloquium::log
