#include "ai/gate.h"

#include <catch2/catch.hpp>
#include <string>

#include "loop/test_loop.h"

namespace colloquium::ai {
namespace {

class Scene {
 public:
  std::unique_ptr<Gate> gate(const RateLimitSpec& rate, size_t queue_max = 10) {
    return std::make_unique<Gate>(rate, queue_max, places, loop, clock);
  }
  Task note(const std::string& name) {
    return [this, name] { gone += name; };
  }
  ManualClock clock;
  loop::TestLoop loop{clock};
  std::shared_ptr<Places> places = std::make_shared<Places>(2);
  std::string gone;
};

TEST_CASE("calls go in their order, as far as there are places") {
  Scene scene;
  const auto gate = scene.gate({});
  CHECK(gate->enter(1, scene.note("a")) != 0);
  CHECK(scene.gone.empty());
  const auto b = gate->enter(1, scene.note("b"));
  gate->enter(1, scene.note("c"));
  const auto d = gate->enter(1, scene.note("d"));
  gate->enter(1, scene.note("e"));
  CHECK(b != d);
  scene.loop.run_until_idle();
  CHECK(scene.gone == "ab");
  CHECK(gate->waiting() == 3);
  gate->give_up(d);
  gate->leave(1, 1);
  scene.loop.run_until_idle();
  CHECK(scene.gone == "abc");
  gate->leave(1, 1);
  gate->leave(1, 1);
  scene.loop.run_until_idle();
  CHECK(scene.gone == "abce");
  CHECK(scene.places->taken() == 1);
}

TEST_CASE("a call waits until the rate allows it, and a large one is not passed", "[REQ-061]") {
  Scene scene;
  RateLimitSpec rate;
  rate.tokens = 60'000;
  rate.token_burst = 1000;
  const auto gate = scene.gate(rate);
  gate->enter(1000, scene.note("a"));
  scene.loop.run_until_idle();
  gate->enter(900, scene.note("b"));
  scene.loop.advance(10);
  gate->enter(1, scene.note("c"));
  scene.loop.advance(800);
  CHECK(scene.gone == "a");
  scene.loop.advance(200);
  CHECK(scene.gone == "ab");
  gate->leave(1000, 1000);
  scene.loop.advance(10);
  CHECK(scene.gone == "abc");
}

TEST_CASE("the queue is bounded, and a provider may ask for a pause", "[REQ-064]") {
  Scene scene;
  const auto gate = scene.gate({}, 1);
  gate->hold_ms(500);
  CHECK(gate->enter(1, scene.note("a")) != 0);
  CHECK(gate->enter(1, scene.note("b")) == 0);
  scene.loop.advance(499);
  CHECK(scene.gone.empty());
  scene.loop.advance(2);
  CHECK(scene.gone == "a");
}

TEST_CASE("gates of a provider are served in turn") {
  Scene scene;
  const auto one = scene.gate({});
  const auto two = scene.gate({});
  one->enter(1, scene.note("x"));
  one->enter(1, scene.note("x"));
  scene.loop.run_until_idle();
  for (int i = 0; i < 3; ++i) one->enter(1, scene.note("1"));
  for (int i = 0; i < 3; ++i) two->enter(1, scene.note("2"));
  scene.loop.run_until_idle();
  CHECK(scene.gone == "xx");
  for (int i = 0; i < 6; ++i) {
    one->leave(1, 1);
    scene.loop.run_until_idle();
  }
  CHECK(std::count(scene.gone.begin(), scene.gone.begin() + 6, '1') == 2);
  CHECK(std::count(scene.gone.begin(), scene.gone.begin() + 6, '2') == 2);
  CHECK(scene.gone.size() == 8);
}

TEST_CASE("a burst goes at once") {
  Scene scene;
  scene.places = std::make_shared<Places>(10);
  const auto gate = scene.gate({});
  for (int i = 0; i < 5; ++i) gate->enter(1, scene.note("a"));
  gate->enter(1, [&scene] { (void)scene.loop.post(scene.note("posted")); });
  for (int i = 0; i < 4; ++i) gate->enter(1, scene.note("b"));
  scene.loop.run_until_idle();
  CHECK(scene.gone == "aaaaabbbbposted");
}

TEST_CASE("whoever goes may end the gate") {
  Scene scene;
  auto gate = scene.gate({});
  gate->enter(1, [&gate] { gate = nullptr; });
  gate->enter(1, scene.note("never"));
  scene.loop.run_until_idle();
  CHECK(gate == nullptr);
  CHECK(scene.gone.empty());
}

}  // namespace
}  // namespace colloquium::ai
