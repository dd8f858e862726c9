// RankTable: the tokens of one encoding and their ranks, which are also their ids. The lower of two ranks was
// merged first when the encoding was made.
//
// A flat hash table with open addressing over all tokens' bytes, at most half full. A slot holds all of a token of
// up to eight bytes, as most tokens of a text are: finding one, or that bytes are none, touches one place of
// memory.
//
// Thread safety: immutable once made. Ownership: keeps the tokens' bytes. Errors: none; what it is made from is
// part of the program (src/ai/data), so anything wrong with it is a failed assertion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace colloquium::ai {

inline constexpr uint32_t kNoRank = UINT32_MAX;

class RankTable {
 public:
  // `packed`: the length of each token, one byte each, in the order of ranks; then the bytes of all of them.
  RankTable(std::string packed, uint32_t tokens);

  // kNoRank if the bytes are no token.
  uint32_t find(std::string_view bytes) const;

  uint32_t size() const { return static_cast<uint32_t>(begins_.size() - 1); }
  // REQUIRES: rank < size().
  std::string_view bytes(uint32_t rank) const {
    return {packed_.data() + begins_[rank], begins_[rank + 1] - begins_[rank]};
  }

 private:
  // `head` is what tokens are compared by first: their bytes, or a hash of those that are longer.
  struct Slot {
    uint64_t head = 0;
    uint32_t length = 0;
    uint32_t rank = kNoRank;
  };

  static Slot slot_of(std::string_view bytes, uint32_t rank);
  size_t first_place(const Slot& slot) const;

  std::string packed_;
  std::vector<uint32_t> begins_;  // of each token in packed_, and the end of the last
  size_t longest_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace colloquium::ai
