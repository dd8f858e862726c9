#include "formats/cut.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "colloquium/batch.h"

#include "json/view.h"

namespace colloquium::formats {
namespace {

std::vector<std::string> pieces_of(const std::string& body, BodyFormat format) {
  std::vector<Piece> pieces;
  cut(body, format, pieces);
  std::vector<std::string> out;
  for (const Piece& piece : pieces) {
    REQUIRE(piece.offset + piece.length <= body.size());
    out.emplace_back(piece.in(body));
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& body) {
  return pieces_of(body, BodyFormat::kNdjson);
}

using Strings = std::vector<std::string>;

// A body with padding, and what cut_array made of it.
struct CutArray {
  explicit CutArray(std::string text) : body(std::move(text)) {
    const size_t size = body.size();
    body.resize(size + kBatchPadding);
    view = std::string_view(body).substr(0, size);
    json::Walker walker;
    good = cut_array(view, walker, tape, elements, error);
  }

  std::string body;
  std::string_view view;
  std::vector<TapeToken> tape = {TapeToken{}};  // left over from before
  std::vector<ArrayElement> elements;
  json::WalkError error;
  bool good = false;
};

}  // namespace

TEST_CASE("A JSON body is one piece without the white space around it") {
  CHECK(pieces_of("{\"a\":1}", BodyFormat::kJson) == Strings{"{\"a\":1}"});
  CHECK(pieces_of(" \r\n\t{\"a\": 1}\n\n", BodyFormat::kJson) == Strings{"{\"a\": 1}"});
  CHECK(pieces_of("1\n2", BodyFormat::kJson) == Strings{"1\n2"});
}

TEST_CASE("A JSON body of nothing but white space is an empty piece, for the walk to refuse") {
  CHECK(pieces_of("", BodyFormat::kJson) == Strings{""});
  CHECK(pieces_of(" \n ", BodyFormat::kJson) == Strings{""});
}

TEST_CASE("NDJSON is a piece per line") {
  CHECK(lines_of("1\n2\n3\n") == Strings{"1", "2", "3"});
  CHECK(lines_of("1\n2\n3") == Strings{"1", "2", "3"});
  CHECK(lines_of("{\"a\":\"b c\"}\n") == Strings{"{\"a\":\"b c\"}"});
  CHECK(lines_of("").empty());
}

TEST_CASE("Blank lines of NDJSON are skipped") {
  CHECK(lines_of("\n\n1\n\n \t\n2\n\r\n\n") == Strings{"1", "2"});
  CHECK(lines_of("\n").empty());
  CHECK(lines_of("  ").empty());
}

TEST_CASE("A carriage return before the line feed is no part of the piece") {
  CHECK(lines_of("1\r\n2\r\n3\r") == Strings{"1", "2", "3"});
  CHECK(lines_of(" [1] \r\n\r\n") == Strings{"[1]"});
}

TEST_CASE("Pieces say where they stand in the body") {
  std::vector<Piece> pieces;
  cut("\n 1\r\n\n[2]\n", BodyFormat::kNdjson, pieces);
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[0].offset == 2);
  CHECK(pieces[0].length == 1);
  CHECK(pieces[1].offset == 6);
  CHECK(pieces[1].length == 3);
}

TEST_CASE("cut appends to the pieces") {
  std::vector<Piece> pieces(2);
  cut("1\n2", BodyFormat::kNdjson, pieces);
  CHECK(pieces.size() == 4);
}

TEST_CASE("An array is cut into its elements") {
  const CutArray cut(" [1, {\"a\": [2, 3]},\n\"x,]\" , [] ] ");
  REQUIRE(cut.good);
  Strings texts;
  for (const ArrayElement& element : cut.elements) texts.emplace_back(element.piece.in(cut.view));
  CHECK(texts == Strings{"1", "{\"a\": [2, 3]}", "\"x,]\"", "[]"});
  CHECK(CutArray("[]").good);
  CHECK(CutArray("[]").elements.empty());
}

TEST_CASE("An element's tape is what a walk of the element gives") {
  const CutArray cut(R"([0, {"a":[1,{"b":null}],"c":"\n"}, [[]], true])");
  REQUIRE(cut.good);
  REQUIRE(cut.elements.size() == 4);
  for (const ArrayElement& element : cut.elements) {
    std::vector<TapeToken> tape(5);
    append_element_tape(element, cut.tape, tape);
    std::string text(element.piece.in(cut.view));
    const size_t size = text.size();
    text.resize(size + kBatchPadding);
    std::vector<TapeToken> walked;
    json::WalkError error;
    REQUIRE(json::Walker().walk(std::string_view(text).substr(0, size), walked, error));
    REQUIRE(tape.size() - 5 == walked.size());
    CHECK(std::memcmp(tape.data() + 5, walked.data(), walked.size() * sizeof(TapeToken)) == 0);
  }
}

TEST_CASE("A body that is no valid array is refused at its first bad byte") {
  const CutArray bad("[1, x]");
  CHECK_FALSE(bad.good);
  CHECK(bad.error.byte == 4);
  CHECK(bad.elements.empty());
  const CutArray object(" {\"a\":[]}");
  CHECK_FALSE(object.good);
  CHECK(object.error.byte == 1);
  CHECK(std::string(object.error.what) == "expected an array");
  CHECK_FALSE(CutArray("").good);
  CHECK_FALSE(CutArray("[1] [2]").good);
}

}  // namespace colloquium::formats
