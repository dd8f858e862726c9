#include "net/chunked_decoder.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::net {
namespace {

using Kind = ChunkedDecoder::Step::Kind;

struct Decoded {
  std::string body;
  Kind end = Kind::kNeedMore;
  size_t consumed = 0;
};

// Feeds `text` in pieces of `piece` bytes.
Decoded decode(std::string_view text, size_t piece = 1000) {
  ChunkedDecoder decoder;
  Decoded decoded;
  while (decoded.consumed < text.size()) {
    const ChunkedDecoder::Step step = decoder.next(text.substr(decoded.consumed, piece));
    decoded.consumed += step.consumed;
    decoded.body += step.data;
    decoded.end = step.kind;
    if (step.kind == Kind::kDone || step.kind == Kind::kBad) break;
  }
  return decoded;
}

TEST_CASE("chunks are joined, whatever pieces they come in, and what follows is left alone") {
  const std::string text =
      "5\r\nhello\r\nA;name=value;q=\"x\"\r\n0123456789\r\n000\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n";
  for (const size_t piece : {1, 2, 3, 7, 1000}) {
    const Decoded decoded = decode(text + "GET / HTTP/1.1", piece);
    CHECK(decoded.body == "hello0123456789");
    CHECK(decoded.end == Kind::kDone);
    CHECK(decoded.consumed == text.size());
  }
}

TEST_CASE("a body that breaks off anywhere is incomplete and never done") {
  const std::string text = "3;e\r\nabc\r\n0\r\nT: 1\r\n\r\n";
  for (size_t length = 0; length < text.size(); ++length) {
    const Decoded decoded = decode(text.substr(0, length));
    CHECK((decoded.end == Kind::kNeedMore || decoded.end == Kind::kData));
  }
  CHECK(decode(text).end == Kind::kDone);
}

TEST_CASE("whatever the coding does not allow is refused") {
  const std::string long_extension(ChunkedDecoder::kExtensionBytesMax + 1, 'e');
  const std::string long_trailers(ChunkedDecoder::kTrailerBytesMax + 1, 't');
  for (const std::string& text : {std::string("\r\n"),
                                  std::string("x\r\n"),
                                  std::string("-1\r\n"),
                                  std::string("+1\r\n"),
                                  std::string("0x1\r\n"),
                                  std::string(" 1\r\na\r\n"),
                                  std::string("1 \r\na\r\n"),
                                  std::string("1\na\r\n"),
                                  std::string("1\rXa\r\n"),
                                  std::string("1\r\naXX"),
                                  std::string("1\r\na\n"),
                                  std::string("1\r\na\rX"),
                                  std::string("1\r\nab\r\n"),
                                  std::string("fffffffffffffffff\r\n"),
                                  std::string("100000000000000\r\n"),
                                  std::string("1;a\001\r\n"),
                                  "1;" + long_extension,
                                  std::string("0\r\nA: 1\n"),
                                  std::string("0\r\n folded\r\n"),
                                  std::string("0\r\n\rX"),
                                  std::string("0\r\nA: \001"),
                                  "0\r\n" + long_trailers}) {
    INFO(text.substr(0, 30));
    CHECK(decode(text).end == Kind::kBad);
    CHECK(decode(text, 1).end == Kind::kBad);
  }
}

TEST_CASE("a large chunk is handed on as views into the input, without copying") {
  ChunkedDecoder decoder;
  const std::string text = "100000\r\n" + std::string(0x100000, 'x');
  ChunkedDecoder::Step step = decoder.next(text);
  CHECK(step.kind == Kind::kData);
  CHECK(step.data.data() == text.data() + 8);
  CHECK(step.data.size() == 0x100000);
}

}  // namespace
}  // namespace colloquium::net
