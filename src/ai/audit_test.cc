#include "ai/audit.h"

#include "ai/calls_scene_test.h"

namespace colloquium::ai {
namespace {

std::vector<std::string> audited(CallsScene& scene) {
  scene.settle_down();
  std::vector<std::string> all;
  const auto stream = scene.log->open_stream({.name = "p.audit", .partitions = 0, .retention = {}});
  if (!stream) return all;
  const auto reader = scene.log->read(*stream, 0, 0, false);
  for (auto batch = (*reader)->next(); *batch != nullptr; batch = (*reader)->next()) {
    for (size_t i = 0; i < (*batch)->size(); ++i) all.emplace_back((*batch)->value(i));
  }
  return all;
}

CallScript once_refused(const AiHttpRequest& request) {
  return request.body == "bad" ? refusing(400) : answering({"U 10 2", "T hello", "E"});
}

TEST_CASE("each call's end is in the audit, without what was said", "[REQ-079]") {
  CallsScene scene(once_refused);
  CallSettings settings = line_settings();
  settings.audit.on = true;
  scene.open(settings);
  AiQuestion asked = question("hi", 1);
  asked.tenant = "acme";
  asked.cache_ttl_ms = 1000;
  scene.ask(asked);
  (void)scene.answer(0);
  scene.ask(question("bad", 2));
  (void)scene.refusal(1);
  asked.event = AiEvent{"in-3", "in-0", 3};
  scene.ask(asked);
  (void)scene.answer(2);
  const auto records = audited(scene);
  REQUIRE(records.size() == 3);
  CHECK_THAT(records[0], Catch::Contains(R"("outcome":"answer")") && Catch::Contains(R"("tenant":"acme")") &&
                             Catch::Contains(R"("cost":12000000)") && Catch::Contains(R"("event":"in-1")"));
  CHECK_THAT(records[1], Catch::Contains(R"("outcome":"failure")") && Catch::Contains(R"("status":400)"));
  CHECK_THAT(records[2], Catch::Contains(R"("outcome":"reuse")") && Catch::Contains(R"("cost":0)"));
  for (const std::string& record : records) {
    CHECK(record.find("hello") == std::string::npos);
    CHECK(record.find("secret") == std::string::npos);
    CHECK(record.find("asked") == std::string::npos);
  }
  scene.close();
}

TEST_CASE("bodies are there if they are wanted, as they left", "[REQ-079][REQ-083]") {
  CallsScene scene(once_refused);
  CallSettings settings = line_settings();
  settings.audit.on = settings.audit.bodies = true;
  settings.redact = [](const std::string& text) { return text + " [x]"; };
  scene.open(settings);
  scene.ask(question("hi", 1));
  (void)scene.answer(0);
  const auto records = audited(scene);
  REQUIRE(records.size() == 1);
  CHECK_THAT(records[0], Catch::Contains(R"("asked":[{"role":"user","text":"hi [x]"}],"answered":"hello")"));
  scene.close();
}

TEST_CASE("where there is no room, an audit's record is left out and counted") {
  CallsScene scene(once_refused);
  const auto trail = *AuditTrail::create("p", {.on = true}, *scene.log, scene.loop, scene.clock);
  CallRecord record;
  record.kind = RecordKind::kAnswer;
  trail->add(record, question("hi"));
  scene.settle_down();
  CHECK(trail->left_out() == 0);
  scene.fake->set_full(true);
  trail->add(record, question("hi"));
  scene.settle_down();
  CHECK(trail->left_out() == 1);
  CHECK(audited(scene).size() == 1);
}

}  // namespace
}  // namespace colloquium::ai
