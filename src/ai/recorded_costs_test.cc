#include "ai/recorded_costs.h"

#include "ai/calls_scene_test.h"

namespace colloquium::ai {
namespace {

// What is on disk is certainly so after a moment in which nothing came.
void grow_quiet(CallsScene& scene) {
  static_cast<log::SegmentLog&>(*scene.log).tick();
  scene.settle_down();
}

std::vector<RecordedCosts> costs_in(io::MemoryFileSystem& files,
                                    const std::optional<std::string>& pipeline = std::nullopt) {
  auto costs = read_costs(files, "data", pipeline, nullptr);
  if (!costs) FAIL(costs.error().describe());
  return std::move(*costs);
}

TEST_CASE("costs are read beside whoever writes them, each call once", "[REQ-080]") {
  io::MemoryFileSystem files;
  CallsScene scene([](const AiHttpRequest&) { return answering({"T yes", "U 3 2", "E"}); }, 1, nullptr, &files);
  scene.open();
  size_t asked = 0;
  const auto ask_three = [&] {
    for (int i = 0; i < 3; ++i, ++asked)
      scene.ask(question("what " + std::to_string(asked), static_cast<int64_t>(asked)));
    for (size_t i = asked - 3; i < asked; ++i) scene.answer(i);
  };
  for (int round = 0; round < 3; ++round) {
    ask_three();
    scene.pass(3000);
    grow_quiet(scene);
    const auto costs = costs_in(files);
    REQUIRE(costs.size() == 1);
    CHECK(costs[0].records == "p");
    CHECK(costs[0].ledger.total() == scene.calls->ledger().total());
    CHECK(costs[0].open_calls == 0);
  }
  // No sums of these are stored, as the process ends before that.
  ask_three();
  const LedgerSums total = scene.calls->ledger().total();
  CHECK(total.answered == 12);
  scene.calls.reset();
  REQUIRE(scene.log->close());
  CHECK(costs_in(files)[0].ledger.total() == total);
  CHECK(costs_in(files, "p").size() == 1);
  CHECK(costs_in(files, "q").empty());
}

TEST_CASE("what is reserved for calls without an end is told, and is unknown once they have one", "[REQ-080]") {
  io::MemoryFileSystem files;
  CallsScene scene(
      [](const AiHttpRequest& request) {
        return request.body == "hang" ? CallScript{{ScriptStep::kSent, 1}} : answering({"T yes", "U 3 2", "E"});
      },
      1, nullptr, &files);
  scene.open();
  scene.ask(question("hang", 7));
  scene.pass(100);
  scene.ask(question("what is it", 8));
  scene.answer(1);
  scene.pass(3000);
  grow_quiet(scene);
  auto costs = costs_in(files);
  REQUIRE(costs.size() == 1);
  CHECK(costs[0].open_calls == 1);
  CHECK(costs[0].open_reserved.value > 0);
  CHECK(costs[0].ledger.total().calls == 1);
  const NanoUsd reserved = costs[0].open_reserved;
  scene.close();
  grow_quiet(scene);
  costs = costs_in(files);
  CHECK(costs[0].open_calls == 0);
  CHECK(costs[0].ledger.total().unknown == reserved);
  REQUIRE(scene.log->close());
}

TEST_CASE("there is no data directory to read costs of") {
  io::MemoryFileSystem files;
  CHECK(read_costs(files, "data", std::nullopt, nullptr).error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace colloquium::ai
