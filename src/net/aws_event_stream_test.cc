#include "net/aws_event_stream.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <simdjson.h>

#include "io/aead.h"
#include "io/checksum.h"
#include "io/hmac.h"
#include "tests/skip.h"

namespace colloquium::net {
namespace {

namespace fs = std::filesystem;

const fs::path kVectors = PROJECT_SOURCE_DIR "/../shared/data/aws/eventstream";

std::string unhex(std::string_view text) {
  return io::from_hex(text).value();
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string be32(size_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out;
}

// A prelude with its checksum, whatever it says.
std::string prelude(size_t total, size_t headers) {
  const std::string lengths = be32(total) + be32(headers);
  return lengths + be32(io::crc32(lengths));
}

// A message around bytes that need not be headers.
std::string around(const std::string& headers, const std::string& payload = "") {
  const std::string body = prelude(16 + headers.size() + payload.size(), headers.size()) + headers + payload;
  return body + be32(io::crc32(body));
}

// A message that owns its bytes: as written again.
std::string copy_of(const AwsMessage& message) {
  std::string out;
  REQUIRE(append_aws_message(out, message.headers, message.payload));
  return out;
}

struct Reading {
  std::vector<std::string> messages;
  std::optional<Error> error;
};

Reading read_all(std::string_view stream, size_t piece, AwsStreamLimits limits = {}) {
  AwsEventStreamDecoder decoder(limits);
  Reading reading;
  while (!stream.empty()) {
    std::string_view input = stream.substr(0, piece);
    stream.remove_prefix(input.size());
    while (true) {
      const auto message = decoder.next(input);
      if (!message) {
        reading.error = message.error();
        CHECK(decoder.next(input).error().message == reading.error->message);
        return reading;
      }
      if (*message == nullptr) break;
      reading.messages.push_back(copy_of(**message));
    }
    CHECK(input.empty());
  }
  if (const auto end = decoder.finish(); !end) reading.error = end.error();
  return reading;
}

std::string failure_of(std::string_view stream, AwsStreamLimits limits = {}) {
  const Reading whole = read_all(stream, stream.size() + 1, limits);
  const Reading bytewise = read_all(stream, 1, limits);
  CHECK(whole.messages == bytewise.messages);
  REQUIRE(whole.error);
  REQUIRE(bytewise.error);
  CHECK(whole.error->message == bytewise.error->message);
  return whole.error->message;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// As a value of the vectors' JSON is written: bytes and text in base64.
std::string shown(const AwsValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<int8_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<int16_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<int32_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  if (const auto* time = std::get_if<AwsTimestamp>(&value)) return std::to_string(time->wall_ms);
  if (const auto* bytes = std::get_if<AwsBytes>(&value)) return "\"" + io::to_base64(bytes->bytes) + "\"";
  if (const auto* text = std::get_if<std::string_view>(&value)) return "\"" + io::to_base64(*text) + "\"";
  const AwsUuid uuid = std::get<AwsUuid>(value);
  return "\"" + io::to_base64({reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size()}) + "\"";
}

int64_t code_of(const AwsValue& value) {
  const bool* flag = std::get_if<bool>(&value);
  return flag != nullptr && *flag ? 0 : static_cast<int64_t>(value.index()) + 1;
}

void check_vector(const std::string& encoded, const fs::path& decoded) {
  simdjson::dom::parser parser;
  const simdjson::padded_string text(read(decoded));
  const simdjson::dom::element wanted = parser.parse(text).value();
  AwsEventStreamDecoder decoder;
  std::string_view input = encoded;
  const auto found = decoder.next(input);
  REQUIRE(found);
  REQUIRE(*found != nullptr);
  const AwsMessage& message = **found;
  CHECK(input.empty());
  CHECK(static_cast<int64_t>(encoded.size()) == wanted["total_length"].get_int64().value());
  CHECK("\"" + io::to_base64(message.payload) + "\"" == simdjson::to_string(wanted["payload"].value()));
  size_t index = 0;
  const simdjson::dom::array headers = wanted["headers"].get_array().value();
  for (const simdjson::dom::element header : headers) {
    REQUIRE(index < message.headers.size());
    const AwsHeader& same = message.headers[index++];
    CHECK(same.name == header["name"].get_string().value());
    CHECK(code_of(same.value) == header["type"].get_int64().value());
    CHECK(shown(same.value) == simdjson::to_string(header["value"].value()));
  }
  CHECK(index == message.headers.size());
  CHECK(copy_of(message) == encoded);
}

TEST_CASE("the published messages are read and written as they are published") {
  if (!fs::exists(kVectors)) SKIP_TEST("no vectors of AWS beside the project");
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(kVectors / "encoded/positive")) {
    INFO(entry.path().filename().string());
    check_vector(read(entry.path()), kVectors / "decoded/positive" / entry.path().filename());
    ++count;
  }
  CHECK(count == 5);
}

TEST_CASE("the published broken messages are refused for the published reason") {
  if (!fs::exists(kVectors)) SKIP_TEST("no vectors of AWS beside the project");
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(kVectors / "encoded/negative")) {
    INFO(entry.path().filename().string());
    const std::string why = read(kVectors / "decoded/negative" / entry.path().filename());
    const bool in_prelude = why.starts_with("Prelude checksum mismatch");
    CHECK((in_prelude || why.starts_with("Message checksum mismatch")));
    CHECK(has(failure_of(read(entry.path())),
              in_prelude ? "the checksum of its lengths" : "the checksum of the message"));
    ++count;
  }
  CHECK(count == 4);
}

const char* const kEmpty = "000000100000000005c248eb7d98c8ff";
// The last message of an answer of Bedrock, as AWS's own library takes it.
const char* const kMetadata =
    "000000b40000004e11011d2a0b3a6576656e742d747970650700086d657461646174610d3a636f6e74656e742d7479706507001061707"
    "0"
    "6c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b227573616765223a7b22696e707574546f6b6"
    "5"
    "6e73223a332c226f7574707574546f6b656e73223a312c22746f74616c546f6b656e73223a347d2c226d657472696373223a7b226c617"
    "4"
    "656e63794d73223a357d7d8e4934e6";

TEST_CASE("a message of Bedrock is read and written, and so is one of nothing") {
  const std::string stream = unhex(kMetadata) + unhex(kEmpty);
  AwsEventStreamDecoder decoder;
  std::string_view input = stream;
  const AwsMessage* message = decoder.next(input).value();
  REQUIRE(message != nullptr);
  CHECK(message->text(":message-type") == "event");
  CHECK(message->text(":event-type") == "metadata");
  CHECK(message->text(":content-type") == "application/json");
  CHECK(message->text(":exception-type").empty());
  CHECK(message->find(":exception-type") == nullptr);
  CHECK(message->payload ==
        R"({"usage":{"inputTokens":3,"outputTokens":1,"totalTokens":4},"metrics":{"latencyMs":5}})");
  // Whole in the input, it is not copied.
  CHECK(message->payload.data() > stream.data());
  CHECK(message->payload.data() < stream.data() + stream.size());
  CHECK(copy_of(*message) == unhex(kMetadata));
  message = decoder.next(input).value();
  REQUIRE(message != nullptr);
  CHECK(message->headers.empty());
  CHECK(message->payload.empty());
  CHECK(decoder.finish());
  CHECK(decoder.next(input).value() == nullptr);

  std::string written;
  REQUIRE(append_aws_message(written, {}, ""));
  CHECK(written == unhex(kEmpty));
}

TEST_CASE("messages are the same wherever their bytes are split") {
  const std::vector<std::string> messages = {unhex(kMetadata), unhex(kEmpty), unhex(kMetadata)};
  const std::string stream = messages[0] + messages[1] + messages[2];
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    const Reading reading = read_all(stream, piece);
    CHECK_FALSE(reading.error);
    CHECK(reading.messages == messages);
  }
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    AwsEventStreamDecoder decoder;
    std::vector<std::string> found;
    for (std::string_view input :
         {std::string_view(stream).substr(0, cut), std::string_view(stream).substr(cut)}) {
      while (const AwsMessage* message = decoder.next(input).value()) found.push_back(copy_of(*message));
    }
    CHECK(found == messages);
    CHECK(decoder.finish());
  }
}

TEST_CASE("a stream that ends within a message says so") {
  const std::string stream = unhex(kEmpty) + unhex(kMetadata);
  for (size_t end = 0; end < stream.size(); ++end) {
    const Reading reading = read_all(std::string_view(stream).substr(0, end), 50);
    CHECK(reading.messages.size() == (end < 16 ? 0 : 1));
    CHECK(reading.error.has_value() == (end != 0 && end != 16));
  }
  CHECK(has(failure_of(stream.substr(0, 20)),
            "at byte 20, in the message that begins at byte 16: the stream ends before its length came"));
  CHECK(has(failure_of(stream.substr(0, 100)), "the stream ends before all of its 180 bytes came"));
}

TEST_CASE("lengths that cannot be are refused at once, before anything is kept for them") {
  const AwsStreamLimits small{100, 40};
  CHECK(has(failure_of(prelude(15, 0)), "at byte 0, in the message that begins at byte 0: it is 15 bytes long"));
  CHECK(has(failure_of(prelude(0, 0)), "none has less than 16"));
  CHECK(has(failure_of(unhex(kEmpty) + prelude(20, 5)),
            "at byte 20, in the message that begins at byte 16: its headers have 5 bytes, all of it only 20"));
  CHECK(has(failure_of(prelude(0xffffffff, 0xffffffff)), "4294967295 bytes long, and no more than 25165824"));
  CHECK(has(failure_of(prelude((24 << 20) + 1, 0)), "no more than 25165824"));
  CHECK(has(failure_of(prelude(24 << 20, (128 << 10) + 1)),
            "its headers have 131073 bytes, and no more than 131072"));
  CHECK(has(failure_of(prelude(101, 0), small), "no more than 100"));
  CHECK(has(failure_of(prelude(100, 41), small), "no more than 40"));
  CHECK(read_all(prelude(101, 0), 1, small).error->code == ErrorCode::kLimit);
  CHECK(read_all(prelude(15, 0), 1).error->code == ErrorCode::kInvalidInput);

  // As long as is allowed.
  const std::string long_one = prelude(24 << 20, 128 << 10);
  std::string_view input = long_one;
  AwsEventStreamDecoder decoder;
  CHECK(decoder.next(input).value() == nullptr);
  std::string longest;
  const std::string payload((24 << 20) - 16, 'x');
  REQUIRE(append_aws_message(longest, {}, payload));
  CHECK(read_all(longest, 70'000).messages.size() == 1);
}

TEST_CASE("headers that are none are refused, though every checksum is right") {
  const auto at_12 = [](const std::string& what) {
    return "at byte 12, in the message that begins at byte 0: " + what;
  };
  const std::string cut = "a header is longer than the headers are said to be";
  CHECK(has(failure_of(around(std::string("\0\0", 2))), at_12("a header has no name")));
  CHECK(has(failure_of(around("\1")), at_12(cut)));
  CHECK(has(failure_of(around("\1a")), at_12(cut)));
  CHECK(has(failure_of(around("\2a")), at_12(cut)));
  CHECK(has(failure_of(around("\1a\x0a")), at_12("a header has the type 10, which does not exist")));
  CHECK(has(failure_of(around("\1a\xff")), "the type 255"));
  // Each type with a byte less than it has.
  const std::pair<char, size_t> sizes[] = {{2, 1}, {3, 2}, {4, 4}, {5, 8}, {6, 2}, {7, 2}, {8, 8}, {9, 16}};
  for (const auto& [code, size] : sizes) {
    const std::string begin = std::string("\1a") + code;
    INFO(static_cast<int>(code));
    CHECK(has(failure_of(around(begin + std::string(size - 1, '\0'))), cut));
    CHECK_FALSE(read_all(around(begin + std::string(size, '\0')), 1).error);
  }
  // What the payload has is no part of a header.
  CHECK(has(failure_of(around(std::string("\1a\7\0\5text", 9), "more")), cut));
  // The second one.
  CHECK(
      has(failure_of(unhex(kEmpty) + around(std::string("\1a\0\1b\x0b", 6))), "at byte 31, in the message that"));
}

TEST_CASE("what cannot be written is refused, and nothing is appended") {
  std::string out = "before";
  const auto refused = [&](const AwsHeader& header) {
    const auto status = append_aws_message(out, std::span(&header, 1), "payload");
    CHECK(out == "before");
    return status ? "" : status.error().message;
  };
  const std::string name(256, 'n'), value(65'536, 'v');
  CHECK(has(refused({"", true}), "a name has 1 to 255 bytes"));
  CHECK(has(refused({name, true}), "a name has 1 to 255 bytes"));
  CHECK(has(refused({"n", std::string_view(value)}), "with 65536 bytes"));
  CHECK(has(refused({"n", AwsBytes{value}}), "with 65536 bytes"));
  const AwsHeader most{std::string_view(name).substr(1), AwsBytes{std::string_view(value).substr(1)}};
  const std::vector<AwsHeader> two = {most, most};
  CHECK(append_aws_message(out, two, "").error().code == ErrorCode::kLimit);
  CHECK(append_aws_message(out, {}, value, {65'551, 0}).error().code == ErrorCode::kLimit);
  CHECK(out == "before");
  CHECK(append_aws_message(out, {}, value, {65'552, 0}));
  out.clear();
  CHECK(append_aws_message(out, std::span(&most, 1), ""));
  CHECK(read_all(out, 1000).messages == std::vector<std::string>{out});
}

class RandomMessages {
 public:
  explicit RandomMessages(uint64_t seed) : random_(seed) {}

  size_t below(size_t end) { return random_() % end; }

  std::string bytes(size_t most) {
    std::string out(below(most + 1), '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

  // Of what `kept` holds, where texts and names lie.
  AwsValue value(std::vector<std::string>& kept) {
    switch (below(9)) {
      case 0:
        return below(2) == 0;
      case 1:
        return static_cast<int8_t>(random_());
      case 2:
        return static_cast<int16_t>(random_());
      case 3:
        return static_cast<int32_t>(random_());
      case 4:
        return static_cast<int64_t>(random_());
      case 5:
        return AwsBytes{kept.emplace_back(bytes(300))};
      case 6:
        return std::string_view(kept.emplace_back(bytes(40)));
      case 7:
        return AwsTimestamp{static_cast<int64_t>(random_())};
      default: {
        AwsUuid uuid;
        for (uint8_t& byte : uuid.bytes) byte = static_cast<uint8_t>(random_());
        return uuid;
      }
    }
  }

  std::vector<AwsHeader> headers(std::vector<std::string>& kept) {
    std::vector<AwsHeader> out(below(12));
    kept.reserve(2 * out.size());  // views stay what they are
    for (AwsHeader& header : out) {
      header.name = kept.emplace_back("n" + bytes(254));
      header.value = value(kept);
    }
    return out;
  }

  std::string message() {
    std::vector<std::string> kept;
    const auto all = headers(kept);
    std::string out;
    REQUIRE(append_aws_message(out, all, bytes(200)));
    return out;
  }

 private:
  std::mt19937_64 random_;
};

TEST_CASE("whatever headers are written are read again") {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    INFO(seed);
    RandomMessages random(seed);
    std::vector<std::string> kept;
    const auto headers = random.headers(kept);
    const std::string payload = random.bytes(500);
    std::string stream;
    REQUIRE(append_aws_message(stream, headers, payload));
    AwsEventStreamDecoder decoder;
    const size_t cut = random.below(stream.size());
    std::string_view begin = std::string_view(stream).substr(0, cut), rest = std::string_view(stream).substr(cut);
    REQUIRE(decoder.next(begin).value() == nullptr);
    const AwsMessage* message = decoder.next(rest).value();
    REQUIRE(message != nullptr);
    REQUIRE(message->headers == headers);
    REQUIRE(message->payload == payload);
  }
}

// Changes, takes away or puts in some bytes.
void damage(std::string& stream, RandomMessages& random) {
  const size_t at = random.below(stream.size());
  const std::string other = random.bytes(8);
  switch (random.below(4)) {
    case 0:
      stream[at] = static_cast<char>(stream[at] ^ (1 << random.below(8)));
      break;
    case 1:
      stream.replace(at, std::min(other.size(), stream.size() - at), other);
      break;
    case 2:
      stream.erase(at, 1 + random.below(20));
      break;
    default:
      stream.insert(at, other);
  }
}

TEST_CASE("damage is never taken for a message") {
  size_t refused = 0;
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    INFO(seed);
    RandomMessages random(seed);
    const std::vector<std::string> messages = {random.message(), random.message(), random.message()};
    std::string stream = messages[0] + messages[1] + messages[2];
    const std::string before = stream;
    damage(stream, random);
    const Reading reading = read_all(stream, 1 + random.below(300));
    if (stream == before) continue;
    ++refused;
    // Something is missing or wrong, and what was read is as it was sent.
    const bool at_end = reading.messages.size() < messages.size() && before.starts_with(stream);
    REQUIRE((reading.error || at_end));
    REQUIRE(reading.messages.size() <= messages.size());
    REQUIRE(std::equal(reading.messages.begin(), reading.messages.end(), messages.begin()));
  }
  CHECK(refused > 4500);
}

TEST_CASE("any bytes are refused or understood, whether or not their checksums are right") {
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    INFO(seed);
    RandomMessages random(seed);
    const std::string any = random.bytes(200);
    const Reading raw = read_all(any, 7);
    REQUIRE((raw.error || any.empty()));
    const std::string mended = around(any, random.bytes(20));
    const Reading reading = read_all(mended, 7);
    REQUIRE((reading.error || reading.messages == std::vector<std::string>{mended}));
  }
}

}  // namespace
}  // namespace colloquium::net
