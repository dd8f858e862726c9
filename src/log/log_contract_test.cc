// The contract suite over the Logs that live here.
#include "base/manual_clock.h"
#include "base/thread_executor.h"
#include "log/fake_log.h"

namespace colloquium::log {
namespace {

class FakeFixture {
 public:
  FakeFixture() { open(); }
  Log& log() { return *log_; }
  Executor& executor() { return executor_; }
  ManualClock& clock() { return clock_; }
  void reopen() {
    (void)log_->close();
    log_.reset();
    open();
  }

 private:
  void open() {
    FakeLogOptions options;
    options.seed = ++seed_;
    options.storage = storage_;
    log_ = std::make_unique<FakeLog>(executor_, clock_, std::move(options));
  }

  ThreadExecutor executor_;
  ManualClock clock_;
  std::shared_ptr<FakeStorage> storage_ = make_fake_storage();
  uint64_t seed_ = 0;
  std::unique_ptr<FakeLog> log_;
};

}  // namespace
}  // namespace colloquium::log

#define LOG_CONTRACT_FIXTURES colloquium::log::FakeFixture
#include "tests/compliance/log_contract.h"
