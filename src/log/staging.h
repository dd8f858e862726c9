// Staging: what waits for the log thread, in the order it was called, and how much of it there is.
//
// Thread safety: bytes() on any thread; the rest under the log's mutex.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <vector>

#include "log/group_commit.h"

namespace colloquium::log {

class Staging {
 public:
  void add(StagedAppend append);
  void add(StagedCommit commit);
  bool empty() const { return appends_.empty() && commits_.empty(); }

  // The next group, of about `limit` bytes; `bytes` is what it holds, to be given back with done().
  Group take(size_t limit, size_t& bytes);
  // Every append that waits; `bytes` likewise.
  std::vector<StagedAppend> take_appends(size_t& bytes);
  // Bytes that wait or are being written.
  size_t bytes() const { return bytes_.load(); }
  // Any thread: a group is finished.
  void done(size_t bytes);

 private:
  template <class Item>
  struct Sized {
    Item item;
    size_t bytes;
  };
  std::deque<Sized<StagedAppend>> appends_;
  std::deque<Sized<StagedCommit>> commits_;
  std::atomic<size_t> bytes_{0};
};

}  // namespace colloquium::log
