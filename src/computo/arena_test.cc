#include "computo/arena.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace colloquium::computo {

TEST_CASE("an arena gives aligned memory that does not overlap") {
  Arena arena(1 << 20);
  std::vector<std::pair<char*, char*>> given;
  for (size_t size = 0; size < 200; ++size) {
    auto* p = static_cast<char*>(arena.allocate(size));
    REQUIRE(p != nullptr);
    CHECK(reinterpret_cast<uintptr_t>(p) % 8 == 0);
    for (const auto& [begin, end] : given) CHECK((p + size <= begin || p >= end));
    std::memset(p, 0xAB, size);
    given.emplace_back(p, p + size);
  }
}

TEST_CASE("an arena refuses what passes its limit and goes on below it") {
  Arena arena(64 * 1024);
  CHECK(arena.allocate(1 << 20) == nullptr);
  CHECK(arena.array<uint64_t>(SIZE_MAX / 4) == nullptr);
  size_t given = 0;
  while (arena.allocate(1000) != nullptr) given += 1000;
  CHECK(given >= 48 * 1024);
  CHECK(given <= 64 * 1024);
  CHECK(arena.reserved_bytes() <= 64 * 1024);
  arena.reset();
  CHECK(arena.allocate(1000) != nullptr);
}

TEST_CASE("after a reset one block holds what several held before") {
  Arena arena(1 << 20);
  for (int i = 0; i < 100; ++i) REQUIRE(arena.allocate(1000) != nullptr);
  arena.reset();
  const uint64_t reserved = arena.reserved_bytes();
  CHECK(reserved >= 100'000);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) REQUIRE(arena.allocate(1000) != nullptr);
    CHECK(arena.reserved_bytes() == reserved);
    arena.reset();
  }
}

TEST_CASE("a reset does not keep the memory of one very large evaluation") {
  Arena arena(64 << 20);
  REQUIRE(arena.allocate(32 << 20) != nullptr);
  arena.reset();
  CHECK(arena.reserved_bytes() <= 4 << 20);
}

TEST_CASE("what was allocated since a mark can be given back, over several blocks") {
  Arena arena(1 << 20);
  void* kept = arena.allocate(100);
  const Arena::Mark mark = arena.mark();
  void* const next = arena.allocate(8);
  for (int i = 0; i < 100; ++i) REQUIRE(arena.allocate(1000) != nullptr);
  arena.release(mark);
  CHECK(arena.allocate(8) == next);
  CHECK(kept < next);
}

}  // namespace colloquium::computo
