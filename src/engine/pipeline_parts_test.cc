// Whole pipelines without a log whose source has parts, crashed at random moments again and again.
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "engine/test_world.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

constexpr int kTotal = 1500;
constexpr int kParts = 3;

const std::string kUnlogged = std::string(kTwoSinks) + "log: off\n";

// Each once, and those of a part in their order.
void check_lines(const std::vector<std::string>& lines, const std::vector<std::string>& wanted) {
  REQUIRE(std::set<std::string>(lines.begin(), lines.end()) ==
          std::set<std::string>(wanted.begin(), wanted.end()));
  REQUIRE(lines.size() == wanted.size());
  std::map<int, std::string> last;
  for (const std::string& line : lines) {
    std::string& before = last[(std::stoi(line.substr(5)) - 1'000'000) % kParts];
    REQUIRE(before < line);
    before = line;
  }
}

}  // namespace

TEST_CASE("crashed at any moment, parts of a source without log lose and repeat nothing", "[REQ-008][REQ-174]") {
  for (const bool keeps_progress : {false, true}) {
    int crashed = 0;
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      INFO("seed " << seed << ", the sinks keep their progress: " << keeps_progress);
      Disk disk;
      crashed += run_with_crashes(
          kUnlogged, seed, 12, disk, [](World&) {}, kTotal, 100,
          [&](World& world) {
            world.parts = kParts;
            world.keeps_progress = keeps_progress;
          });
      check_lines(disk["all"], expected(kTotal, true));
      check_lines(disk["odd"], odd(expected(kTotal, true)));
    }
    CHECK(crashed > 150);
  }
}

TEST_CASE("what parts of a source without log have brought is not brought by the next run, and what is new is") {
  for (const bool keeps_progress : {false, true}) {
    Disk disk;
    auto storage = log::make_fake_storage();
    for (const int total : {100, 100, 260}) {
      World world(7 + static_cast<uint64_t>(total), storage, disk, total);
      world.parts = kParts;
      world.keeps_progress = keeps_progress;
      world.start(kUnlogged);
      for (int i = 0; i < 1'000'000 && !world.finished; ++i) world.step();
      REQUIRE(world.finished);
      world.close();
      check_lines(disk["all"], expected(total, true));
    }
  }
}
