#include "components/stdio/stdout_sink.h"

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "components/stdio/blocking_fd.h"

namespace colloquium::components {
namespace {

constexpr int kStdout = 1;
constexpr size_t kWriteBytes = size_t{4} << 20;  // payload that goes into one write
constexpr int64_t kPoolFullMs = 10;

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  const auto& format = *config_of<StdoutConfig>(parsed).format.format;
  TRY_ASSIGN(auto text, formats::BatchText::create(format, context.script_variables));
  TRY_ASSIGN(auto output, BlockingFd::create(kStdout, BlockingFd::Use::kWrite, "standard output"));
  return std::make_unique<StdoutSink>(std::move(context), std::move(output), std::move(text));
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "stdout";
  d.summary = "Writes one line per event to standard output.";
  d.description =
      "Without a `format` an event is written as its bytes; where they hold a line break, white space between "
      "tokens is stripped; a tombstone is written as null. Messages of the process go to standard error. An event "
      "that the format refuses is a dead letter.";
  d.input_trust = "Events are valid JSON by then; nothing in one can make a second line.";
  d.guarantee = "At least once: an event may be written again after a failed write or a crash.";
  d.delivery = Guarantee::kAtLeastOnce;
  d.examples = {{"Print everything", "stdout: {}"},
                {"As text that a script makes", "stdout: {format: {template: '= $input/name'}}"}};
  bind_spec(d, ConfigSpec<StdoutConfig>().field("format", &StdoutConfig::format,
                                                {.description = "What an event is written as."}));
  d.check_scripts = [](const ParsedConfig& parsed, const ScriptNames& names, ConfigProblems& problems) {
    config_of<StdoutConfig>(parsed).format.format->check(names, problems);
  };
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
  Writing(std::unique_ptr<BlockingFd> fd, std::unique_ptr<formats::BatchText> empty)
      : output(std::move(fd)), text(std::move(empty)), rest_of_line(text->preamble()) {}

  void run() {
    line_begin = rest_of_line.size();
    text->clear(std::exchange(rest_of_line, {}));
    for (const auto& batch : batches) text->add(*batch);
    size_t written = 0;
    const Status status = output->write(text->text(), written);
    if (!status) failed(status.error(), written);
  }

  // Finds out which events went out whole, and what is missing of the one that was torn.
  void failed(const Error& why, size_t written) {
    error = why;
    const std::vector<size_t> ends = text->ends();
    const auto torn = std::upper_bound(ends.begin(), ends.end(), written);
    events_written = static_cast<size_t>(torn - ends.begin());
    // Nothing of an event has gone out where one ends, or the rest of what was torn before.
    const size_t begun = events_written > 0 ? ends[events_written - 1] : line_begin;
    size_t rest_end = written;
    if (written < begun) rest_end = begun;
    if (written > begun && torn != ends.end()) rest_end = *torn;
    rest_of_line = text->text().substr(written, rest_end - written);
  }

  const std::unique_ptr<BlockingFd> output;
  std::vector<std::shared_ptr<const Batch>> batches;
  const std::unique_ptr<formats::BatchText> text;
  std::string rest_of_line;   // of an event begun and not finished by a failed write; at first the preamble
  size_t line_begin = 0;      // where the events of `batches` begin in `text`
  size_t events_written = 0;  // with `error`: how many of them went out whole
  std::optional<Error> error;
};

StdoutSink::StdoutSink(ComponentContext context, std::unique_ptr<BlockingFd> output,
                       std::unique_ptr<formats::BatchText> text)
    : context_(std::move(context)), writing_(std::make_shared<Writing>(std::move(output), std::move(text))) {}

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
  waiting_.push(std::move(batch), std::move(done));
  pump();
}

void StdoutSink::pump() {
  if (is_writing_ || waiting_.empty() || retry_timer_ != nullptr) return;
  if (broken_) return waiting_.refuse(*broken_);
  under_way_ = waiting_.take(kWriteBytes);
  writing_->batches.clear();
  for (const SinkWrite& write : under_way_.writes) writing_->batches.push_back(write.batch);
  is_writing_ = context_.loop.offload([writing = writing_] { writing->run(); }, [this] { has_written(); });
  if (is_writing_) return;
  // The pool had no room.
  waiting_.put_back(std::exchange(under_way_, {}));
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
    waiting_.refuse({ErrorCode::kCancelled, "standard output is being closed", true, {}});
    context_.loop.post(std::move(closed_));
    return;
  }
  pump();
}

// Tells each batch how far its lines went.
void StdoutSink::finish_jobs() {
  const std::optional<Error> error = std::exchange(writing_->error, std::nullopt);
  const size_t written = std::exchange(writing_->events_written, 0);
  size_t first = 0;
  for (SinkWrite& write : under_way_.writes) {
    const size_t count = write.batch->size();
    write.outcomes = formats::outcomes_of(writing_->text->refused(), first, count);
    if (error && written < first + count) {
      write.outcomes.resize(count);
      for (size_t i = std::max(written, first) - first; i < count; ++i)
        write.outcomes[i] = {Outcome::kRetry, *error, 0};
    }
    first += count;
  }
  under_way_.answer();
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
  waiting_.refuse({ErrorCode::kCancelled, "standard output is being closed", true, {}});
  context_.loop.post(std::move(closed));
}

}  // namespace colloquium::components
