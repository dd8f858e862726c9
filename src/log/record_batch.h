// Kafka's RecordBatch, format 2: the 61-byte header, records, and control batches, as bytes.
//
// Source: Apache Kafka, clients/…/common/record/DefaultRecordBatch.java, DefaultRecord.java, ControlRecordType.
// All fixed-width fields are big-endian; varints are zig-zag base-128 as in Protocol Buffers. Bytes 0–16 of a
// batch are outside Kafka's CRC; ours have a CRC of their own for those, in the base sequence, which is inside. Whoever
// reads one must still know which offset and epoch it has to bear: a batch that lies in a wrong place is whole.
// Nothing here trusts its input. Thread safety: functions and values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/result.h"

#include "log/log.h"

namespace colloquium::log {

inline constexpr size_t kHeaderBytes = 61;
inline constexpr size_t kLengthEnd = 12;                       // batchLength counts the bytes behind it
inline constexpr size_t kCrcBegin = 21;                        // what the CRC covers, to the batch's end
// Of one batch's records before compression, whatever stands around the events included: encode() makes no more, as
// no reader takes more.
inline constexpr size_t kMaxRecordsBytes = size_t{256} << 20;

inline constexpr uint16_t kCodecMask = 0x07;
inline constexpr uint16_t kLogAppendTime = 0x08;
inline constexpr uint16_t kTransactional = 0x10;
inline constexpr uint16_t kControl = 0x20;
// No codec of Kafka's: its readers refuse such a batch. The codec of what is encrypted stands in the bits from
// here on.
inline constexpr uint16_t kEncryptedCodec = 7;
inline constexpr int kInnerCodecShift = 8;
// Ours, as Kafka leaves the bit free: the batch is of a compacted segment. Its offsets reach as far as they did
// when it was written, and records may be missing among them, all of them too.
inline constexpr uint16_t kCompacted = 0x0800;

struct BatchHeader {
  int64_t base_offset = 0;
  int32_t batch_length = 0;
  int32_t epoch = 0;  // partitionLeaderEpoch: our incarnation
  int8_t magic = 2;
  uint32_t crc = 0;
  uint16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp_ms = 0;
  int64_t max_timestamp_ms = 0;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;  // a checksum of the fields up to magic; −1 in segments of before there was one
  int32_t record_count = 0;

  size_t total_bytes() const { return kLengthEnd + static_cast<size_t>(batch_length); }
  int64_t last_offset() const { return base_offset + last_offset_delta; }
  bool is_control() const { return (attributes & kControl) != 0; }
  bool is_compacted() const { return (attributes & kCompacted) != 0; }
  bool is_transactional() const { return (attributes & kTransactional) != 0; }
  bool is_encrypted() const { return (attributes & kCodecMask) == kEncryptedCodec; }
  // Of the records; of encrypted ones before they were encrypted.
  Codec codec() const {
    return static_cast<Codec>((is_encrypted() ? attributes >> kInnerCodecShift : attributes) & kCodecMask);
  }
};

using HeaderBytes = std::array<char, kHeaderBytes>;

// Lays `header` out. batch_length and crc are computed, from the records' size and their CRC-32C, and base_sequence.
HeaderBytes put_header(BatchHeader header, size_t records_bytes, uint32_t records_crc);
// REQUIRES: at least kHeaderBytes bytes.
BatchHeader get_header(std::string_view bytes);

// Why a header can't be one of ours whatever follows it; null if it can.
const char* header_defect(const BatchHeader& header);
// Why these bytes are not one whole valid batch; null if they are. Compares the CRC.
const char* batch_defect(std::string_view batch);

// --- primitive encodings -----------------------------------------------------------------------------------
size_t varint_size(int64_t value);
char* put_varint(char* out, int64_t value);
void append_varint(std::string& out, int64_t value);
void append_be64(std::string& out, uint64_t value);
void append_be32(std::string& out, uint32_t value);

// Reads forward over bytes of unknown quality. After the first failure everything yields zero and ok() is false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  int64_t varint();
  uint8_t byte();
  uint64_t be64();
  uint32_t be32();
  uint16_t be16();
  std::string_view take(int64_t count);
  // A length as varint, then so many bytes; −1 gives nothing.
  std::optional<std::string_view> nullable();
  bool ok() const { return ok_; }
  bool at_end() const { return at_ == bytes_.size(); }
  size_t position() const { return at_; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

// --- records -----------------------------------------------------------------------------------------------
struct Record {
  int64_t timestamp_delta = 0;
  int32_t offset_delta = 0;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<std::pair<std::string_view, std::string_view>> headers;  // a null header value is read as ""
};

// Behind `out`, as it would have been written.
void append_record(std::string& out, const Record& record);

// Walks uncompressed records.
class RecordReader {
 public:
  RecordReader(std::string_view records, int32_t count) : records_(records), reader_(records), left_(count) {}
  // False at the end or at malformed bytes: ask ok(). `record` is reused to save allocations.
  bool next(Record& record);
  // REQUIRES: next() gave false. Every record was read and nothing was left over.
  bool ok() const { return ok_ && reader_.at_end(); }
  // What the last record was read from, its length included.
  std::string_view bytes() const { return records_.substr(begin_, reader_.position() - begin_); }

 private:
  bool read_headers(Record& record);
  std::string_view records_;
  size_t begin_ = 0;  // of the last record
  ByteReader reader_;
  int32_t left_;
  bool ok_ = true;
};

// Builds uncompressed records for the journal and for tests; src/log/encode.cc has the fast one.
class RecordWriter {
 public:
  void add(std::string_view key, std::optional<std::string_view> value);
  const std::string& records() const { return records_; }
  int32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  void clear();

 private:
  std::string records_;
  int32_t count_ = 0;
};

// --- sync marks --------------------------------------------------------------------------------------------
// A control batch of one record: everything below `offset`, and every byte of this file below `position`, was
// synced, and every output below is committed. It stands at exactly that offset and position.
inline constexpr int16_t kSyncMarkType = 0x5350;
inline constexpr size_t kSyncMarkBytes = 90;

struct SyncMark {
  int64_t offset = 0;
  uint64_t position = 0;
};

std::array<char, kSyncMarkBytes> put_sync_mark(const SyncMark& mark, int32_t epoch, int64_t timestamp_ms);
// Nothing if `batch` is no valid sync mark.
std::optional<SyncMark> get_sync_mark(std::string_view batch);

}  // namespace colloquium::log
