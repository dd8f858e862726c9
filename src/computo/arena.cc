#include "computo/arena.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::computo {

namespace {
constexpr size_t kFirstBlock = 16 * 1024;
// One large event must not tie up its memory in every worker for ever.
constexpr size_t kKeptBlock = 4 * 1024 * 1024;
}  // namespace

Arena::Arena(uint64_t limit_bytes) : limit_(std::max<uint64_t>(limit_bytes, kFirstBlock)) {
  add_block(kFirstBlock);
  ASSERT(reserved_ <= limit_);
}

void Arena::add_block(size_t size) {
  ASSERT(size > 0);
  blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
  reserved_ += size;
  at_ = blocks_.back().bytes.get();
  end_ = at_ + size;
}

void* Arena::allocate_slow(size_t bytes) {
  ASSERT(!blocks_.empty());
  if (bytes > limit_ || bytes + reserved_ > limit_) return nullptr;
  const size_t rounded = (bytes + 7) & ~size_t{7};
  // Doubling bounds the number of blocks; the limit bounds the last one.
  const size_t doubled = blocks_.back().size * 2;
  const size_t room = static_cast<size_t>(limit_ - reserved_);
  add_block(std::max(rounded, std::min(doubled, room)));
  char* p = at_;
  at_ += rounded;
  return p;
}

void Arena::reset() {
  ASSERT(!blocks_.empty());
  // Several blocks mean that the one kept was too small: the next evaluation finds one of their joint size.
  if (blocks_.size() > 1) {
    const size_t wanted = std::min<uint64_t>(reserved_, kKeptBlock);
    blocks_.clear();
    reserved_ = 0;
    add_block(wanted);
  }
  at_ = blocks_.back().bytes.get();
  end_ = at_ + blocks_.back().size;
}

void Arena::release(const Mark& mark) {
  ASSERT(mark.block >= 1 && mark.block <= blocks_.size());
  while (blocks_.size() > mark.block) {
    reserved_ -= blocks_.back().size;
    blocks_.pop_back();
  }
  at_ = mark.at;
  end_ = blocks_.back().bytes.get() + blocks_.back().size;
  ASSERT(at_ <= end_);
}

}  // namespace colloquium::computo
