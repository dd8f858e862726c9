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

// The segment log in one of its settings: what they differ in is the executor and what `Setting` puts into the
// options.
template <class Setting>
class SegmentFixture {
 public:
  SegmentFixture() { open(); }
  Log& log() { return *log_; }
  Executor& executor() { return setting_.executor; }
  ManualClock& clock() { return setting_.clock; }
  void reopen() {
    (void)log_->close();
    log_.reset();
    open();
  }

 private:
  void open() {
    LogOptions options;
    options.executor = &setting_.executor;
    options.clock = &setting_.clock;
    options.random = &random_;
    setting_.complete(options, random_);
    auto log = SegmentLog::open(std::move(options));
    REQUIRE(log);
    log_ = std::move(*log);
  }

  SeededRandom random_{1};
  Setting setting_;
  std::unique_ptr<SegmentLog> log_;
};

// Over files in memory, with small segments, so that they roll.
struct InMemory {
  void complete(LogOptions& options, Random&) {
    options.directory = "/data";
    options.files = &files;
    options.segment_bytes = 4096;
    options.journal_segment_bytes = 2048;
    options.memory_bytes = 1000;
  }
  ManualClock clock;
  ThreadExecutor executor;
  io::MemoryFileSystem files;
};

// The same, encrypted at rest.
struct Encrypted : InMemory {
  ~Encrypted() { CHECK_FALSE(nonces.reused()); }
  void complete(LogOptions& options, Random& random) {
    InMemory::complete(options, random);
    options.keys = nonces.ring("k", random);
  }
  NonceWatch nonces;
};

// On one thread, as the simulator runs it.
struct Simulated {
  void complete(LogOptions& options, Random&) {
    options.directory = "data";
    options.files = &files;
  }
  ManualClock clock;
  SimExecutor executor{7, clock};
  io::MemoryFileSystem files;
};

// As it ships: real files, real threads.
struct Posix {
  void complete(LogOptions& options, Random&) {
    options.directory = directory.path() + "/data";
    options.files = &io::posix_file_system();
  }
  TemporaryDirectory directory;
  ManualClock clock;
  ThreadExecutor executor;
};

using MemoryFixture = SegmentFixture<InMemory>;
using EncryptedFixture = SegmentFixture<Encrypted>;
using SimulatedFixture = SegmentFixture<Simulated>;
using PosixFixture = SegmentFixture<Posix>;

}  // namespace
}  // namespace colloquium::log

#define LOG_CONTRACT_FIXTURES                                                                      \
  colloquium::log::FakeFixture, colloquium::log::MemoryFixture, colloquium::log::EncryptedFixture, \
      colloquium::log::SimulatedFixture, colloquium::log::PosixFixture
#include "tests/compliance/log_contract.h"
