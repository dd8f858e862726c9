#include "ai/answer_decoder.h"

#include <catch2/catch.hpp>
#include <malloc.h>
#include <optional>
#include <string>

namespace colloquium::ai {
namespace {

constexpr int kOk = 200;

// Reads each line, and a whole answer, as JSON; "end" finishes.
class LinesDecoder final : public LineAnswerDecoder {
 private:
  void line(std::string_view line, const AiTake& take) override {
    if (line == "end") return finish({}, take);
    const auto root = reader_.read(line);
    if (!root) return broken("no JSON", take);
    if (JsonReader::member(*root, "text")) take(AiTextDelta{"text"});
    if (JsonReader::member(*root, "error")) failed({AiFailureKind::kThrottled, "later", {}, 0}, take);
  }
  void whole(std::string_view body, const AiTake& take) override {
    const auto root = reader_.read(body);
    if (!root) return broken("no JSON", take);
    if (JsonReader::member(*root, "text")) take(AiTextDelta{"text"});
    if (JsonReader::member(*root, "error")) return failed({AiFailureKind::kThrottled, "later", {}, 0}, take);
    finish({AiFinish::kStop, std::to_string(root->count())}, take);
  }
  AiFailure refusal(const AiHead&, std::string_view body) override {
    return {AiFailureKind::kCaller, std::string(quoted(body)), {}, 0};
  }
};

struct Answer {
  LinesDecoder decoder;
  std::optional<AiFinished> finished;
  std::optional<AiFailure> failure;

  explicit Answer(int status = kOk, const std::string& type = "application/json") {
    decoder.head({status, {{"content-type", type}}}, take());
  }
  AiTake take() {
    return [this](const AiOutput& output) {
      if (const auto* good = std::get_if<AiFinished>(&output)) finished = *good;
      if (const auto* bad = std::get_if<AiFailure>(&output)) failure = *bad;
    };
  }
  Answer& bytes(std::string_view bytes) {
    decoder.bytes(bytes, take());
    return *this;
  }
  Answer& end() {
    decoder.end(take());
    return *this;
  }
};

size_t allocated_bytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::string numbers(size_t count) {
  std::string text = "[1";
  for (size_t i = 1; i < count; ++i) text += ",1";
  return text + "]";
}

TEST_CASE("what reads an answer is given back with its end, not with the decoder") {
  constexpr size_t kCount = 4'000'000;
  const std::string text = numbers(kCount);
  const size_t before = allocated_bytes();
  Answer whole;
  whole.bytes(text).end();
  REQUIRE(whole.finished);
  CHECK(whole.finished->said == std::to_string(kCount));
  CHECK(allocated_bytes() < before + text.size() / 8);

  Answer streamed(kOk, "application/x-ndjson");
  streamed.bytes(text).bytes("\n");
  CHECK_FALSE(streamed.failure);
  streamed.bytes("end\n");
  CHECK(streamed.finished);
  CHECK(allocated_bytes() < before + text.size() / 8);
}

TEST_CASE("an answer that is too large is nobody's to ask for again") {
  const std::string piece(size_t{1} << 20, ' ');
  Answer large;
  for (int i = 0; i < 64; ++i) large.bytes(piece);
  CHECK_FALSE(large.failure);
  large.bytes(" ");
  REQUIRE(large.failure);
  CHECK(large.failure->kind == AiFailureKind::kCaller);
  CHECK(large.failure->message == "the answer is larger than 64 MiB");

  Answer many;
  for (int i = 0; i < 8; ++i) many.bytes(std::string(1'000'000, ','));
  CHECK_FALSE(many.failure);
  many.bytes(",");
  REQUIRE(many.failure);
  CHECK(many.failure->kind == AiFailureKind::kCaller);

  Answer line(kOk, "application/x-ndjson");
  for (int i = 0; i < 17; ++i) line.bytes(piece);
  REQUIRE(line.failure);
  CHECK(line.failure->kind == AiFailureKind::kCaller);
}

TEST_CASE("an error that is all of an answer says that nothing was done, one behind something else does not") {
  const auto refused = [](const std::string& type, const std::string& body) {
    Answer answer(kOk, type);
    answer.bytes(body).end();
    REQUIRE(answer.failure);
    return answer.failure->refused;
  };
  for (const char* type : {"application/json", "application/x-ndjson"}) {
    CHECK(refused(type, R"({"error":"later"})"));
    CHECK_FALSE(refused(type, R"({"text":"a","error":"later"})"));
    CHECK_FALSE(refused(type, R"({"error":"lat)"));
  }
  CHECK_FALSE(refused("application/x-ndjson", "{\"text\":\"a\"}\n{\"error\":\"later\"}\n"));
}

TEST_CASE("what is quoted ends with a whole character") {
  std::string text = "x";
  for (int i = 0; i < 300; ++i) text += "\u00e9";
  const std::string quote(Answer(400).bytes(text).end().failure->message);
  CHECK(quote.size() == 299);
  CHECK(quote == text.substr(0, 299));
  CHECK(quoted(std::string(300, 'x')).size() == 300);
  CHECK(quoted(std::string(400, '\x80')).size() == 300);
  CHECK(quoted("\u00e9") == "\u00e9");
}

}  // namespace
}  // namespace colloquium::ai
