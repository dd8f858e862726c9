// SpaceGuard: keeps some of the disk free, so that a full disk is met by a refusal and not half way into a write.
// That the process has no descriptor left, which is as little for good, is met likewise once it is noticed.
//
// Thread safety: full() and refusal() on any thread; the rest on the log thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

class SpaceGuard {
 public:
  SpaceGuard(io::FileSystem& fs, std::string directory, uint64_t reserve_bytes, double reserve_fraction);

  bool full() const { return lack_.load() != Lack::kNothing; }
  // Why an append is refused while full(): retryable, with what to do. On the log thread, which alone changes it.
  Error error() const;
  // The two as one, for the others.
  std::optional<Error> refusal() const;

  // Asks the file system. Once full, it takes some more than the reserve to be so no longer. Of descriptors nobody
  // can be asked: whoever opens the next file finds out.
  void check();
  // The same before `bytes` are written, if it may have come otherwise since: asking takes as long as writing little.
  void check_before(size_t bytes, int64_t now_ns);
  // A write found no room, whatever check() says: on the disk, or among the descriptors.
  void note_full(const Error& error);

 private:
  enum class Lack : uint8_t { kNothing, kSpace, kDescriptors };

  Error error_of(Lack lack) const;

  io::FileSystem& fs_;
  const std::string directory_;
  const uint64_t reserve_bytes_;
  const double reserve_fraction_;
  std::atomic<Lack> lack_{Lack::kNothing};
  uint64_t unchecked_bytes_ = 0;  // told to check_before since check() …
  int64_t checked_ns_ = 0;        // … was last called by check_before
};

}  // namespace colloquium::log
