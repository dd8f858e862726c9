#include "net/aws_event_stream.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "io/checksum.h"

namespace colloquium::net {
namespace {

constexpr size_t kPreludeCrcAt = 8;
constexpr size_t kPreludeBytes = 12;
constexpr size_t kCrcBytes = 4;
constexpr size_t kLeastBytes = kPreludeBytes + kCrcBytes;  // a message without headers and payload
constexpr size_t kNameBytesMax = 255;
constexpr size_t kValueBytesMax = 65535;
// A buffer that one long message has made larger is not kept for the short ones that come behind it.
constexpr size_t kKeptBytes = size_t{64} << 10;

// As the type of a header is written. In the order of AwsValue, but that bool has two.
enum class Code : uint8_t { kTrue, kFalse, kByte, kShort, kInt, kLong, kBytes, kText, kTimestamp, kUuid };

template <class Integer>
Integer big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(Integer); ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<Integer>(value);
}

template <class Integer>
void append_big_endian(std::string& out, Integer value) {
  const auto bits = static_cast<uint64_t>(value);
  for (size_t i = sizeof(Integer); i-- > 0;) out += static_cast<char>(bits >> (8 * i));
}

// Takes parts off the headers' bytes; what goes beyond them fails.
struct Cursor {
  std::string_view bytes;
  size_t at = 0;

  bool take(size_t count, std::string_view& out) {
    if (bytes.size() - at < count) return false;
    out = bytes.substr(at, count);
    at += count;
    return true;
  }
  template <class Integer>
  bool take_integer(Integer& out) {
    std::string_view taken;
    if (!take(sizeof(Integer), taken)) return false;
    out = big_endian<Integer>(taken);
    return true;
  }
  template <class Integer>
  bool take_integer(AwsValue& out) {
    return take_integer(out.emplace<Integer>());
  }
  bool take_counted(std::string_view& out) {
    uint16_t count = 0;
    return take_integer(count) && take(count, out);
  }
};

// False if the headers end before it does.
bool take_uuid(Cursor& cursor, AwsUuid& out) {
  std::string_view taken;
  if (!cursor.take(out.bytes.size(), taken)) return false;
  std::copy(taken.begin(), taken.end(), out.bytes.begin());
  return true;
}

bool take_value(Cursor& cursor, Code code, AwsValue& out) {
  switch (code) {
    case Code::kTrue:
    case Code::kFalse:
      out = code == Code::kTrue;
      return true;
    case Code::kByte:
      return cursor.take_integer<int8_t>(out);
    case Code::kShort:
      return cursor.take_integer<int16_t>(out);
    case Code::kInt:
      return cursor.take_integer<int32_t>(out);
    case Code::kLong:
      return cursor.take_integer<int64_t>(out);
    case Code::kBytes:
      return cursor.take_counted(out.emplace<AwsBytes>().bytes);
    case Code::kText:
      return cursor.take_counted(out.emplace<std::string_view>());
    case Code::kTimestamp:
      return cursor.take_integer(out.emplace<AwsTimestamp>().wall_ms);
    case Code::kUuid:
      return take_uuid(cursor, out.emplace<AwsUuid>());
  }
  return false;
}

// What is wrong with the header, or nothing.
std::string take_header(Cursor& cursor, AwsHeader& out) {
  constexpr const char* kCut = "a header is longer than the headers are said to be";
  uint8_t name_bytes = 0;
  uint8_t code = 0;
  if (!cursor.take_integer(name_bytes)) return kCut;
  if (name_bytes == 0) return "a header has no name";
  if (!cursor.take(name_bytes, out.name) || !cursor.take_integer(code)) return kCut;
  if (code > static_cast<uint8_t>(Code::kUuid))
    return "a header has the type " + std::to_string(code) + ", which does not exist";
  return take_value(cursor, static_cast<Code>(code), out.value) ? "" : kCut;
}

void append_text(std::string& out, std::string_view text) {
  append_big_endian(out, static_cast<uint16_t>(text.size()));
  out += text;
}

void append_value(std::string& out, const AwsValue& value) {
  const bool* flag = std::get_if<bool>(&value);
  const auto code = flag != nullptr && *flag ? Code::kTrue : static_cast<Code>(value.index() + 1);
  out += static_cast<char>(code);
  std::visit(
      [&](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, bool>) {
          // Its type says all.
        } else if constexpr (std::is_same_v<Held, AwsBytes>) {
          append_text(out, held.bytes);
        } else if constexpr (std::is_same_v<Held, std::string_view>) {
          append_text(out, held);
        } else if constexpr (std::is_same_v<Held, AwsTimestamp>) {
          append_big_endian(out, held.wall_ms);
        } else if constexpr (std::is_same_v<Held, AwsUuid>) {
          out.append(held.bytes.begin(), held.bytes.end());
        } else {
          append_big_endian(out, held);
        }
      },
      value);
}

size_t value_bytes(const AwsValue& value) {
  if (const auto* bytes = std::get_if<AwsBytes>(&value)) return bytes->bytes.size();
  const auto* text = std::get_if<std::string_view>(&value);
  return text != nullptr ? text->size() : 0;
}

Status append_header(std::string& out, const AwsHeader& header) {
  if (header.name.empty() || header.name.size() > kNameBytesMax || value_bytes(header.value) > kValueBytesMax) {
    return fail(ErrorCode::kInvalidInput, "an AWS event stream cannot have the header '" +
                                              std::string(header.name.substr(0, kNameBytesMax)) + "' with " +
                                              std::to_string(value_bytes(header.value)) +
                                              " bytes: a name has 1 to 255 bytes, a value at most 65,535");
  }
  append_big_endian(out, static_cast<uint8_t>(header.name.size()));
  out += header.name;
  append_value(out, header.value);
  return {};
}

}  // namespace

const AwsValue* AwsMessage::find(std::string_view name) const {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const AwsHeader& header) { return header.name == name; });
  return found == headers.end() ? nullptr : &found->value;
}

std::string_view AwsMessage::text(std::string_view name) const {
  const AwsValue* value = find(name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string_view>(value);
  return text == nullptr ? std::string_view() : *text;
}

Result<const AwsMessage*> AwsEventStreamDecoder::next(std::string_view& input) {
  if (failure_) return fail(*failure_);
  auto result = advance(input);
  if (!result) failure_ = result.error();
  return result;
}

Result<const AwsMessage*> AwsEventStreamDecoder::advance(std::string_view& input) {
  if (handed_over_) begin_next();
  if (total_ == 0) {
    const auto prelude = first(kPreludeBytes, input);
    if (!prelude) return nullptr;
    TRY(read_prelude(*prelude));
  }
  const auto whole = first(total_, input);
  if (!whole) return nullptr;
  if (buffer_.empty()) input.remove_prefix(total_);
  TRY(read_message(*whole));
  handed_over_ = true;
  return &message_;
}

void AwsEventStreamDecoder::begin_next() {
  begin_ += total_;
  total_ = 0;
  handed_over_ = false;
  message_.headers.clear();
  message_.payload = {};
  buffer_.clear();
  if (buffer_.capacity() > kKeptBytes) buffer_ = std::string();
}

// The first bytes of the message: where they are, if that is all in the input, otherwise in the buffer, which
// takes no more than these. The buffer grows with what comes, whatever length was promised.
std::optional<std::string_view> AwsEventStreamDecoder::first(size_t count, std::string_view& input) {
  if (buffer_.empty() && input.size() >= count) return input.substr(0, count);
  const size_t missing = count - std::min(count, buffer_.size());
  const std::string_view taken = input.substr(0, missing);
  buffer_ += taken;
  input.remove_prefix(taken.size());
  if (buffer_.size() < count) return std::nullopt;
  return std::string_view(buffer_).substr(0, count);
}

Error AwsEventStreamDecoder::broken(ErrorCode code, size_t at, const std::string& what) const {
  return {code,
          "an AWS event stream cannot be read any further at byte " + std::to_string(begin_ + at) +
              ", in the message that begins at byte " + std::to_string(begin_) + ": " + what,
          false,
          {}};
}

Status AwsEventStreamDecoder::read_prelude(std::string_view prelude) {
  const size_t total = big_endian<uint32_t>(prelude);
  const size_t headers = big_endian<uint32_t>(prelude.substr(4));
  prelude_crc_ = io::crc32(prelude.substr(0, kPreludeCrcAt));
  if (prelude_crc_ != big_endian<uint32_t>(prelude.substr(kPreludeCrcAt)))
    return fail(broken(ErrorCode::kInvalidInput, kPreludeCrcAt, "the checksum of its lengths is another"));
  if (total < kLeastBytes) {
    return fail(broken(ErrorCode::kInvalidInput, 0,
                       "it is " + std::to_string(total) + " bytes long, and none has less than 16"));
  }
  if (total > limits_.message_bytes_max) {
    return fail(broken(ErrorCode::kLimit, 0,
                       "it is " + std::to_string(total) + " bytes long, and no more than " +
                           std::to_string(limits_.message_bytes_max) + " are taken"));
  }
  if (headers > total - kLeastBytes) {
    return fail(
        broken(ErrorCode::kInvalidInput, 4,
               "its headers have " + std::to_string(headers) + " bytes, all of it only " + std::to_string(total)));
  }
  if (headers > limits_.headers_bytes_max) {
    return fail(broken(ErrorCode::kLimit, 4,
                       "its headers have " + std::to_string(headers) + " bytes, and no more than " +
                           std::to_string(limits_.headers_bytes_max) + " are taken"));
  }
  total_ = total;
  headers_bytes_ = headers;
  return {};
}

Status AwsEventStreamDecoder::read_message(std::string_view whole) {
  const size_t crc_at = total_ - kCrcBytes;
  const std::string_view checked = whole.substr(kPreludeCrcAt, crc_at - kPreludeCrcAt);
  if (io::crc32(checked, prelude_crc_) != big_endian<uint32_t>(whole.substr(crc_at)))
    return fail(broken(ErrorCode::kInvalidInput, crc_at, "the checksum of the message is another"));
  TRY(read_headers(whole.substr(kPreludeBytes, headers_bytes_)));
  const size_t payload_at = kPreludeBytes + headers_bytes_;
  message_.payload = whole.substr(payload_at, crc_at - payload_at);
  return {};
}

Status AwsEventStreamDecoder::read_headers(std::string_view headers) {
  Cursor cursor{headers};
  while (cursor.at < headers.size()) {
    const size_t begin = cursor.at;
    const std::string wrong = take_header(cursor, message_.headers.emplace_back());
    if (!wrong.empty()) return fail(broken(ErrorCode::kInvalidInput, kPreludeBytes + begin, wrong));
  }
  return {};
}

Status AwsEventStreamDecoder::finish() const {
  if (failure_) return fail(*failure_);
  if (handed_over_ || buffer_.empty()) return {};
  const std::string length = total_ == 0 ? "its length" : "all of its " + std::to_string(total_) + " bytes";
  return fail(broken(ErrorCode::kInvalidInput, buffer_.size(), "the stream ends before " + length + " came"));
}

Status append_aws_message(std::string& out, std::span<const AwsHeader> headers, std::string_view payload,
                          const AwsStreamLimits& limits) {
  std::string bytes;
  for (const AwsHeader& header : headers) TRY(append_header(bytes, header));
  const size_t total = kLeastBytes + bytes.size() + payload.size();
  const size_t most = std::min<size_t>(limits.message_bytes_max, UINT32_MAX);
  if (bytes.size() > limits.headers_bytes_max || total > most) {
    return fail(ErrorCode::kLimit, "a message of an AWS event stream cannot have " + std::to_string(bytes.size()) +
                                       " bytes of headers and " + std::to_string(payload.size()) +
                                       " of payload: at most " + std::to_string(limits.headers_bytes_max) +
                                       " of headers and " + std::to_string(most) + " of all are possible");
  }
  const size_t begin = out.size();
  append_big_endian(out, static_cast<uint32_t>(total));
  append_big_endian(out, static_cast<uint32_t>(bytes.size()));
  append_big_endian(out, io::crc32(std::string_view(out).substr(begin)));
  out.append(bytes).append(payload);
  append_big_endian(out, io::crc32(std::string_view(out).substr(begin)));
  return {};
}

}  // namespace colloquium::net
