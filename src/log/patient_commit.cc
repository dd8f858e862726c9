#include "log/patient_commit.h"

#include <memory>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "io/file_system.h"

namespace colloquium::log {

namespace {
constexpr int64_t kRetryMs = 1000;
}

void PatientCommit::commit(CommitRequest request, Done done) {
  LOOP_ASSERT(loop_);
  ASSERT_WHY(!request_, "one at a time");
  request_ = std::move(request);
  done_ = std::move(done);
  send();
}

void PatientCommit::send() {
  ASSERT(request_);
  auto told = std::make_shared<UniqueFunction<void(Status)>>(
      alive_.guard([this](Status status) { answered(std::move(status)); }));
  // A copy: what the log has no room for is sent again.
  log_.commit(*request_, [&loop = loop_, told](Status status) {
    (void)loop.post([told, status = std::move(status)]() mutable { (*told)(std::move(status)); });
  });
}

void PatientCommit::answered(Status status) {
  LOOP_ASSERT(loop_);
  ASSERT(request_);
  if (status || !io::waits_for_room(status.error()) || !patient_) return end(std::move(status));
  if (!waits_) log_warning(who_, "the commit is tried again until there is room: " + status.error().describe());
  waits_ = true;
  if (waiting_ != nullptr) waiting_(status.error());
  timer_ = loop_.start_timer(kRetryMs, [this] {
    const auto fired = std::move(timer_);
    send();
  });
}

void PatientCommit::give_up_waiting() {
  LOOP_ASSERT(loop_);
  patient_ = false;
  if (std::exchange(timer_, nullptr) != nullptr) {
    end(fail(ErrorCode::kNoSpace, "the commit was given up while it waited for room"));
  }
}

void PatientCommit::end(Status status) {
  waits_ = false;
  CommitRequest request = std::move(*request_);
  request_.reset();
  // What is told may end this.
  auto done = std::move(done_);
  done_ = nullptr;
  done(std::move(status), std::move(request));
}

}  // namespace colloquium::log
