// encode(): events to compressed, summed records. The hot path of accepting: one pass over the batch into one
// buffer, with scratch memory that stays with the thread.
#include <cstring>

#include "base/assert.h"
#include "io/checksum.h"
#include "io/compress.h"
#include "log/accept_header.h"
#include "log/log.h"
#include "log/record_batch.h"

namespace colloquium::log {
namespace {

static_assert(static_cast<int>(Codec::kGzip) == static_cast<int>(io::Compression::kGzip));
static_assert(static_cast<int>(Codec::kLz4) == static_cast<int>(io::Compression::kLz4));
static_assert(static_cast<int>(Codec::kZstd) == static_cast<int>(io::Compression::kZstd));

// More than any record needs beside its payload: length, attributes, deltas and four lengths.
constexpr size_t kRecordOverhead = 48;
constexpr size_t kHeaderOverhead = 12;
// Scratch larger than this is given back, so that one huge batch does not stay in memory with every thread.
constexpr size_t kKeptScratchBytes = size_t{4} << 20;

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

struct Scratch {
  std::string raw;
  io::Compressor compressor;
};

Scratch& thread_scratch() {
  thread_local Scratch scratch;
  return scratch;
}

char* put_text(char* out, std::string_view text) {
  out = put_varint(out, static_cast<int64_t>(text.size()));
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

size_t text_size(std::string_view text) {
  return varint_size(static_cast<int64_t>(text.size())) + text.size();
}

// What one record is made of, gathered before its length is known.
struct Parts {
  int64_t timestamp_delta;
  int64_t offset_delta;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  const Headers* headers;
};

size_t body_size(const Parts& parts) {
  ASSERT(parts.headers != nullptr);
  size_t size = 1 + varint_size(parts.timestamp_delta) + varint_size(parts.offset_delta);
  size += parts.key ? text_size(*parts.key) : 1;
  size += parts.value ? text_size(*parts.value) : 1;
  size += varint_size(static_cast<int64_t>(parts.headers->size()));
  for (const auto& [name, value] : *parts.headers) size += text_size(name) + text_size(value);
  return size;
}

char* put_record(char* out, const Parts& parts) {
  ASSERT(parts.offset_delta >= 0);
  out = put_varint(out, static_cast<int64_t>(body_size(parts)));
  *out++ = 0;
  out = put_varint(out, parts.timestamp_delta);
  out = put_varint(out, parts.offset_delta);
  out = parts.key ? put_text(out, *parts.key) : put_varint(out, -1);
  out = parts.value ? put_text(out, *parts.value) : put_varint(out, -1);
  out = put_varint(out, static_cast<int64_t>(parts.headers->size()));
  for (const auto& [name, value] : *parts.headers) {
    out = put_text(out, name);
    out = put_text(out, value);
  }
  return out;
}

size_t size_bound(const Batch& batch, size_t reserved_bytes) {
  ASSERT(!batch.empty());
  size_t bound = batch.payload_bytes() + batch.size() * kRecordOverhead + reserved_bytes + 2 * kHeaderOverhead;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch.entry(i).meta_offset == kNoMeta) continue;
    bound += (batch.header_count(i) + 1) * kHeaderOverhead;
    if (batch.own_id(i)) bound += kIdHeader.size();
  }
  return bound;
}

Status check_headers(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (is_log_header(name)) {
      return fail(ErrorCode::kInvalidInput, "cannot store an event with the header '" + std::string(name) +
                                                "': the name is reserved; rename it");
    }
  }
  return {};
}

// The records of `batch`, uncompressed, into `raw`; `first_headers` go to the first record, before its own.
Status put_records(const Batch& batch, const Headers& first_headers, size_t reserved_bytes, std::string& raw) {
  static const Headers kNoHeaders;
  raw.resize(size_bound(batch, reserved_bytes));
  const int64_t base_timestamp_ms = batch.entry(0).timestamp_ms;
  char* out = raw.data();
  for (size_t i = 0; i < batch.size(); ++i) {
    const BatchEntry& entry = batch.entry(i);
    Parts parts{entry.timestamp_ms - base_timestamp_ms, static_cast<int64_t>(i), {}, {}, &kNoHeaders};
    if (!batch.is_tombstone(i)) parts.value = batch.value(i);
    Headers headers;
    if (entry.meta_offset != kNoMeta) {
      parts.key = batch.key(i);
      if (batch.header_count(i) != 0) headers = batch.headers(i);
      TRY(check_headers(headers));
      if (const auto id = batch.own_id(i)) headers.emplace_back(kIdHeader, *id);
    }
    if (i == 0) headers.insert(headers.begin(), first_headers.begin(), first_headers.end());
    parts.headers = &headers;
    out = put_record(out, parts);
  }
  const auto used = static_cast<size_t>(out - raw.data());
  ASSERT(used <= raw.size());
  raw.resize(used);
  return {};
}

tl::unexpected<Error> too_large(const Batch& batch, size_t bytes) {
  return fail(ErrorCode::kLimit, "cannot store a batch of " + std::to_string(batch.size()) +
                                     " events: they have " + std::to_string(bytes) +
                                     " bytes or more as the log stores them, which takes " +
                                     std::to_string(kMaxRecordsBytes) + " at most; send smaller batches");
}

// The same events, numbered from 0 on as the log will place them, from the source the log will say.
std::shared_ptr<const Batch> renumbered(std::shared_ptr<const Batch> batch, std::string_view source) {
  bool same = batch->origin().source == source;
  for (size_t i = 0; same && i < batch->size(); ++i) {
    same = batch->entry(i).offset_delta == i && batch->entry(i).ordinal == 0;
  }
  if (same) return batch;
  std::vector<BatchEntry> entries(batch->entries().begin(), batch->entries().end());
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].offset_delta = static_cast<uint32_t>(i);
    entries[i].ordinal = 0;
  }
  auto origin = std::make_shared<BatchOrigin>(batch->origin());
  origin->source = source;
  return std::make_shared<const Batch>(batch->body(), std::move(entries), std::move(origin), batch->base_offset());
}

Status compress(Codec codec, std::string& raw, std::string& out) {
  if (codec == Codec::kNone) {
    out = raw;
    return {};
  }
  return thread_scratch().compressor.compress(static_cast<io::Compression>(codec), raw, out);
}

}  // namespace

Result<EncodedBatch> encode(std::shared_ptr<const Batch> batch, Codec codec, const AcceptInfo* accept) {
  ASSERT(batch != nullptr && !batch->empty());
  ASSERT_WHY(accept == nullptr || accept->id_hashes.empty() || accept->id_hashes.size() == batch->size(),
             "one hash per event, or none");
  const std::string& source = accept != nullptr ? accept->source : batch->origin().source;
  Headers first_headers;
  std::string reserved;
  if (accept != nullptr) {
    reserved = put_accept(*accept);
    first_headers.emplace_back(kAcceptHeader, reserved);
  } else if (!source.empty()) {
    reserved = put_source(source);
    first_headers.emplace_back(kSourceHeader, reserved);
  }
  // Before memory is taken for them.
  const size_t least = batch->payload_bytes() + reserved.size();
  if (least > kMaxRecordsBytes) return too_large(*batch, least);
  Scratch& scratch = thread_scratch();
  TRY(put_records(*batch, first_headers, reserved.size() + kAcceptHeader.size(), scratch.raw));

  EncodedBatch encoded;
  // What stands around each event counts as well: no reader takes more, and what none can read may not be stored.
  const size_t records_bytes = scratch.raw.size();
  const bool fits = records_bytes <= kMaxRecordsBytes;
  Status compressed;
  if (fits) compressed = compress(codec, scratch.raw, encoded.records);
  if (scratch.raw.capacity() > kKeptScratchBytes) scratch.raw = std::string();
  if (!fits) return too_large(*batch, records_bytes);
  TRY(std::move(compressed));
  encoded.records_crc = io::crc32c(encoded.records);
  encoded.codec = codec;
  encoded.count = static_cast<int32_t>(batch->size());
  encoded.base_timestamp_ms = batch->entry(0).timestamp_ms;
  if (accept != nullptr) {
    encoded.source = accept->source;
    encoded.cursor = accept->cursor;
  }
  encoded.batch = renumbered(std::move(batch), source);
  return encoded;
}

}  // namespace colloquium::log
