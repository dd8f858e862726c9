#include "components/stdio/stdout_sink.h"

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "components/stdio/blocking_fd.h"
#include "formats/line_writer.h"

namespace colloquium::components {
namespace {

constexpr int kStdout = 1;
constexpr size_t kWriteBytes = size_t{4} << 20;  // payload that goes into one write
constexpr int64_t kPoolFullMs = 10;

struct StdoutConfig {};

Result<std::unique_ptr<Sink>> create(const ParsedConfig&, ComponentContext context) {
  TRY_ASSIGN(auto output, BlockingFd::create(kStdout, BlockingFd::Use::kWrite, "standard output"));
  return std::make_unique<StdoutSink>(std::move(context), std::move(output));
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "stdout";
  d.summary = "Writes one line per event to standard output.";
  d.description =
      "An event is written as its bytes; where they hold a line break, white space between tokens is stripped. "
      "A tombstone is written as null. Messages of the process go to standard error, so the output is NDJSON.";
  d.input_trust = "Events are valid JSON by then; nothing in one can make a second line.";
  d.guarantee = "At least once: an event may be written again after a failed write or a crash.";
  d.delivery = Guarantee::kAtLeastOnce;
  d.examples = {{"Print everything", "stdout: {}"}};
  bind_spec(d, ConfigSpec<StdoutConfig>());
  d.create_sink = create;
  d.repeats = [](const ParsedConfig&, const std::string&) -> std::string { return "prints each line again"; };
  return d;
}

}  // namespace

const Descriptor& stdout_sink() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

// What the pool works on. The loop touches it only while no write is under way (interrupt() apart).
struct StdoutSink::Writing {
  explicit Writing(std::unique_ptr<BlockingFd> fd) : output(std::move(fd)) {}

  void run() {
    text.assign(std::exchange(rest_of_line, {}));
    line_begin = text.size();
    for (const auto& batch : batches) formats::append_lines(*batch, text);
    size_t written = 0;
    const Status status = output->write(text, written);
    if (!status) failed(status.error(), written);
  }

  // Finds out which lines went out whole, and what is missing of the one that was torn.
  void failed(const Error& why, size_t written) {
    error = why;
    const bool between_lines = written == 0 ? line_begin == 0 : text[written - 1] == '\n';
    const size_t next_line = between_lines ? written : text.find('\n', written) + 1;
    rest_of_line = text.substr(written, next_line - written);
    const auto whole_lines = text.begin() + static_cast<ptrdiff_t>(std::max(written, line_begin));
    lines_written =
        static_cast<size_t>(std::count(text.begin() + static_cast<ptrdiff_t>(line_begin), whole_lines, '\n'));
  }

  const std::unique_ptr<BlockingFd> output;
  std::vector<std::shared_ptr<const Batch>> batches;
  std::string text;
  std::string rest_of_line;  // of a line begun and not finished by a failed write
  size_t line_begin = 0;     // where the lines of `batches` begin in `text`
  size_t lines_written = 0;  // with `error`: how many of them went out whole
  std::optional<Error> error;
};

StdoutSink::StdoutSink(ComponentContext context, std::unique_ptr<BlockingFd> output)
    : context_(std::move(context)), writing_(std::make_shared<Writing>(std::move(output))) {}

StdoutSink::~StdoutSink() {
  ASSERT_WHY(!is_writing_, "close() waits for the write under way");
}

Status StdoutSink::restore(const std::string& token) {
  ASSERT_WHY(token.empty(), "standard output has no token");
  return {};
}

void StdoutSink::token(TokenDone) {
  ASSERT_WHY(false, "standard output has no token");
}

void StdoutSink::write(std::shared_ptr<const Batch> batch, WriteDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "no write after close");
  waiting_.push_back({std::move(batch), std::move(done)});
  pump();
}

void StdoutSink::pump() {
  if (is_writing_ || waiting_.empty() || retry_timer_ != nullptr) return;
  if (broken_) return refuse_waiting(*broken_);
  writing_->batches.clear();
  size_t bytes = 0;
  // At least one batch, however large; more while they stay within the bound.
  while (!waiting_.empty() && (bytes == 0 || bytes + waiting_.front().batch->payload_bytes() <= kWriteBytes)) {
    bytes += std::max<size_t>(waiting_.front().batch->payload_bytes(), 1);
    writing_->batches.push_back(waiting_.front().batch);
    under_way_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  is_writing_ = context_.loop.offload([writing = writing_] { writing->run(); }, [this] { has_written(); });
  if (is_writing_) return;
  // The pool had no room: back in front, in their order.
  for (; !under_way_.empty(); under_way_.pop_back()) waiting_.push_front(std::move(under_way_.back()));
  retry_timer_ = context_.loop.start_timer(kPoolFullMs, [this] {
    const auto fired = std::move(retry_timer_);
    pump();
  });
}

void StdoutSink::has_written() {
  LOOP_ASSERT(context_.loop);
  ASSERT(is_writing_);
  is_writing_ = false;
  // A full disk or the like may pass; a reader that has gone does not come back.
  const auto& error = writing_->error;
  if (error && error->code != ErrorCode::kCancelled && !error->retryable) broken_ = error;
  finish_jobs();
  if (closing_) {
    refuse_waiting(Error{ErrorCode::kCancelled, "standard output is being closed", true, {}});
    context_.loop.post(std::move(closed_));
    return;
  }
  pump();
}

// Tells each batch how far its lines went.
void StdoutSink::finish_jobs() {
  const std::optional<Error> error = std::exchange(writing_->error, std::nullopt);
  size_t written = std::exchange(writing_->lines_written, 0);
  for (Job& job : std::exchange(under_way_, {})) {
    std::vector<EventOutcome> outcomes;
    if (error && written < job.batch->size()) {
      outcomes.resize(job.batch->size());
      for (size_t i = written; i < outcomes.size(); ++i) outcomes[i] = {Outcome::kRetry, *error, 0};
    }
    written -= std::min(written, job.batch->size());
    job.done(std::move(outcomes));
  }
}

void StdoutSink::refuse_waiting(const Error& error) {
  for (Job& job : std::exchange(waiting_, {})) {
    job.done(std::vector<EventOutcome>(job.batch->size(), EventOutcome{Outcome::kRetry, error, 0}));
  }
}

void StdoutSink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "close once");
  closing_ = true;
  retry_timer_ = nullptr;
  if (is_writing_) {
    closed_ = std::move(closed);
    writing_->output->interrupt();
    return;
  }
  refuse_waiting(Error{ErrorCode::kCancelled, "standard output is being closed", true, {}});
  context_.loop.post(std::move(closed));
}

}  // namespace colloquium::components
