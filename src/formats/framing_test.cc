#include "formats/framing.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "formats/line_cutter.h"

namespace colloquium::formats {
namespace {

// What comes out when `input` is fed in pieces of `step` bytes; bodies joined by '|'.
std::string cut(std::string_view input, size_t step, std::unique_ptr<Framing> framing, size_t max_line = 1000) {
  LineCutter cutter(max_line, 0, std::move(framing));
  std::string out;
  uint64_t end = 0;
  const auto take = [&](const Lines& lines) {
    CHECK(lines.begin == end);
    end = lines.end;
    out += *lines.body + "|";
  };
  for (size_t at = 0; at < input.size(); at += step) {
    const std::string_view piece = input.substr(at, step);
    std::memcpy(cutter.room(step).data(), piece.data(), piece.size());
    cutter.added(piece.size());
    while (auto lines = cutter.take()) take(*lines);
  }
  if (auto last = cutter.finish()) take(*last);
  CHECK(end == input.size());
  return out;
}

std::shared_ptr<const StartPattern> pattern(const std::string& text) {
  return StartPattern::create(text).value();
}

// Takes a line to be a record as it is.
class Verbatim final : public RecordDecoder {
 public:
  bool next(std::string_view&, std::string_view&) const override { return false; }
  std::optional<Failure> decode(std::string_view record, std::vector<char>& out) const override {
    out.insert(out.end(), record.begin(), record.end());
    return std::nullopt;
  }
};

}  // namespace

TEST_CASE("records with quoted line breaks come out whole, however the bytes come in") {
  const std::string input = "a,\"1\n2\"\nb,\"x\"\"\n\"\"y\"\n5\" c,d\ne\n";
  const size_t step = GENERATE(1, 2, 3, 5, 100);
  std::string joined = cut(input, step, quoted_framing(','));
  if (step == 1) CHECK(joined == "a,\"1\n2\"\n|b,\"x\"\"\n\"\"y\"\n|5\" c,d\n|e\n|");
  if (step == 100) CHECK(joined == input + "|");
  std::erase(joined, '|');
  CHECK(joined == input);
}

TEST_CASE("a quote that nothing closes costs its own line only") {
  const std::string input = "\"open,1\n2,3\n4,5\n" + std::string(60, 'x') + "\n6,7\n";
  CHECK(cut(input, 8, quoted_framing(','), 50) == "\"open,1\n|2,3\n4,5\n|" + std::string(50, 'x') + "\x01|6,7\n|");
}

TEST_CASE("the end of a record by itself") {
  CHECK(quoted_record_end("a,b\nc", ',') == 4);
  CHECK(quoted_record_end("a;\"\n\"\nc", ';') == 6);
  CHECK(quoted_record_end("a,\"\n\"", ',') == 5);
  CHECK(quoted_record_end("a,\"\nb", ',') == 4);
  CHECK(quoted_record_end("", ',') == 0);
}

TEST_CASE("a multi-line record ends where the next one begins, or where the input does") {
  const std::string input = "2026 a\n  at x\n  at y\n2026 b\n2026 c\n  at z\n";
  const size_t step = GENERATE(1, 4, 7, 100);
  std::string joined = cut(input, step, multiline_framing(pattern("^2026 ")));
  if (step == 1) CHECK(joined == "2026 a\n  at x\n  at y\n|2026 b\n|2026 c\n  at z\n|");
  std::erase(joined, '|');
  CHECK(joined == input);
}

TEST_CASE("at rest, whole lines of a multi-line record are taken") {
  LineCutter cutter(1000, 0, multiline_framing(pattern("^#")));
  const std::string_view input = "#a\n b\nhalf";
  std::memcpy(cutter.room(input.size()).data(), input.data(), input.size());
  cutter.added(input.size());
  CHECK_FALSE(cutter.take());
  const auto rest = cutter.take_at_rest();
  REQUIRE(rest);
  CHECK(*rest->body == "#a\n b\n");
  CHECK(cutter.holds_any());
  CHECK_FALSE(cutter.take_at_rest());
}

TEST_CASE("a multi-line decoder cuts what the framing let through") {
  const auto decoder = multiline_decoder(pattern("^#"), std::make_shared<const Verbatim>());
  std::string_view rest = "\n#a\n b\r\n\n#c\n#d";
  std::string_view record;
  std::vector<std::string> records;
  while (decoder->next(rest, record)) records.emplace_back(record);
  CHECK(records == std::vector<std::string>{"#a\n b", "#c", "#d"});
}

TEST_CASE("a whole input is one record, cut when it is too long") {
  CHECK(cut("a\nb\nc", 2, whole_framing()) == "a\nb\nc|");
  CHECK(cut("abc\ndefgh\nij", 4, whole_framing(), 6) == "abc\nde\x01|");
}

TEST_CASE("a pattern that is none is refused with what is wrong") {
  const auto bad = StartPattern::create("(a");
  REQUIRE_FALSE(bad);
  CHECK_THAT(bad.error().message, Catch::Contains("'(a'") && Catch::Contains("missing"));
}

}  // namespace colloquium::formats
