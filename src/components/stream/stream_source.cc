#include "components/stream/stream_source.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/door_queue.h"
#include "base/logging.h"

namespace colloquium {

template <>
struct ConfigEnum<components::StreamStart> {
  static constexpr std::pair<std::string_view, components::StreamStart> values[] = {
      {"beginning", components::StreamStart::kBeginning}, {"end", components::StreamStart::kEnd}};
};

namespace components {
namespace {

constexpr char kComponent[] = "stream";
constexpr int64_t kStoreMs = 1000;
constexpr int64_t kPoolFullMs = 10;
constexpr int64_t kReadRetryMs = 500;

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  const auto& config = config_of<StreamSourceConfig>(parsed);
  log::Log* const log = context.services.find<log::Log>();
  if (log == nullptr) {
    return fail(ErrorCode::kInvalidConfig,
                "stream '" + config.name + "' can't be read: this process has no event log",
                context.pipeline + "/" + context.name);
  }
  if (config.name == context.pipeline || config.name == context.pipeline + ".dead") {
    return fail(ErrorCode::kInvalidConfig,
                "a pipeline that reads its own stream, or its dead letters, would never end",
                context.pipeline + "/" + context.name);
  }
  return std::make_unique<StreamSource>(std::move(context), config, *log);
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "stream";
  d.summary = "Takes the events of another pipeline's stream.";
  d.description =
      "Reads a stream of the same data directory as its events come: the stream of a pipeline, its dead letters, "
      "or "
      "what a `stream` sink has filled. Key, headers and time stay as they are; the id is new. Retention of the "
      "other "
      "stream keeps what is not read yet.";
  d.input_trust = "What is in a stream was checked when it was accepted.";
  d.guarantee = "Exactly once: the offset in the other stream is stored with the events.";
  d.examples = {{"Every order once more, for another purpose", "stream: {name: orders}"},
                {"Only what comes from now on", "stream: {name: orders, from: end}"}};
  bind_spec(d, ConfigSpec<StreamSourceConfig>()
                   .field("name", &StreamSourceConfig::name,
                          {.description = "The stream. It must be there when the pipeline starts.",
                           .example = "orders",
                           .required = true,
                           .minimum = 1})
                   .field("from", &StreamSourceConfig::from, {.description = "Where to begin, the first time."})
                   .field("max_event", &StreamSourceConfig::max_event,
                          {.description = "Longer events go to the dead letters.",
                           .advanced = true,
                           .minimum = 1,
                           .maximum = 64 << 20})
                   .shorthand("name"));
  d.create_source = create;
  d.source_traits = [](const ParsedConfig& parsed) {
    return SourceTraits{.rereadable = true,
                        .finite = false,
                        .needs_log = true,
                        .max_event_bytes = config_of<StreamSourceConfig>(parsed).max_event.bytes};
  };
  return d;
}

}  // namespace

const Descriptor& stream_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

// One partition.
struct StreamSource::Lane {
  // The pool's while a read is under way.
  struct Reading {
    std::unique_ptr<log::Reader> reader;
    Result<std::shared_ptr<const Batch>> batch = std::shared_ptr<const Batch>();
  };
  int32_t partition = 0;
  Intake* intake = nullptr;
  std::shared_ptr<Reading> reading;
  std::unique_ptr<DoorQueue> queue;  // read and not taken by the door
  int64_t next = 0;                  // behind what was taken
  bool is_reading = false;
  bool woken = true;  // there may be more than the last read found
  std::unique_ptr<Timer> timer;
};

StreamSource::StreamSource(SourceContext context, StreamSourceConfig config, log::Log& log)
    : context_(std::move(context)),
      config_(std::move(config)),
      log_(log),
      first_commit_(log, context_.loop, context_.pipeline + "/" + context_.name) {}

StreamSource::~StreamSource() {
  for (const auto& lane : lanes_) ASSERT_WHY(!lane->is_reading, "close() waits for the reads under way");
}

Status StreamSource::start(std::string) {
  LOOP_ASSERT(context_.loop);
  const auto found = log_.open_stream({.name = config_.name, .partitions = 0});
  if (!found) {
    return fail(found.error().code,
                found.error().message + ": start the pipeline that fills it together with this one, or before it",
                context_.pipeline + "/" + context_.name);
  }
  stream_ = *found;
  TRY_ASSIGN(const log::StreamInfo info, log_.stream_info(stream_));
  for (size_t i = 0; i < info.partitions.size(); ++i) {
    TRY(start_lane(info.name + "." + info.tag, static_cast<int32_t>(i), info.partitions[i]));
  }
  auto wake = alive_.guard([this](int32_t partition) {
    Lane& lane = *lanes_[static_cast<size_t>(partition)];
    lane.woken = true;
    pump(lane);
  });
  log_.subscribe(stream_, [&loop = context_.loop, wake](int32_t partition) {
    loop.post([wake, partition]() mutable { wake(partition); });
  });
  // Before anything is read: retention has to know of it, and another start has to begin here, too.
  first_commit_.commit(positions(), [this](Status stored, const log::CommitRequest&) {
    if (!stored) return context_.failed(std::move(stored).error());
    for (const auto& lane : lanes_) pump(*lane);
  });
  return {};
}

std::string StreamSource::leg() const {
  return context_.pipeline + "/@stream/" + context_.name;
}

std::optional<int64_t> StreamSource::stored_position(int32_t partition) const {
  const auto state = log_.leg_state(leg());
  if (!state) return std::nullopt;
  for (const auto& position : state->positions) {
    if (position.stream == config_.name && position.partition == partition) return position.next_offset;
  }
  return std::nullopt;
}

Status StreamSource::start_lane(const std::string& tag, int32_t partition, const log::PartitionInfo& info) {
  auto lane = std::make_unique<Lane>();
  lane->partition = partition;
  // With the tag: a stream that is made anew under the same name is another one.
  lane->intake = &context_.intake.part(tag + "-" + std::to_string(partition));
  const std::string cursor = lane->intake->stored_cursor();
  if (cursor.empty()) {
    // The position in the journal is behind what was accepted, and at the beginning where it all began.
    const std::optional<int64_t> begun = stored_position(partition);
    lane->next = begun.value_or(config_.from == StreamStart::kEnd ? info.next_offset : info.oldest_offset);
  } else {
    const auto [after, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), lane->next);
    if (error != std::errc() || after != cursor.data() + cursor.size()) {
      return fail(ErrorCode::kCorrupt, "the position in '" + config_.name + "' is no offset: '" + cursor + "'");
    }
  }
  lane->reading = std::make_shared<Lane::Reading>();
  TRY_ASSIGN(lane->reading->reader, log_.read(stream_, partition, lane->next, false));
  lane->queue =
      std::make_unique<DoorQueue>(context_.loop, *lane->intake, DoorQueueOptions{kComponent, context_.name, "", 1},
                                  [this, &lane = *lane] { moved(lane); });
  lanes_.push_back(std::move(lane));
  return {};
}

void StreamSource::pump(Lane& lane) {
  if (stopped_ || lane.is_reading || lane.timer != nullptr) return;
  lane.queue->pump();
  if (lane.queue->empty() && lane.woken) read(lane);
}

void StreamSource::read(Lane& lane) {
  lane.woken = false;
  lane.is_reading = context_.loop.offload([reading = lane.reading] { reading->batch = reading->reader->next(); },
                                          [this, &lane] { has_read(lane); });
  if (lane.is_reading) return;
  lane.woken = true;
  lane.timer = context_.loop.start_timer(kPoolFullMs, [this, &lane] {
    const auto fired = std::move(lane.timer);
    pump(lane);
  });
}

void StreamSource::has_read(Lane& lane) {
  LOOP_ASSERT(context_.loop);
  lane.is_reading = false;
  if (closed_) return check_closed();
  if (stopped_) return;
  auto batch = std::exchange(lane.reading->batch, std::shared_ptr<const Batch>());
  if (!batch && batch.error().code == ErrorCode::kNotFound) {
    // Only where the other stream was told to drop what is unread.
    log_warning(kComponent, batch.error().message + "; it goes on there", {{"source", context_.name}});
    lane.reading->reader->seek(lane.next);
    lane.woken = true;
  } else if (!batch && batch.error().retryable) {
    return read_later(lane, batch.error());
  } else if (!batch) {
    return context_.failed(std::move(batch).error());
  } else if (*batch != nullptr) {
    reads_again_ = false;
    lane.woken = true;
    take(lane, **batch);
  }
  pump(lane);
}

void StreamSource::read_later(Lane& lane, const Error& error) {
  if (!std::exchange(reads_again_, true)) {
    log_warning(kComponent, "reading is tried again until it succeeds: " + error.describe(),
                {{"source", context_.name}});
  }
  lane.woken = true;
  lane.timer = context_.loop.start_timer(kReadRetryMs, [this, &lane] {
    const auto fired = std::move(lane.timer);
    pump(lane);
  });
}

void StreamSource::take(Lane& lane, const Batch& batch) {
  RawBatch run;  // of offsets without a gap: what one emit can bring
  const auto push = [&] {
    if (run.messages.empty()) return;
    run.bad_event = BadEventPolicy::kDeadLetter;
    run.cursor = std::to_string(run.position + static_cast<int64_t>(run.messages.size()));
    run.order_key = static_cast<uint64_t>(lane.partition);
    lane.queue->push(std::exchange(run, {}));
  };
  for (size_t i = 0; i < batch.size(); ++i) {
    const int64_t offset = batch.offset(i);
    const auto headers = batch.headers(i);
    // What was put back for one sink of that pipeline stands in the stream before.
    if (std::any_of(headers.begin(), headers.end(), [](const auto& h) { return h.first == log::kLegHeader; }))
      continue;
    if (run.position + static_cast<int64_t>(run.messages.size()) != offset) push();
    if (run.messages.empty()) run.position = offset;
    RawMessage& message = run.messages.emplace_back();
    message.tombstone = batch.is_tombstone(i);
    message.value = batch.value(i);
    if (const auto key = batch.key(i)) message.key = std::string(*key);
    for (const auto& [name, value] : headers) message.headers.emplace_back(name, value);
    message.timestamp_ms = batch.entry(i).timestamp_ms;
  }
  push();
}

void StreamSource::moved(Lane& lane) {
  note_progress(lane);
  if (moved_ && store_timer_ == nullptr) {
    store_timer_ = context_.loop.start_timer(kStoreMs, [this] {
      const auto fired = std::move(store_timer_);
      store_positions();
    });
  }
  pump(lane);
}

void StreamSource::note_progress(Lane& lane) {
  if (lane.queue->position() <= lane.next) return;
  lane.next = lane.queue->position();
  moved_ = true;
}

log::CommitRequest StreamSource::positions() {
  moved_ = false;
  log::CommitRequest request;
  request.leg = leg();
  for (const auto& lane : lanes_) {
    request.positions.push_back({.stream = stream_,
                                 .partition = lane->partition,
                                 .next_offset = lane->next,
                                 .external = {},
                                 .cursor = {}});
  }
  return request;
}

// Of no importance to exactly once, which goes by the cursors: a commit that fails leaves more in the other
// stream.
void StreamSource::store_positions() {
  log_.commit(positions(), [](const Status&) {});
}

void StreamSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  store_timer_.reset();
  for (const auto& lane : lanes_) {
    lane->timer.reset();
    lane->queue->stop();
  }
}

void StreamSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  for (const auto& lane : lanes_) note_progress(*lane);
  if (moved_) store_positions();
  closed_ = std::move(closed);
  check_closed();
}

void StreamSource::check_closed() {
  for (const auto& lane : lanes_) {
    if (lane->is_reading) return;
  }
  context_.loop.post(std::exchange(closed_, nullptr));
}

}  // namespace components
}  // namespace colloquium
