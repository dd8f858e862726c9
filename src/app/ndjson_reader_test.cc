#include "app/ndjson_reader.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

namespace colloquium::app {
namespace {

// Gives `text` out in pieces of `piece` bytes.
ReadBytes in_pieces(std::string text, size_t piece) {
  return [text = std::move(text), piece, at = size_t{0}](std::span<char> into) mutable -> Result<size_t> {
    const size_t n = std::min({piece, into.size(), text.size() - at});
    std::copy_n(text.begin() + static_cast<ptrdiff_t>(at), n, into.begin());
    at += n;
    return n;
  };
}

std::vector<std::string> all_lines(NdjsonReader& reader) {
  std::vector<std::string> lines;
  std::string_view line;
  while (true) {
    const auto more = reader.next(line);
    REQUIRE(more.has_value());
    if (!*more) return lines;
    lines.emplace_back(line);
  }
}

TEST_CASE("lines come out whole however the bytes arrive") {
  for (size_t piece : {size_t{1}, size_t{3}, size_t{7}, size_t{1000}}) {
    NdjsonReader reader(in_pieces("{\"a\":1}\n[2]\n\n  \r\n\"three\"", piece));
    CHECK(all_lines(reader) == std::vector<std::string>{"{\"a\":1}", "[2]", "\"three\""});
    CHECK(reader.line() == 5);
  }
}

TEST_CASE("no bytes, and nothing but line feeds, give no line") {
  NdjsonReader nothing(in_pieces("", 1));
  CHECK(all_lines(nothing).empty());
  NdjsonReader feeds(in_pieces("\n\n\n", 2));
  CHECK(all_lines(feeds).empty());
}

TEST_CASE("lines longer than a block are read, up to the limit") {
  const std::string big(5 << 20, 'x');
  NdjsonReader reader(in_pieces(big + "\n1\n", 1 << 16));
  const auto lines = all_lines(reader);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == big);

  NdjsonReader limited(in_pieces(big, 1 << 16), 1 << 20);
  std::string_view line;
  const auto refused = limited.next(line);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::kLimit);
}

TEST_CASE("a failed read is passed on") {
  NdjsonReader reader([](std::span<char>) -> Result<size_t> { return fail(ErrorCode::kIo, "no"); });
  std::string_view line;
  const auto failed = reader.next(line);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code == ErrorCode::kIo);
}

}  // namespace
}  // namespace colloquium::app
