// AwsEventStreamDecoder: the messages of application/vnd.amazon.eventstream, which services of AWS answer with
// while they work, from bytes that come in any pieces; and append_aws_message, which writes one.
//
//   length of all, u32 │ length of the headers, u32 │ CRC-32 of these 8 bytes │ headers │ payload │ CRC-32 of it
//   all
//
// A header is the length of its name, u8, the name, its type, u8, and a value. Numbers are big-endian.
//
// Errors: kInvalidInput for what is no such stream, kLimit for what is longer than the limits; the message says
// what is wrong and at which byte of the stream. A length is looked at only if its checksum is right, and refused
// before memory is taken for it. Nothing can be read behind an error: the stream has no marks to find a message
// by.
//
// Text is handed over as it came: whether it is UTF-8 is for whoever takes it. The same name may come twice, the
// first one counts.
//
// Ownership: a message is views, into the input where it is whole there, otherwise into the decoder. Thread
// safety: one thread at a time. Source: AWS's specification of the type (smithy.io, "Amazon Event Stream").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "colloquium/result.h"

namespace colloquium::net {

struct AwsBytes {
  std::string_view bytes;
  bool operator==(const AwsBytes&) const = default;
};
struct AwsTimestamp {
  int64_t wall_ms = 0;
  bool operator==(const AwsTimestamp&) const = default;
};
struct AwsUuid {
  std::array<uint8_t, 16> bytes{};
  bool operator==(const AwsUuid&) const = default;
};

// The types in the order of their codes; false and true have one each, 1 and 0.
using AwsValue =
    std::variant<bool, int8_t, int16_t, int32_t, int64_t, AwsBytes, std::string_view, AwsTimestamp, AwsUuid>;

struct AwsHeader {
  std::string_view name;
  AwsValue value;
  bool operator==(const AwsHeader&) const = default;
};

struct AwsMessage {
  std::vector<AwsHeader> headers;
  std::string_view payload;

  // Null if there is none.
  const AwsValue* find(std::string_view name) const;
  // Empty if there is none, or it is no text: ":message-type", ":event-type", ":exception-type".
  std::string_view text(std::string_view name) const;
};

struct AwsStreamLimits {
  size_t message_bytes_max = size_t{24} << 20;
  size_t headers_bytes_max = size_t{128} << 10;
};

class AwsEventStreamDecoder {
 public:
  explicit AwsEventStreamDecoder(AwsStreamLimits limits = {}) : limits_(limits) {}

  // Takes the next message off the front of `input`; it is valid until the next call, and while the input's bytes
  // stay. Null: all of the input is taken, and more has to come. After an error every call gives that error.
  Result<const AwsMessage*> next(std::string_view& input);

  // To be asked when no more comes: an error if the stream ends within a message.
  Status finish() const;

 private:
  Result<const AwsMessage*> advance(std::string_view& input);
  std::optional<std::string_view> first(size_t count, std::string_view& input);
  Status read_prelude(std::string_view prelude);
  Status read_message(std::string_view whole);
  Status read_headers(std::string_view headers);
  void begin_next();
  // A failure at byte `at` of the message.
  Error broken(ErrorCode code, size_t at, const std::string& what) const;

  const AwsStreamLimits limits_;
  std::string buffer_;        // what has come of a message that is not whole in one input
  uint64_t begin_ = 0;        // of the message, in the stream
  size_t total_ = 0;          // of the message; 0: not known yet
  size_t headers_bytes_ = 0;  // of that
  uint32_t prelude_crc_ = 0;  // which the checksum of the whole goes on from
  bool handed_over_ = false;  // the message is read: the next call begins another
  AwsMessage message_;
  std::optional<Error> failure_;
};

// Appends a message. kInvalidInput if a header cannot be written: a name has 1 to 255 bytes, a value 65,535 at
// most; kLimit if it is longer than the limits. Nothing is appended then.
Status append_aws_message(std::string& out, std::span<const AwsHeader> headers, std::string_view payload,
                          const AwsStreamLimits& limits = {});

}  // namespace colloquium::net
