#include "net/body_budget.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/manual_clock.h"

namespace colloquium::net {
namespace {

struct Requester : BodyBudget::Waiter {
  explicit Requester(BodyBudget& its_budget) : budget(its_budget) {}
  ~Requester() override {
    budget.cancel(ticket);
    budget.give_back(hold);
  }
  // True if it is in at once.
  bool enter(size_t bytes) {
    if (budget.enter(hold, bytes)) return true;
    ticket = budget.wait_to_enter(*this, hold, bytes);
    return false;
  }
  bool grow(size_t bytes) {
    if (budget.grow(hold, bytes)) return true;
    ticket = budget.wait_to_grow(*this, hold, bytes);
    return false;
  }
  void granted() override {
    ticket = 0;
    ++grants;
    if (then) then();
  }

  BodyBudget& budget;
  BodyBudget::Hold hold;
  uint64_t ticket = 0;
  int grants = 0;
  std::function<void()> then;
};

struct Fixture {
  Gauge taken;
  Gauge waiting;
  int calls = 0;  // for room
  BodyBudget budget{100, taken, waiting, [this] { ++calls; }};
};

TEST_CASE("what fits the budget comes in at once, and nothing is asked of anyone") {
  Fixture f;
  Requester a(f.budget);
  Requester b(f.budget);
  CHECK(a.enter(60));
  CHECK(b.enter(40));
  CHECK(f.taken.value() == 100);
  f.budget.give_back(a.hold);
  f.budget.give_back(b.hold);
  CHECK(f.taken.value() == 0);
  CHECK(f.calls == 0);
}

TEST_CASE("who does not fit waits, and none that fits overtakes it") {
  Fixture f;
  Requester a(f.budget);
  Requester large(f.budget);
  Requester small(f.budget);
  REQUIRE(a.enter(60));
  CHECK_FALSE(large.enter(50));
  CHECK_FALSE(small.enter(1));
  CHECK(f.waiting.value() == 2);
  f.budget.grant();
  CHECK(large.grants + small.grants == 0);
  f.budget.give_back(a.hold);
  CHECK(f.calls == 1);
  f.budget.grant();
  CHECK(large.hold.bytes == 50);
  CHECK(small.hold.bytes == 1);
  CHECK(f.waiting.value() == 0);
  CHECK(f.taken.value() == 51);
}

TEST_CASE("what is larger than the budget comes in alone") {
  Fixture f;
  Requester huge(f.budget);
  Requester small(f.budget);
  CHECK(huge.enter(1000));
  CHECK_FALSE(small.enter(1));
  Requester huge_too(f.budget);
  CHECK_FALSE(huge_too.enter(500));
  f.budget.give_back(huge.hold);
  f.budget.grant();
  CHECK(small.grants == 1);
  CHECK(huge_too.grants == 0);
  f.budget.give_back(small.hold);
  f.budget.grant();
  CHECK(huge_too.grants == 1);
}

TEST_CASE("one at a time grows beyond the budget, until it has given back everything") {
  Fixture f;
  Requester a(f.budget);
  Requester b(f.budget);
  REQUIRE(a.enter(50));
  REQUIRE(b.enter(50));
  CHECK(a.grow(40));  // less than it has: nothing
  CHECK(f.taken.value() == 100);
  CHECK(a.grow(80));
  CHECK(a.hold.overdraft);
  CHECK_FALSE(b.grow(51));
  CHECK(a.grow(200));
  CHECK(f.taken.value() == 250);
  f.budget.shrink(a.hold, 10);  // there is room again, and the overdraft is not given back
  CHECK(f.calls == 1);
  f.budget.grant();
  CHECK(b.grants == 1);
  CHECK_FALSE(b.hold.overdraft);
  CHECK_FALSE(b.grow(200));
  f.budget.grant();
  CHECK(b.grants == 1);
  f.budget.give_back(a.hold);
  f.budget.grant();
  CHECK(b.grants == 2);
  CHECK(b.hold.bytes == 200);
}

TEST_CASE("growing goes before coming in") {
  Fixture f;
  Requester a(f.budget);
  Requester b(f.budget);
  Requester outside(f.budget);
  REQUIRE(a.enter(50));
  REQUIRE(b.enter(45));
  REQUIRE(a.grow(60));  // the overdraft
  CHECK_FALSE(outside.enter(5));
  CHECK_FALSE(b.grow(90));
  Requester tiny(f.budget);
  CHECK_FALSE(tiny.enter(1));
  f.budget.shrink(a.hold, 10);
  f.budget.grant();
  CHECK(b.grants == 1);
  CHECK(outside.grants == 0);
  f.budget.give_back(b.hold);
  f.budget.grant();
  CHECK(outside.grants == 1);
  CHECK(tiny.grants == 1);
}

TEST_CASE("who cancels makes room for those behind, and a granted wish is not cancelled") {
  Fixture f;
  Requester a(f.budget);
  Requester large(f.budget);
  Requester small(f.budget);
  REQUIRE(a.enter(60));
  REQUIRE_FALSE(large.enter(90));
  REQUIRE_FALSE(small.enter(30));
  const uint64_t ticket = small.ticket;
  f.budget.cancel(large.ticket);
  CHECK(f.calls == 1);
  f.budget.grant();
  CHECK(small.grants == 1);
  f.budget.cancel(ticket);
  CHECK(small.hold.bytes == 30);
  CHECK(f.calls == 1);
}

TEST_CASE("whoever is granted its wish may give it back, cancel others and wait again at once") {
  Fixture f;
  Requester a(f.budget);
  Requester b(f.budget);
  auto c = std::make_unique<Requester>(f.budget);
  Requester d(f.budget);
  REQUIRE(a.enter(100));
  REQUIRE_FALSE(b.enter(100));
  REQUIRE_FALSE(c->enter(100));
  REQUIRE_FALSE(d.enter(100));
  b.then = [&] {
    f.budget.give_back(b.hold);
    c.reset();
    if (b.grants == 1) CHECK_FALSE(b.enter(100));
  };
  f.budget.give_back(a.hold);
  f.budget.grant();
  CHECK(d.grants == 1);
  CHECK(b.grants == 1);
  f.budget.give_back(d.hold);
  f.budget.grant();
  CHECK(b.grants == 2);
  CHECK(f.waiting.value() == 0);
  CHECK(f.taken.value() == 0);
}

// Whatever requests do, the bound holds and all of them are served.
TEST_CASE("random requests never take more than the budget and one body, and all come to their end") {
  constexpr size_t kBodyMax = 70;
  Fixture f;
  SeededRandom random(11);
  struct Body {
    std::unique_ptr<Requester> requester;
    size_t wanted;
  };
  std::vector<Body> bodies;
  int done = 0;
  for (int started = 0; started < 3000 || !bodies.empty();) {
    if (started < 3000 && random.below(3) == 0) {
      ++started;
      bodies.push_back({std::make_unique<Requester>(f.budget), 1 + random.below(kBodyMax)});
      bodies.back().requester->enter(std::min<size_t>(10, bodies.back().wanted));
    }
    if (bodies.empty()) continue;
    const size_t i = random.below(bodies.size());
    Requester& requester = *bodies[i].requester;
    const bool may_go_on = requester.ticket == 0;
    if (may_go_on && requester.hold.bytes < bodies[i].wanted) {
      requester.grow(std::min(bodies[i].wanted, requester.hold.bytes + 10));
    } else if (may_go_on || random.below(50) == 0) {
      bodies.erase(bodies.begin() + static_cast<ptrdiff_t>(i));
      ++done;
    }
    f.budget.grant();
    REQUIRE(f.budget.taken_bytes() <= 100 + kBodyMax);
    const auto goes_on = [](const Body& body) { return body.requester->ticket == 0; };
    REQUIRE((bodies.empty() || std::any_of(bodies.begin(), bodies.end(), goes_on)));
  }
  CHECK(done == 3000);
  CHECK(f.taken.value() == 0);
}

}  // namespace
}  // namespace colloquium::net
