#include "ai/merger.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/assert.h"

namespace colloquium::ai {
namespace {

// Up to here searching all parts is cheaper than the heap.
constexpr size_t kShortBytes = 64;

}  // namespace

void Merger::merge(std::string_view piece, std::vector<uint32_t>& tokens) {
  ASSERT(!piece.empty() && piece.size() < UINT32_MAX);
  if (piece.size() <= kShortBytes) {
    merge_short(piece, tokens);
  } else {
    merge_long(piece, tokens);
  }
}

void Merger::merge_short(std::string_view piece, std::vector<uint32_t>& tokens) {
  std::array<Part, kShortBytes + 1> parts;
  size_t count = piece.size();
  for (size_t i = 0; i < count; ++i) {
    parts[i] = {static_cast<uint32_t>(i), i + 1 < count ? ranks_.find(piece.substr(i, 2)) : kNoRank};
  }
  parts[count] = {static_cast<uint32_t>(count), kNoRank};  // the end
  const auto rank_pair = [&](size_t i) {
    if (i + 1 >= count) return kNoRank;
    return ranks_.find(piece.substr(parts[i].begin, parts[i + 2].begin - parts[i].begin));
  };
  while (true) {
    steps_ += count;
    size_t best = 0;
    for (size_t i = 1; i < count; ++i) {
      if (parts[i].pair < parts[best].pair) best = i;
    }
    if (parts[best].pair == kNoRank) break;
    std::move(parts.begin() + best + 2, parts.begin() + count + 1, parts.begin() + best + 1);
    --count;
    parts[best].pair = rank_pair(best);
    if (best > 0) parts[best - 1].pair = rank_pair(best - 1);
  }
  for (size_t i = 0; i < count; ++i) {
    tokens.push_back(ranks_.find(piece.substr(parts[i].begin, parts[i + 1].begin - parts[i].begin)));
  }
}

// The part at `begin` and the one behind it: into the heap, if they are a token.
void Merger::rank_pair(std::string_view piece, uint32_t begin) {
  ++steps_;
  Link& link = links_[begin];
  link.pair = kNoRank;
  if (link.next == piece.size()) return;
  link.pair = ranks_.find(piece.substr(begin, links_[link.next].next - begin));
  if (link.pair != kNoRank) heap_.push_back(uint64_t{link.pair} << 32 | begin);
}

void Merger::merge_long(std::string_view piece, std::vector<uint32_t>& tokens) {
  const auto size = static_cast<uint32_t>(piece.size());
  heap_.clear();
  heap_.reserve(size_t{2} * size);  // a merge takes one out and puts at most two in
  links_.resize(piece.size());
  for (uint32_t i = 0; i < size; ++i) links_[i] = {i - 1, i + 1, kNoRank};
  for (uint32_t i = 0; i < size; ++i) rank_pair(piece, i);
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  const auto rank_again = [&](uint32_t begin) {
    const size_t before = heap_.size();
    rank_pair(piece, begin);
    if (heap_.size() > before) std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  };
  while (!heap_.empty()) {
    ++steps_;
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const uint64_t least = heap_.back();
    heap_.pop_back();
    const auto begin = static_cast<uint32_t>(least);
    // A part only grows, and with it its pair: what was ranked before either did has another rank now, or none.
    if (links_[begin].pair != static_cast<uint32_t>(least >> 32)) continue;
    Link& taken = links_[links_[begin].next];
    taken.pair = kNoRank;
    links_[begin].next = taken.next;
    if (taken.next < size) links_[taken.next].previous = begin;
    rank_again(begin);
    if (begin > 0) rank_again(links_[begin].previous);
  }
  for (uint32_t i = 0; i < size; i = links_[i].next)
    tokens.push_back(ranks_.find(piece.substr(i, links_[i].next - i)));
}

}  // namespace colloquium::ai
