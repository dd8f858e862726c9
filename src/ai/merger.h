// Merger: byte-pair encoding of one piece, as tiktoken (MIT) does it: every byte is a part, and as long as two
// neighbours together are a token, those with the lowest rank become one part, the first of equals.
//
// Pieces are words, so nearly all are short and their parts are searched from front to back each time. A long one
// (a line of dashes, a word without end) would take time by the square of its length so; its pairs are in a heap,
// and its parts in a linked list.
//
// Memory: what the longest piece took stays for the next, some 30 bytes for each of its bytes. Ownership: refers
// to the table, which has to outlive it. Thread safety: one thread. Errors: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ai/rank_table.h"

namespace colloquium::ai {

class Merger {
 public:
  // REQUIRES: every byte by itself is a token.
  explicit Merger(const RankTable& ranks) : ranks_(ranks) {}

  // Appends the tokens of `piece`. REQUIRES: not empty, and under 4 GiB.
  void merge(std::string_view piece, std::vector<uint32_t>& tokens);

  // How often a part or a pair was looked at, over all pieces: what a test bounds in the place of time.
  uint64_t steps() const { return steps_; }

 private:
  struct Part {
    uint32_t begin;  // its first byte
    uint32_t pair;   // the rank of this part and the next together
  };
  // A part of a long piece, at the place of its first byte.
  struct Link {
    uint32_t previous;
    uint32_t next;
    uint32_t pair;
  };

  void merge_short(std::string_view piece, std::vector<uint32_t>& tokens);
  void merge_long(std::string_view piece, std::vector<uint32_t>& tokens);
  void rank_pair(std::string_view piece, uint32_t begin);

  const RankTable& ranks_;
  uint64_t steps_ = 0;
  std::vector<Link> links_;
  std::vector<uint64_t> heap_;  // the rank of a pair above, its first byte below; some are out of date
};

}  // namespace colloquium::ai
