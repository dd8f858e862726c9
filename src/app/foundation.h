// Foundation: what pipelines of one process stand on: time, chance, threads, the loop, files, counters.
//
// Made once by the verbs that run pipelines. Members are in the order in which they depend on each other; they
// go in the reverse order. Whoever uses the loop has to be gone before the Foundation is.
// Thread safety: made and destroyed on the main thread, which is the loop's thread.
#pragma once

#include <cstddef>
#include <memory>

#include "colloquium/component.h"

#include "ai/budget_book.h"
#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "engine/pipeline.h"
#include "io/file_system.h"
#include "loop/uv_loop.h"
#include "metrics/registry.h"

namespace colloquium::app {

class Foundation {
 public:
  // `files` outlives it. Fails if the system gives no loop (no file descriptors left).
  static Result<std::unique_ptr<Foundation>> create(io::FileSystem& files, size_t workers);
  ~Foundation();
  Foundation(const Foundation&) = delete;
  Foundation& operator=(const Foundation&) = delete;

  // `log` may be null.
  engine::Environment environment(log::Log* log, bool from_start);

  // Each lives as long as the Foundation.
  loop::UvLoop& loop() { return *loop_; }
  Executor& executor() { return executor_; }
  Clock& clock() { return clock_; }
  Random& chance() { return random_; }
  io::FileSystem& files() { return files_; }
  Services& services() { return services_; }
  metrics::Registry& metrics() { return metrics_; }
  size_t worker_count() const { return workers_->size(); }

 private:
  explicit Foundation(io::FileSystem& files);

  // In the order in which they are made; the loop and the workers need all that stands above them.
  io::FileSystem& files_;
  SystemClock clock_;
  SystemRandom random_;
  ThreadExecutor executor_;
  metrics::Registry metrics_;
  Services services_;
  std::unique_ptr<loop::UvLoop> loop_;
  std::unique_ptr<engine::WorkerPool> workers_;
  ai::BudgetBook budgets_;
};

// One less than there are cores, at least 1.
size_t default_workers();

}  // namespace colloquium::app
