// Arena: memory for one evaluation, given back all at once.
//
// Allocation bumps a pointer. reset() keeps one block, large enough for what the last evaluations needed, so
// that in steady state nothing is taken from the heap. A bound on the bytes in use turns runaway scripts into
// an error of theirs.
//
// Thread safety: belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

namespace colloquium::computo {

class Arena {
 public:
  explicit Arena(uint64_t limit_bytes);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Null if the limit would be passed. Aligned to 8.
  void* allocate(size_t bytes) {
    const size_t rounded = (bytes + 7) & ~size_t{7};
    if (rounded >= bytes && rounded <= static_cast<size_t>(end_ - at_)) {
      char* p = at_;
      at_ += rounded;
      return p;
    }
    return allocate_slow(bytes);
  }

  template <class T>
  T* array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= 8);
    if (count > SIZE_MAX / sizeof(T)) return nullptr;
    return static_cast<T*>(allocate(count * sizeof(T)));
  }

  void reset();

  // Gives back what was allocated since mark(): for scratch that no value refers to.
  struct Mark {
    size_t block;
    char* at;
  };
  Mark mark() const { return {blocks_.size(), at_}; }
  void release(const Mark& mark);

  uint64_t reserved_bytes() const { return reserved_; }

  // What has been handed out since reset(), with what was left over at the ends of blocks.
  uint64_t used_bytes() const { return reserved_ - static_cast<uint64_t>(end_ - at_); }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size;
  };
  void* allocate_slow(size_t bytes);
  void add_block(size_t size);

  uint64_t limit_;
  uint64_t reserved_ = 0;
  std::vector<Block> blocks_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace colloquium::computo
