// ThreadExecutor: the Executor of the shipped process, on std::thread.
//
// A TaskQueue of width n owns n threads that take tasks from one bounded queue. Nothing else in the tree
// starts threads (except libraries that insist on their own).
//
// Thread safety: as colloquium/executor.h says. Ownership: queues and signals belong to whoever made them; a
// queue must not be destroyed on one of its own threads (it joins them).
#pragma once

#include "colloquium/executor.h"

namespace colloquium {

class ThreadExecutor final : public Executor {
 public:
  std::unique_ptr<TaskQueue> make_queue(const std::string& name, size_t width, size_t capacity) override;
  std::shared_ptr<Signal> make_signal() override;
};

}  // namespace colloquium
