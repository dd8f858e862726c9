#include "log/record_batch.h"

#include <cstring>

#include "base/assert.h"
#include "io/checksum.h"

namespace colloquium::log {
namespace {

template <class T>
char* put_be(char* out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  return out + sizeof(T);
}

template <class T>
T get_be(const char* in) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | static_cast<uint8_t>(in[i]));
  return value;
}

uint64_t zig_zag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
int64_t un_zig_zag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

constexpr size_t kPlaceBytes = 17;  // offset, length, incarnation and magic: what Kafka's CRC leaves out

// Of those bytes, as a base sequence, which the CRC covers and which means nothing to Kafka's readers here.
int32_t place_sum(std::string_view header) {
  ASSERT(header.size() >= kPlaceBytes);
  return static_cast<int32_t>(io::crc32c(header.substr(0, kPlaceBytes)) & 0x7fffffff);
}

}  // namespace

HeaderBytes put_header(BatchHeader header, size_t records_bytes, uint32_t records_crc) {
  ASSERT(records_bytes <= kMaxRecordsBytes * 2);
  HeaderBytes bytes;
  char* out = put_be(bytes.data(), static_cast<uint64_t>(header.base_offset));
  out = put_be(out, static_cast<uint32_t>(kHeaderBytes - kLengthEnd + records_bytes));
  out = put_be(out, static_cast<uint32_t>(header.epoch));
  *out++ = static_cast<char>(header.magic);
  char* const crc_at = out;
  out = put_be(out + 4, header.attributes);
  out = put_be(out, static_cast<uint32_t>(header.last_offset_delta));
  out = put_be(out, static_cast<uint64_t>(header.base_timestamp_ms));
  out = put_be(out, static_cast<uint64_t>(header.max_timestamp_ms));
  out = put_be(out, static_cast<uint64_t>(header.producer_id));
  out = put_be(out, static_cast<uint16_t>(header.producer_epoch));
  out = put_be(out, static_cast<uint32_t>(place_sum({bytes.data(), bytes.size()})));
  out = put_be(out, static_cast<uint32_t>(header.record_count));
  ASSERT(out == bytes.data() + kHeaderBytes);
  const uint32_t crc = io::crc32c({bytes.data() + kCrcBegin, kHeaderBytes - kCrcBegin});
  put_be(crc_at, io::crc32c_combine(crc, records_crc, records_bytes));
  return bytes;
}

BatchHeader get_header(std::string_view bytes) {
  ASSERT(bytes.size() >= kHeaderBytes);
  const char* in = bytes.data();
  BatchHeader header;
  header.base_offset = static_cast<int64_t>(get_be<uint64_t>(in));
  header.batch_length = static_cast<int32_t>(get_be<uint32_t>(in + 8));
  header.epoch = static_cast<int32_t>(get_be<uint32_t>(in + 12));
  header.magic = static_cast<int8_t>(in[16]);
  header.crc = get_be<uint32_t>(in + 17);
  header.attributes = get_be<uint16_t>(in + 21);
  header.last_offset_delta = static_cast<int32_t>(get_be<uint32_t>(in + 23));
  header.base_timestamp_ms = static_cast<int64_t>(get_be<uint64_t>(in + 27));
  header.max_timestamp_ms = static_cast<int64_t>(get_be<uint64_t>(in + 35));
  header.producer_id = static_cast<int64_t>(get_be<uint64_t>(in + 43));
  header.producer_epoch = static_cast<int16_t>(get_be<uint16_t>(in + 51));
  header.base_sequence = static_cast<int32_t>(get_be<uint32_t>(in + 53));
  header.record_count = static_cast<int32_t>(get_be<uint32_t>(in + 57));
  return header;
}

const char* header_defect(const BatchHeader& header) {
  if (header.magic != 2) return "no batch begins here (magic is not 2)";
  if (header.batch_length < static_cast<int32_t>(kHeaderBytes - kLengthEnd))
    return "the batch's length is too small";
  if (static_cast<size_t>(header.batch_length) > 2 * kMaxRecordsBytes) return "the batch's length is too large";
  if (header.base_offset < 0) return "the batch's offset is negative";
  if (header.is_compacted()) {
    if (header.is_control()) return "a control batch bears the mark of compacted ones";
    const bool fits = header.record_count >= 0 && header.last_offset_delta >= 0 &&
                      header.record_count <= int64_t{header.last_offset_delta} + 1;
    return fits ? nullptr : "the compacted batch's last offset and count disagree";
  }
  if (header.record_count < 1) return "the batch holds no records";
  if (header.last_offset_delta != header.record_count - 1) return "the batch's last offset and count disagree";
  // Else a batch of events that lost its bit would be passed over as one of ours.
  if (header.is_control() && (header.attributes & kCodecMask) != 0) return "a control batch names a codec";
  return nullptr;
}

namespace {

// Of all but the fields that Kafka's CRC leaves out.
const char* crc_defect(std::string_view batch) {
  if (batch.size() < kHeaderBytes) return "the batch's header is cut off";
  const BatchHeader header = get_header(batch);
  if (const char* defect = header_defect(header)) return defect;
  if (header.total_bytes() != batch.size()) return "the batch is cut off";
  if (io::crc32c(batch.substr(kCrcBegin)) != header.crc) return "the batch's checksum does not match";
  return nullptr;
}

}  // namespace

const char* batch_defect(std::string_view batch) {
  if (const char* defect = crc_defect(batch)) return defect;
  const BatchHeader header = get_header(batch);
  // Segments of before the sum was stored have −1.
  if (header.base_sequence != -1 && header.base_sequence != place_sum(batch))
    return "the batch's offset, length or incarnation is not that of its records";
  return nullptr;
}

size_t varint_size(int64_t value) {
  const uint64_t bits = zig_zag(value) | 1;
  return static_cast<size_t>((70 - __builtin_clzll(bits)) / 7);
}

char* put_varint(char* out, int64_t value) {
  ASSERT(out != nullptr);
  uint64_t rest = zig_zag(value);
  while (rest >= 0x80) {
    *out++ = static_cast<char>(rest | 0x80);
    rest >>= 7;
  }
  *out++ = static_cast<char>(rest);
  return out;
}

void append_varint(std::string& out, int64_t value) {
  char bytes[10];
  out.append(bytes, static_cast<size_t>(put_varint(bytes, value) - bytes));
}

void append_be64(std::string& out, uint64_t value) {
  char bytes[8];
  put_be(bytes, value);
  out.append(bytes, sizeof(bytes));
}

void append_be32(std::string& out, uint32_t value) {
  char bytes[4];
  put_be(bytes, value);
  out.append(bytes, sizeof(bytes));
}

int64_t ByteReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 70 && at_ < bytes_.size(); shift += 7) {
    const auto next = static_cast<uint8_t>(bytes_[at_++]);
    value |= static_cast<uint64_t>(next & 0x7f) << (shift < 64 ? shift : 63);
    if ((next & 0x80) == 0) return ok_ ? un_zig_zag(value) : 0;
  }
  ok_ = false;
  return 0;
}

std::string_view ByteReader::take(int64_t count) {
  if (!ok_ || count < 0 || static_cast<uint64_t>(count) > bytes_.size() - at_) {
    ok_ = false;
    return {};
  }
  const std::string_view taken = bytes_.substr(at_, static_cast<size_t>(count));
  at_ += taken.size();
  return taken;
}

uint8_t ByteReader::byte() {
  const std::string_view one = take(1);
  return one.empty() ? 0 : static_cast<uint8_t>(one[0]);
}
uint64_t ByteReader::be64() {
  const std::string_view bytes = take(8);
  return ok_ ? get_be<uint64_t>(bytes.data()) : 0;
}
uint32_t ByteReader::be32() {
  const std::string_view bytes = take(4);
  return ok_ ? get_be<uint32_t>(bytes.data()) : 0;
}
uint16_t ByteReader::be16() {
  const std::string_view bytes = take(2);
  return ok_ ? get_be<uint16_t>(bytes.data()) : 0;
}

std::optional<std::string_view> ByteReader::nullable() {
  const int64_t length = varint();
  if (length == -1) return std::nullopt;
  return take(length);
}

bool RecordReader::read_headers(Record& record) {
  const int64_t count = reader_.varint();
  if (count < 0) return false;
  record.headers.clear();
  for (int64_t i = 0; i < count && reader_.ok(); ++i) {
    const std::string_view name = reader_.take(reader_.varint());
    record.headers.emplace_back(name, reader_.nullable().value_or(std::string_view()));
  }
  return reader_.ok();
}

bool RecordReader::next(Record& record) {
  ASSERT(left_ >= 0);
  if (left_ == 0 || !ok_) return false;
  --left_;
  begin_ = reader_.position();
  const int64_t length = reader_.varint();
  const size_t begin = reader_.position();
  reader_.byte();  // attributes: unused by the format
  record.timestamp_delta = reader_.varint();
  record.offset_delta = static_cast<int32_t>(reader_.varint());
  record.key = reader_.nullable();
  record.value = reader_.nullable();
  ok_ = read_headers(record) && reader_.ok() && length >= 0 &&
        reader_.position() - begin == static_cast<uint64_t>(length);
  return ok_;
}

namespace {

void append_nullable(std::string& out, std::optional<std::string_view> bytes) {
  append_varint(out, bytes ? static_cast<int64_t>(bytes->size()) : -1);
  if (bytes) out += *bytes;
}

}  // namespace

void append_record(std::string& out, const Record& record) {
  ASSERT(record.offset_delta >= 0);
  std::string body;
  body += '\0';
  append_varint(body, record.timestamp_delta);
  append_varint(body, record.offset_delta);
  append_nullable(body, record.key);
  append_nullable(body, record.value);
  append_varint(body, static_cast<int64_t>(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    append_nullable(body, name);
    append_nullable(body, value);
  }
  append_varint(out, static_cast<int64_t>(body.size()));
  out += body;
}

void RecordWriter::add(std::string_view key, std::optional<std::string_view> value) {
  ASSERT(count_ < INT32_MAX);
  std::string body;
  body += '\0';
  append_varint(body, 0);
  append_varint(body, count_);
  append_varint(body, static_cast<int64_t>(key.size()));
  body += key;
  append_varint(body, value ? static_cast<int64_t>(value->size()) : -1);
  if (value) body += *value;
  append_varint(body, 0);
  append_varint(records_, static_cast<int64_t>(body.size()));
  records_ += body;
  ++count_;
}

void RecordWriter::clear() {
  records_.clear();
  count_ = 0;
}

namespace {

constexpr size_t kMarkKeyAt = kHeaderBytes + 5;  // behind length, attributes, two deltas and the key's length
constexpr size_t kMarkValueAt = kMarkKeyAt + 5;

}  // namespace

std::array<char, kSyncMarkBytes> put_sync_mark(const SyncMark& mark, int32_t epoch, int64_t timestamp_ms) {
  ASSERT(mark.offset >= 0 && epoch >= 0);
  // The record is of one size, so that a recovery can look for marks among damaged bytes.
  char record[kSyncMarkBytes - kHeaderBytes];
  char* out = put_varint(record, sizeof(record) - 1);
  *out++ = 0;
  out = put_varint(out, 0);
  out = put_varint(out, 0);
  out = put_varint(out, 4);
  out = put_be(out, uint16_t{0});
  out = put_be(out, static_cast<uint16_t>(kSyncMarkType));
  out = put_varint(out, 18);
  out = put_be(out, uint16_t{0});
  out = put_be(out, static_cast<uint64_t>(mark.offset));
  out = put_be(out, mark.position);
  out = put_varint(out, 0);
  ASSERT(out == record + sizeof(record));

  BatchHeader header;
  header.base_offset = mark.offset;
  header.epoch = epoch;
  header.attributes = kControl | kLogAppendTime;
  header.base_timestamp_ms = timestamp_ms;
  header.max_timestamp_ms = timestamp_ms;
  header.record_count = 1;
  const HeaderBytes head = put_header(header, sizeof(record), io::crc32c({record, sizeof(record)}));
  std::array<char, kSyncMarkBytes> bytes;
  std::memcpy(bytes.data(), head.data(), head.size());
  std::memcpy(bytes.data() + head.size(), record, sizeof(record));
  return bytes;
}

std::optional<SyncMark> get_sync_mark(std::string_view batch) {
  // What it says is under the CRC: it is a witness although its own place is damaged.
  if (batch.size() != kSyncMarkBytes || crc_defect(batch) != nullptr) return std::nullopt;
  const BatchHeader header = get_header(batch);
  if (!header.is_control() || header.record_count != 1) return std::nullopt;
  ByteReader key(batch.substr(kMarkKeyAt, 4));
  if (key.be16() != 0 || key.be16() != kSyncMarkType) return std::nullopt;
  ByteReader value(batch.substr(kMarkValueAt, 18));
  if (value.be16() != 0) return std::nullopt;
  SyncMark mark;
  mark.offset = static_cast<int64_t>(value.be64());
  mark.position = value.be64();
  return mark;
}

}  // namespace colloquium::log
