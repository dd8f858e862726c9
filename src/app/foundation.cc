#include "app/foundation.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "base/money.h"

namespace colloquium::app {

namespace {

void tell_alert(const ai::BudgetAlert& alert) {
  log_warning("ai", "budget '" + alert.budget + "' has reached " + std::to_string(alert.percent) +
                        " %: " + usd_text(alert.spent) + " of " + usd_text(alert.limit) + " USD are spent");
}

}  // namespace

Result<std::unique_ptr<Foundation>> Foundation::create(io::FileSystem& files, size_t workers) {
  ASSERT(workers > 0);
  std::unique_ptr<Foundation> made(new Foundation(files));
  TRY_ASSIGN(made->loop_, loop::UvLoop::create(made->executor_));
  made->workers_ = std::make_unique<engine::WorkerPool>(made->executor_, workers);
  // What components ask for by type. The ingest server joins them once it listens.
  made->services_.provide<io::FileSystem>(&made->files_);
  made->services_.provide<loop::UvLoop>(made->loop_.get());
  made->services_.provide<Executor>(&made->executor_);
  made->services_.provide<ai::BudgetBook>(&made->budgets_);
  made->services_.provide<metrics::Registry>(&made->metrics_);
  return made;
}

Foundation::~Foundation() {
  // Workers post to the loop: they go first, and the loop then runs what they posted last.
  workers_.reset();
  if (loop_ != nullptr) loop_->close();
}

Foundation::Foundation(io::FileSystem& files) : files_(files), budgets_(tell_alert) {}

engine::Environment Foundation::environment(log::Log* log, bool from_start) {
  return engine::Environment{.loop = *loop_,
                             .executor = executor_,
                             .clock = clock_,
                             .random = random_,
                             .services = services_,
                             .workers = *workers_,
                             .log = log,
                             .metrics = &metrics_,
                             .from_start = from_start};
}

// One core is left to the loop and the log thread, which together take about that much under load.
size_t default_workers() {
  return std::max<size_t>(std::thread::hardware_concurrency(), 2) - 1;
}

}  // namespace colloquium::app
