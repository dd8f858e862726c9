// Any bytes for the decoder of AWS's event streams, as they are and with lengths and checksums that are right:
// reading ends, keeps to its limits, does not depend on the pieces in which the bytes come, and what was
// understood is the same bytes when it is written again.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/checksum.h"
#include "net/aws_event_stream.h"
#include "tests/fuzz/report.h"

namespace colloquium::net {
namespace {

constexpr AwsStreamLimits kLimits = {4096, 1024};

// The messages, written again, and what is wrong with the rest of the stream.
std::vector<std::string> in_pieces(std::string_view stream, size_t piece) {
  AwsEventStreamDecoder decoder(kLimits);
  std::vector<std::string> found;
  for (std::string_view rest = stream; !rest.empty();) {
    std::string_view input = rest.substr(0, piece);
    rest.remove_prefix(input.size());
    while (true) {
      const auto message = decoder.next(input);
      if (!message) {
        found.push_back("! " + message.error().message);
        return found;
      }
      if (*message == nullptr) break;
      const Status written =
          append_aws_message(found.emplace_back(), (*message)->headers, (*message)->payload, kLimits);
      fuzz::require(written ? "" : "what was read cannot be written", stream);
    }
  }
  if (const Status end = decoder.finish(); !end) found.push_back("! " + end.error().message);
  return found;
}

void check(std::string_view stream, size_t piece) {
  const auto whole = in_pieces(stream, stream.size() + 1);
  fuzz::require(in_pieces(stream, piece) == whole ? "" : "other pieces give other messages", stream);
  std::string again;
  for (const std::string& message : whole) {
    if (!message.starts_with("! ")) again += message;
  }
  fuzz::require(stream.starts_with(again) ? "" : "a message is not what came", stream);
  const bool ended = whole.empty() || !whole.back().starts_with("! ");
  fuzz::require(!ended || again.size() == stream.size() ? "" : "bytes are passed over", stream);
}

void append_be32(std::string& out, size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

// A message that has the first of these bytes as its headers, with lengths and checksums that are right.
std::string mended(std::string_view bytes, size_t headers) {
  headers = std::min(headers, bytes.size());
  std::string out;
  append_be32(out, bytes.size() + 16);
  append_be32(out, headers);
  append_be32(out, io::crc32(out));
  out += bytes;
  append_be32(out, io::crc32(out));
  return out;
}

}  // namespace
}  // namespace colloquium::net

// The name libFuzzer calls.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace colloquium::net;  // NOLINT(google-build-using-namespace)
  if (size < 2) return 0;
  const size_t piece = 1 + data[0] % 40;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  check(bytes, piece);
  check(mended(bytes, data[1]), piece);
  return 0;
}
