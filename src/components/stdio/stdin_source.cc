#include "components/stdio/stdin_source.h"

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "components/stdio/blocking_fd.h"
#include "metrics/source_drops.h"

namespace colloquium::components {
namespace {

constexpr int kStdin = 0;
constexpr size_t kReadBytes = size_t{64} << 10;  // what a pipe holds by default
constexpr size_t kBodyBytes = size_t{1} << 20;
constexpr int64_t kPoolFullMs = 10;
constexpr char kComponent[] = "stdin";

// Two readers would each get bytes out of the middle of lines.
std::atomic<bool> stdin_taken{false};

}  // namespace

Result<StdinClaim> StdinClaim::take(const std::string& who) {
  if (stdin_taken.exchange(true)) {
    return fail(ErrorCode::kConflict, "standard input is read by another source already; only one can have it",
                who);
  }
  return StdinClaim(true);
}

StdinClaim::~StdinClaim() {
  if (held_) stdin_taken = false;
}

namespace {

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  TRY_ASSIGN(StdinClaim claim, StdinClaim::take(context.pipeline + "/" + context.name));
  TRY_ASSIGN(auto input, BlockingFd::create(kStdin, BlockingFd::Use::kRead, "standard input"));
  auto source =
      std::make_unique<StdinSource>(std::move(context), config_of<StdinConfig>(parsed), std::move(input));
  source->keep(std::move(claim));
  return source;
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "stdin";
  d.summary = "Reads events, NDJSON lines by default, from standard input until it ends.";
  d.description =
      "Without a `format` there is one JSON value per line; blank lines are skipped. A last line without line "
      "break counts once the input "
      "has ended. The pipeline ends when everything that came in is in its sinks. Only one source of a process "
      "can have standard input.";
  d.input_trust =
      "Any bytes may come in: a record that makes no event, or is longer than max_event, goes to the dead "
      "letters.";
  d.guarantee =
      "Standard input cannot be read again: with the log nothing acknowledged is lost; what was read and not "
      "yet accepted is gone after a crash.";
  d.examples = {{"Everything that comes in", "stdin: {}"},
                {"A CSV file in a pipe", "stdin: {format: {csv: {types: {total: number}}}}"}};
  bind_spec(
      d, ConfigSpec<StdinConfig>()
             .field("format", &StdinConfig::format, {.description = "What comes in."})
             .field("overflow", &StdinConfig::overflow, config::overflow_field())
             .field("max_event", &StdinConfig::max_event,
                    {.description =
                         "How much of a record is read; a longer one is cut there and goes to the dead letters.",
                     .advanced = true,
                     .minimum = 1,
                     .maximum = 64 << 20}));
  d.create_source = create;
  d.source_traits = [](const ParsedConfig& parsed) {
    return SourceTraits{
        .rereadable = false, .finite = true, .max_event_bytes = config_of<StdinConfig>(parsed).max_event.bytes};
  };
  d.claims = [](const ParsedConfig&, const std::string&) -> std::vector<Claim> {
    return {{"standard input", "", false, "only one source of a process can have it"}};
  };
  return d;
}

}  // namespace

const Descriptor& stdin_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

struct StdinSource::Body {
  formats::Lines lines;
  uint64_t records_begin = 0;
};

// What the pool works on. The loop touches it only while no read is under way (interrupt() apart).
struct StdinSource::Reading {
  Reading(std::unique_ptr<BlockingFd> fd, const StdinConfig& config)
      : input(std::move(fd)),
        format(config.format.format),
        cutter(static_cast<size_t>(config.max_event.bytes), 0, format->framing()) {}

  // Waits until there is at least one whole line, or the end, or an interruption; then takes what is there
  // already, up to a body's worth.
  void run() {
    // Without waiting for more than the first line: an interactive reader wants it now.
    bodies.clear();
    size_t read = 0;
    while (bodies.empty() && !ended) {
      std::optional<Error> failure;
      do {
        const Result<size_t> got = input->read(cutter.room(kReadBytes));
        if (!got || *got == 0) {
          if (!got) failure = got.error();
          ended = true;
          break;
        }
        cutter.added(*got);
        read += *got;
      } while (read < kBodyBytes && input->readable());
      while (auto lines = cutter.take()) add(std::move(*lines));
      // Behind the whole lines that came before it.
      if (failure && !error) error = std::move(failure);
      read = 0;
    }
    // What an error cut off is no line: half of one may well be another valid event.
    if (!ended || error) return;
    if (auto last = cutter.finish()) add(std::move(*last));
  }

  // The first body has the header, if there is one.
  void add(formats::Lines lines) {
    if (error) return;
    uint64_t begin = 0;
    if (!opened) {
      auto records = format->open(*lines.body);
      if (!records) {
        error = records.error();
        ended = true;
        return;
      }
      opened = std::move(*records);
      begin = opened->begin;
    }
    bodies.push_back({std::move(lines), begin});
  }

  const std::unique_ptr<BlockingFd> input;
  const formats::SourceFormatPtr format;
  std::optional<formats::OpenedRecords> opened;
  formats::LineCutter cutter;
  std::vector<Body> bodies;
  bool ended = false;
  std::optional<Error> error;
};

StdinSource::StdinSource(SourceContext context, const StdinConfig& config, std::unique_ptr<BlockingFd> input)
    : context_(std::move(context)),
      body_format_(config.format.format->body_format()),
      reading_(std::make_shared<Reading>(std::move(input), config)),
      queue_(context_.loop, context_.intake, {kComponent, context_.name, "", 1, config.overflow.value()},
             [this] { pump(); }) {}

StdinSource::~StdinSource() {
  ASSERT_WHY(!is_reading_, "close() waits for the read under way");
}

Status StdinSource::start(std::string) {
  LOOP_ASSERT(context_.loop);
  drops_ = metrics::register_drops(context_, "stdin_source", queue_);
  left_ = metrics::register_left(context_, "stdin_source", queue_);
  pump();
  return {};
}

void StdinSource::pump() {
  if (closing_) return;
  queue_.pump();
  if (stopped_) return tell_offered();
  if (ended_) {
    if (queue_.empty() && !std::exchange(told_, true)) end();
    return;
  }
  // The front one is at the door or about to be; one more is read meanwhile.
  if (!is_reading_ && (queue_.drops() || queue_.size() <= 1) && pool_timer_ == nullptr) read();
}

void StdinSource::read() {
  is_reading_ = context_.loop.offload([reading = reading_] { reading->run(); }, [this] { has_read(); });
  if (is_reading_) return;
  pool_timer_ = context_.loop.start_timer(kPoolFullMs, [this] {
    const auto fired = std::move(pool_timer_);
    pump();
  });
}

void StdinSource::has_read() {
  LOOP_ASSERT(context_.loop);
  is_reading_ = false;
  for (const Body& body : reading_->bodies) {
    if (closing_) {
      queue_.leave(batch_of(body));
    } else {
      queue_.push(batch_of(body));
    }
  }
  if (closed_) {
    context_.loop.post(std::move(closed_));
    return;
  }
  ended_ = reading_->ended;
  pump();
}

RawBatch StdinSource::batch_of(const Body& body) const {
  RawBatch batch;
  batch.body = body.lines.body;
  batch.format = body_format_;
  batch.decoder = reading_->opened->decoder;
  batch.records_begin = body.records_begin;
  batch.bad_event = BadEventPolicy::kDeadLetter;
  batch.position = static_cast<int64_t>(body.lines.begin);
  return batch;
}

// Everything that was read is acknowledged.
void StdinSource::end() {
  if (reading_->error) return context_.failed(*reading_->error);
  context_.finished();
}

void StdinSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  pool_timer_ = nullptr;
  reading_->input->interrupt();
}

void StdinSource::when_offered(Task offered) {
  LOOP_ASSERT(context_.loop);
  offered_ = std::move(offered);
  tell_offered();
}

void StdinSource::tell_offered() {
  if (!offered_ || is_reading_ || !queue_.empty()) return;
  Task offered = std::exchange(offered_, nullptr);
  offered();
}

void StdinSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  closing_ = true;
  offered_ = nullptr;
  queue_.stop();
  if (is_reading_) {
    closed_ = std::move(closed);
  } else {
    context_.loop.post(std::move(closed));
  }
}

}  // namespace colloquium::components
