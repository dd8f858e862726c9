// The contract suite over the Logs that live here.
#include "base/manual_clock.h"
#include "base/sim_executor.h"
#include "base/thread_executor.h"
#include "io/memory_file_system.h"
#include "log/fake_log.h"
#include "log/nonce_watch_test.h"
#include "log/segment_log.h"
#include "tests/temporary_directory.h"

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

// The segment log over files in memory, with small segments, so that they roll.
class MemoryFixture {
 public:
  MemoryFixture() { open(); }
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
    LogOptions options;
    options.directory = "/data";
    options.files = &files_;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    options.segment_bytes = 4096;
    options.journal_segment_bytes = 2048;
    options.memory_bytes = 1000;
    auto log = SegmentLog::open(std::move(options));
    REQUIRE(log);
    log_ = std::move(*log);
  }

  ThreadExecutor executor_;
  ManualClock clock_;
  SeededRandom random_{1};
  io::MemoryFileSystem files_;
  std::unique_ptr<SegmentLog> log_;
};

// The same, encrypted at rest.
class EncryptedFixture {
 public:
  EncryptedFixture() { open(); }
  ~EncryptedFixture() { CHECK_FALSE(nonces_.reused()); }
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
    LogOptions options;
    options.directory = "/data";
    options.files = &files_;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    options.keys = nonces_.ring("k", random_);
    options.segment_bytes = 4096;
    options.journal_segment_bytes = 2048;
    options.memory_bytes = 1000;
    auto log = SegmentLog::open(std::move(options));
    REQUIRE(log);
    log_ = std::move(*log);
  }

  ThreadExecutor executor_;
  ManualClock clock_;
  SeededRandom random_{1};
  NonceWatch nonces_;
  io::MemoryFileSystem files_;
  std::unique_ptr<SegmentLog> log_;
};

// The same on one thread, as the simulator runs it.
class SimulatedFixture {
 public:
  SimulatedFixture() { open(); }
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
    LogOptions options;
    options.directory = "data";
    options.files = &files_;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    auto log = SegmentLog::open(std::move(options));
    REQUIRE(log);
    log_ = std::move(*log);
  }

  ManualClock clock_;
  SimExecutor executor_{7, clock_};
  SeededRandom random_{1};
  io::MemoryFileSystem files_;
  std::unique_ptr<SegmentLog> log_;
};

// As it ships: real files, real threads.
class PosixFixture {
 public:
  PosixFixture() { open(); }
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
    LogOptions options;
    options.directory = directory_.path() + "/data";
    options.files = &io::posix_file_system();
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    auto log = SegmentLog::open(std::move(options));
    REQUIRE(log);
    log_ = std::move(*log);
  }

  TemporaryDirectory directory_;
  ThreadExecutor executor_;
  ManualClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<SegmentLog> log_;
};

}  // namespace
}  // namespace colloquium::log

#define LOG_CONTRACT_FIXTURES                                                                      \
  colloquium::log::FakeFixture, colloquium::log::MemoryFixture, colloquium::log::EncryptedFixture, \
      colloquium::log::SimulatedFixture, colloquium::log::PosixFixture
#include "tests/compliance/log_contract.h"
