#include "components/stream/stream_sink.h"

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/murmur2.h"
#include "base/part_name.h"
#include "json/view.h"
#include "json/walk.h"
#include "json/writer.h"

namespace colloquium::components {
namespace {

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  const auto& config = config_of<StreamSinkConfig>(parsed);
  const std::string who = context.pipeline + "/" + context.name;
  log::Log* const log = context.services.find<log::Log>();
  if (log == nullptr) {
    return fail(ErrorCode::kInvalidConfig,
                "stream '" + config.name + "' can't be filled: this process has no event log", who);
  }
  if (config.name == context.pipeline) {
    return fail(ErrorCode::kInvalidConfig, "a pipeline that fills its own stream would never end", who);
  }
  if (config.name.ends_with(".dead") || config.name.ends_with(".done")) {
    return fail(ErrorCode::kInvalidConfig,
                "'" + config.name + "' is a stream of dead letters, which hold envelopes", who);
  }
  return std::make_unique<StreamSink>(std::move(context), config, *log);
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "stream";
  d.summary = "Puts events into another stream of the same data directory.";
  d.description =
      "The stream may be another pipeline's, which then takes the events as if they had come in by a source of "
      "its, or "
      "one of its own name, for a `stream` source or `colloquium log cat`. Key, headers and time stay as they "
      "are.";
  d.input_trust = "Events are valid JSON by then.";
  d.guarantee = "Exactly once: the events and how far the sink has come are one commit.";
  d.delivery = Guarantee::kExactlyOnce;
  d.examples = {{"Into the stream of the pipeline `billing`", "stream: {name: billing}"}};
  bind_spec(
      d,
      ConfigSpec<StreamSinkConfig>()
          .field("name", &StreamSinkConfig::name,
                 {.description = "The stream; it is made if it is not there.",
                  .example = "billing",
                  .required = true,
                  .minimum = 1})
          .field("partitions", &StreamSinkConfig::partitions,
                 {.description = "How many partitions it gets if it is made here.", .minimum = 1, .maximum = 1024})
          .shorthand("name"));
  d.create_sink = create;
  d.repeats = [](const ParsedConfig& parsed, const std::string&) {
    return "puts each event into stream '" + config_of<StreamSinkConfig>(parsed).name + "' again";
  };
  return d;
}

}  // namespace

const Descriptor& stream_sink() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

// [[17,"too long"],…]
std::string encode_given_up(const std::vector<SinkProgress::GivenUp>& events) {
  if (events.empty()) return {};
  std::vector<char> bytes;
  json::Writer writer(bytes, nullptr);
  writer.begin_array();
  for (const SinkProgress::GivenUp& event : events) {
    writer.begin_array();
    writer.integer(event.offset);
    writer.string(event.error);
    writer.end_array();
  }
  writer.end_array();
  return {bytes.begin(), bytes.end()};
}

Result<std::vector<SinkProgress::GivenUp>> decode_given_up(const std::string& text) {
  std::vector<SinkProgress::GivenUp> events;
  if (text.empty()) return events;
  TRY_ASSIGN(const json::Document document, json::parse(text, "what a stream sink gave up"));
  const json::ValueView root(document.text.data(), document.tape.data(), 0);
  for (uint64_t i = 0; root.type() == TokenType::kArray && i < root.count(); ++i) {
    const auto pair = root.element(i);
    if (!pair || pair->type() != TokenType::kArray || pair->count() != 2) break;
    const auto offset = pair->element(0);
    const auto error = pair->element(1);
    std::string scratch;
    if (offset->type() != TokenType::kInteger || error->type() != TokenType::kString) break;
    events.push_back({offset->integer(), std::string(error->string(scratch))});
  }
  if (root.type() == TokenType::kArray && events.size() == root.count()) return events;
  return fail(ErrorCode::kCorrupt, "what a stream sink gave up is stored in an unknown form: " + text);
}

StreamSink::StreamSink(ComponentContext context, StreamSinkConfig config, log::Log& log)
    : context_(std::move(context)), config_(std::move(config)), log_(log) {}

StreamSink::~StreamSink() {
  ASSERT_WHY(writes_ == 0, "close() waits for the writes under way");
}

// Before any pipeline starts: a source may wait for the stream.
Status StreamSink::restore(const std::string& token) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(token.empty(), "a stream has no token");
  auto opened = log_.open_stream({.name = config_.name, .partitions = 0});
  if (!opened && opened.error().code == ErrorCode::kNotFound) {
    opened = log_.open_stream({.name = config_.name, .partitions = config_.partitions});
  }
  TRY_ASSIGN(stream_, std::move(opened));
  TRY_ASSIGN(const log::StreamInfo info, log_.stream_info(stream_));
  partitions_ = static_cast<int32_t>(info.partitions.size());
  return {};
}

void StreamSink::token(TokenDone) {
  ASSERT_WHY(false, "a stream has no token");
}

void StreamSink::recover(const std::string& leg, std::vector<std::string> partitions, ProgressDone done) {
  LOOP_ASSERT(context_.loop);
  leg_ = leg + "/@progress";
  std::vector<SinkProgress> known;
  if (const auto state = log_.leg_state(leg_)) {
    for (const auto& external : state->external) {
      if (!is_of_any(external.source, partitions)) continue;
      auto given_up = decode_given_up(external.cursor);
      if (!given_up) return done(fail(std::move(given_up).error()));
      given_up_[external.source] = *given_up;
      known.push_back({external.source, external.next_offset, std::move(*given_up)});
    }
  }
  done(std::move(known));
}

void StreamSink::gave_up(const std::string& partition, int64_t offset, const std::string& error) {
  given_up_[partition].push_back({offset, error});
}

void StreamSink::settled(const std::string& partition, int64_t offset) {
  const auto kept = given_up_.find(partition);
  if (kept == given_up_.end()) return;
  std::erase_if(kept->second, [offset](const auto& event) { return event.offset < offset; });
  if (kept->second.empty()) given_up_.erase(kept);
}

int32_t StreamSink::partition_for(const Batch& batch, size_t i) const {
  const auto key = batch.key(i);
  // As the door places events.
  if (key) return murmur2_partition(*key, partitions_);
  return std::max(0, batch.origin().partition) % partitions_;
}

bool StreamSink::add_output(const Batch& batch, const std::vector<size_t>& events, int32_t partition,
                            std::vector<log::Output>& outputs, Error& error) const {
  BatchBuilder builder;
  for (const size_t i : events) builder.keep(batch, i);
  auto encoded = log::encode(builder.seal(batch.shared_origin(), 0), log::Codec::kLz4, nullptr);
  if (!encoded) {
    error = encoded.error();
    return false;
  }
  outputs.push_back({.stream = stream_, .partition = partition, .batch = std::move(*encoded)});
  return true;
}

std::vector<log::Output> StreamSink::outputs_of(const Batch& batch, std::vector<EventOutcome>& outcomes) {
  std::map<int32_t, std::vector<size_t>> by_partition;
  for (size_t i = 0; i < batch.size(); ++i) by_partition[partition_for(batch, i)].push_back(i);
  std::vector<log::Output> outputs;
  Error error;
  for (const auto& [partition, events] : by_partition) {
    if (add_output(batch, events, partition, outputs, error)) continue;
    // What the log can't take as a batch it may take one by one; what it can't take at all is given up.
    for (const size_t i : events) {
      if (add_output(batch, {i}, partition, outputs, error)) continue;
      outcomes.resize(batch.size());
      outcomes[i] = {Outcome::kDeadLetter, error};
      given_up_[partition_id(batch.origin())].push_back({batch.offset(i), error.message});
    }
  }
  return outputs;
}

void StreamSink::write(std::shared_ptr<const Batch> batch, WriteDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT(!leg_.empty() && !batch->empty());
  std::vector<EventOutcome> outcomes;
  log::CommitRequest request;
  request.leg = leg_;
  request.outputs = outputs_of(*batch, outcomes);
  const std::string partition = partition_id(batch->origin());
  const auto given_up = given_up_.find(partition);
  request.positions.push_back(
      {.stream = 0,
       .partition = 0,
       .next_offset = batch->offset(batch->size() - 1) + 1,
       .external = partition,
       .cursor = given_up == given_up_.end() ? std::string() : encode_given_up(given_up->second)});
  ++writes_;
  auto shared = std::make_shared<WriteDone>(std::move(done));
  log_.commit(std::move(request), [this, batch, shared, outcomes = std::move(outcomes)](Status status) mutable {
    context_.loop.post(
        [this, batch, shared, outcomes = std::move(outcomes), status = std::move(status)]() mutable {
          committed(status, std::move(outcomes), batch->size(), *shared);
        });
  });
}

void StreamSink::committed(const Status& status, std::vector<EventOutcome> outcomes, size_t events,
                           WriteDone& done) {
  LOOP_ASSERT(context_.loop);
  ASSERT(writes_ > 0);
  --writes_;
  // Nothing of it is there. A log that can't go on ends the process by itself.
  if (!status) outcomes.assign(events, EventOutcome{Outcome::kRetry, status.error()});
  done(std::move(outcomes));
  if (writes_ == 0 && closed_) context_.loop.post(std::exchange(closed_, nullptr));
}

void StreamSink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  closed_ = std::move(closed);
  if (writes_ == 0) context_.loop.post(std::exchange(closed_, nullptr));
}

}  // namespace colloquium::components
