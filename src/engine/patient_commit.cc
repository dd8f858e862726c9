#include "engine/patient_commit.h"

#include <memory>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::engine {

namespace {
constexpr int64_t kRetryMs = 1000;
}

void PatientCommit::commit(log::CommitRequest request, UniqueFunction<void(Status)> done) {
  LOOP_ASSERT(loop_);
  ASSERT_WHY(!request_, "one at a time");
  request_ = std::move(request);
  done_ = std::move(done);
  waits_ = false;
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
  const ErrorCode code = status ? ErrorCode::kInternal : status.error().code;
  if (!status && (code == ErrorCode::kNoSpace || code == ErrorCode::kUnavailable)) {
    if (!waits_) log_warning(who_, "the commit is tried again until there is room: " + status.error().describe());
    waits_ = true;
    timer_ = loop_.start_timer(kRetryMs, [this] {
      const auto fired = std::move(timer_);
      send();
    });
    return;
  }
  request_.reset();
  // What is told may end this.
  auto done = std::move(done_);
  done_ = nullptr;
  done(std::move(status));
}

}  // namespace colloquium::engine
