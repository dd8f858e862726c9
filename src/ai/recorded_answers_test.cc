#include "ai/recorded_answers.h"

#include <catch2/catch.hpp>

#include "ai/calls_scene_test.h"

namespace colloquium::ai {
namespace {

std::unique_ptr<RecordedAnswers> answers_in(io::MemoryFileSystem& files, const std::vector<std::string>& records) {
  auto answers = RecordedAnswers::read(files, "data", records, nullptr);
  if (!answers) FAIL(answers.error().describe());
  return std::move(*answers);
}

std::string text_of(RecordedAnswers& answers, const AiQuestion& asked) {
  const auto found = answers.find(asked);
  if (!found) FAIL(found.error().describe());
  return *found ? (*found)->text : "(nothing)";
}

TEST_CASE("an answer is found by who asked, about which event, and what", "[REQ-007]") {
  io::MemoryFileSystem files;
  CallsScene scene(
      [](const AiHttpRequest& request) {
        return answering({"T to " + request.body, "U 3 2", "E"});
      },
      1, nullptr, &files);
  scene.open();
  constexpr int kAnswers = 700;
  for (int i = 0; i < kAnswers; ++i) scene.ask(question("what " + std::to_string(i), i));
  for (int i = 0; i < kAnswers; ++i) scene.answer(static_cast<size_t>(i));
  scene.pass(3000);
  scene.calls.reset();
  REQUIRE(scene.log->close());

  const auto answers = answers_in(files, {"q", "p"});
  CHECK(answers->size() == kAnswers);
  const auto asked = [](int i) { return question("what " + std::to_string(i), i); };
  // Near each other, far ahead, back, and twice.
  for (const int i : {0, 1, 2, 300, 299, 699, 5, 5, 698}) {
    CHECK(text_of(*answers, asked(i)) == "to what " + std::to_string(i));
  }
  CHECK(answers->find(asked(3))->value().from == AiAnswerFrom::kRecord);
  CHECK(text_of(*answers, question("what 1", 2)) == "(nothing)");
  CHECK(text_of(*answers, question("what 1")) == "(nothing)");
  AiQuestion other = asked(1);
  other.who = "another";
  CHECK(text_of(*answers, other) == "(nothing)");
  CHECK(text_of(*answers_in(files, {"q"}), asked(1)) == "(nothing)");
}

TEST_CASE("a stream of that name that holds no records has no answers") {
  io::MemoryFileSystem files;
  CallsScene scene([](const AiHttpRequest&) { return answering({"T yes", "U 3 2", "E"}); }, 1, nullptr, &files);
  scene.open();
  const auto stream = scene.log->open_stream({.name = "x.calls", .partitions = 1, .retention = {}});
  REQUIRE(stream);
  BatchBuilder builder;
  builder.add("{\"n\":1}", {}, {});
  auto encoded = log::encode(builder.seal(std::make_shared<const BatchOrigin>(), 0), log::Codec::kNone, nullptr);
  REQUIRE(encoded);
  bool done = false;
  scene.log->append(*stream, 0, std::move(*encoded), log::AckLevel::kDurable, [&](const auto& result) {
    REQUIRE(result);
    done = true;
  });
  scene.pass(3000);
  REQUIRE(done);
  scene.calls.reset();
  REQUIRE(scene.log->close());
  CHECK(answers_in(files, {"x"})->size() == 0);
}

}  // namespace
}  // namespace colloquium::ai
