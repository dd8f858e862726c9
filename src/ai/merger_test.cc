#include "ai/merger.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::ai {
namespace {

// All bytes, and what is named, in this order.
RankTable table_of(const std::vector<std::string>& tokens) {
  std::string lengths(256, '\1'), bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  for (const std::string& token : tokens) {
    lengths += static_cast<char>(token.size());
    bytes += token;
  }
  return RankTable(lengths + bytes, static_cast<uint32_t>(256 + tokens.size()));
}

std::vector<std::string> merged(const RankTable& ranks, std::string_view piece) {
  std::vector<uint32_t> ids;
  Merger(ranks).merge(piece, ids);
  std::vector<std::string> tokens;
  for (const uint32_t id : ids) tokens.emplace_back(ranks.bytes(id));
  return tokens;
}

// As the definition says, with no thought for time: the lowest rank, and the first of equals.
std::vector<std::string> merged_plainly(const RankTable& ranks, std::string_view piece) {
  std::vector<std::string> parts;
  for (const char c : piece) parts.emplace_back(1, c);
  while (true) {
    size_t best = 0;
    uint32_t least = kNoRank;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const uint32_t rank = ranks.find(parts[i] + parts[i + 1]);
      if (rank >= least) continue;
      least = rank;
      best = i;
    }
    if (least == kNoRank) return parts;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST_CASE("a table finds its tokens and nothing else") {
  const std::string longest(255, 'z');
  const RankTable ranks = table_of({"ab", "abc", "abcd", "abcdefgh", "abcdefghi", "0123456789abcdefX", longest});
  CHECK(ranks.size() == 263);
  for (uint32_t rank = 0; rank < ranks.size(); ++rank) CHECK(ranks.find(ranks.bytes(rank)) == rank);
  for (const char* none : {"", "ac", "abcdefg", "0123456789abcdefY", "0123456789abcdef"}) {
    CHECK(ranks.find(none) == kNoRank);
  }
  CHECK(ranks.find(longest + "z") == kNoRank);
}

TEST_CASE("the lowest rank is merged first, and the first of equals") {
  const RankTable ranks = table_of({"bc", "ab", "aa", "abc"});
  CHECK(merged(ranks, "abcd") == std::vector<std::string>{"abc", "d"});  // by a + bc
  CHECK(merged(ranks, "aaa") == std::vector<std::string>{"aa", "a"});
  CHECK(merged(ranks, "aab") == std::vector<std::string>{"a", "ab"});
  CHECK(merged(ranks, "x") == std::vector<std::string>{"x"});
}

TEST_CASE("pieces of all lengths are merged as the definition says") {
  const RankTable ranks =
      table_of({"ab", "ba", "aa", "bb", "aab", "abab", "bbb", "aaaa", "abba", "ababab", "aaaaaaaa"});
  uint32_t state = 1;
  for (size_t length = 1; length < 300; ++length) {
    std::string piece;
    for (size_t i = 0; i < length; ++i) {
      state = state * 1664525 + 1013904223;
      piece += "aaabbc"[(state >> 16) % 6];
    }
    CAPTURE(piece);
    CHECK(merged(ranks, piece) == merged_plainly(ranks, piece));
  }
}

TEST_CASE("a megabyte of one letter is merged in few steps") {
  const RankTable ranks = table_of({"aa", "aaaa", "aaaaaaaa"});
  for (const size_t size : {size_t{64}, size_t{65}, size_t{1} << 20}) {
    Merger merger(ranks);
    std::vector<uint32_t> ids;
    merger.merge(std::string(size, 'a'), ids);
    CHECK(ids.size() == (size + 7) / 8);
    // Each byte is ranked once, and each merge ranks two pairs and takes one or two out of the heap.
    CHECK(merger.steps() <= 64 * size);
  }
  Merger merger(ranks);
  std::vector<uint32_t> ids;
  constexpr size_t kSize = size_t{1} << 20;
  merger.merge(std::string(kSize, 'a'), ids);
  CHECK(merger.steps() <= 6 * kSize);
}

}  // namespace
}  // namespace colloquium::ai
