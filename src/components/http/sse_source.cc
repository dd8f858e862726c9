#include "components/http/sse_source.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/base64.h"
#include "base/full_jitter.h"
#include "base/logging.h"
#include "formats/json_text.h"
#include "json/walk.h"
#include "loop/uv_loop.h"
#include "metrics/source_drops.h"
#include "net/http_message.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "sse";
constexpr char kMediaType[] = "text/event-stream";
constexpr char kCursorHead[] = "sse 1 ";
// Waiting while a batch is at the door; beyond it the stream is not read.
constexpr uint64_t kWaitingBytesMax = uint64_t{1} << 20;

}  // namespace

std::string to_text(const SseCursor& cursor) {
  // An id may be any bytes.
  std::string text = kCursorHead + std::to_string(cursor.position) + " ";
  append_base64(cursor.id, text);
  return text;
}

Result<SseCursor> sse_cursor_of(const std::string& text) {
  const std::string_view head = kCursorHead;
  SseCursor cursor;
  if (text.starts_with(head)) {
    const char* const end = text.data() + text.size();
    const auto position = std::from_chars(text.data() + head.size(), end, cursor.position);
    if (position.ec == std::errc() && position.ptr != end && *position.ptr == ' ' && cursor.position >= 0) {
      const auto id = base64_decoded({position.ptr + 1, static_cast<size_t>(end - position.ptr - 1)});
      if (id) {
        cursor.id = *id;
        return cursor;
      }
    }
  }
  return fail(ErrorCode::kCorrupt, "the stored position is not one of an sse source: '" + text +
                                       "'; give the source another name, and it begins anew");
}

SseSource::SseSource(SourceContext context, const SseConfig& config, loop::UvLoop& loop)
    : context_(std::move(context)),
      config_(config),
      target_("GET " + net::shown_url(config.url)),
      client_(loop, context_.clock, config, context_.base_dir, 1),
      queue_(context_.loop, context_.intake, {kComponent, context_.name, "", 1, config.overflow.value()},
             [this] { pump(); }) {}

Status SseSource::start(std::string text) {
  LOOP_ASSERT(context_.loop);
  SseCursor cursor;
  if (!text.empty()) {
    TRY_ASSIGN(cursor, sse_cursor_of(text));
  }
  if (text.empty() || context_.from_start) cursor.id = config_.last_event_id;
  // A server may send something else than what was accepted behind the cursor.
  position_ = std::max(cursor.position, context_.intake.free_position());
  if (config_.format) {
    TRY_ASSIGN(formats::OpenedRecords records, config_.format->format->open({}));
    decoder_ = std::move(records.decoder);
  }
  // One byte more than the door takes of an event: what was cut is refused there.
  parser_.emplace(static_cast<size_t>(config_.max_event.bytes) + 1, cursor.id);
  drops_ = metrics::register_drops(context_, "sse_source", queue_);
  connect_timer_ = context_.loop.start_timer(0, [this] { connect(); });
  return {};
}

net::ClientRequest SseSource::request() const {
  net::ClientRequest request;
  request.url = config_.url;
  request.timeout_ms = config_.timeout.ms;
  request.headers = {{"Accept", kMediaType}, {"Cache-Control", "no-store"}};
  for (const auto& header : config_.headers) request.headers.push_back(header);
  if (!parser_->last_id().empty()) request.headers.emplace_back("Last-Event-ID", parser_->last_id());
  return request;
}

void SseSource::connect() {
  const auto fired = std::move(connect_timer_);
  if (stopped_) return;
  ASSERT(stream_ == 0);
  parser_->begin();
  refusal_.clear();
  retry_after_ms_ = 0;
  resting_ = false;
  net::ClientStream stream;
  stream.silence_ms = config_.silence.ms;
  stream.begun = alive_.guard([this](const net::ClientResponse& head) { begun(head); });
  stream.bytes = alive_.guard([this](std::string_view bytes) {
    if (stopped_ || !refusal_.empty()) return;
    parser_->feed(bytes, [this](const net::StreamedEvent& event) { push(event); });
    pump();
  });
  stream.done = alive_.guard([this](Result<net::ClientResponse> end) { ended(std::move(end)); });
  stream_ = client_.send_streaming(request(), std::move(stream));
}

void SseSource::begun(const net::ClientResponse& head) {
  const std::string_view type = net::media_type(head.find("content-type").value_or(""));
  retry_after_ms_ = head.retry_after_ms.value_or(0);
  if (head.status == 204) {
    // The standard's way of saying that there is nothing to come; it may change its mind.
    refusal_ = target_ + " answered 204: the server has nothing to send and wants nobody to connect";
    retry_after_ms_ = std::max(retry_after_ms_, config_.reconnect.max.ms);
  } else if (head.status != 200) {
    refusal_ = target_ + " answered " + std::to_string(head.status);
  } else if (!net::equals_ignoring_case(type, kMediaType)) {
    refusal_ = target_ + " is no event stream: its Content-Type is '" + std::string(type.substr(0, 80)) + "'";
  }
  if (!refusal_.empty()) return client_.cancel(stream_);
  failures_ = 0;
  if (std::exchange(told_, false)) log_info(kComponent, "the stream is there again", {{"source", context_.name}});
}

void SseSource::ended(Result<net::ClientResponse> end) {
  LOOP_ASSERT(context_.loop);
  stream_ = 0;
  if (stopped_) return;
  const bool was_there = end.has_value() && refusal_.empty();
  std::string why = refusal_;
  if (why.empty() && !end) why = end.error().message;
  // That a server ends a stream is nothing unusual.
  if (!was_there && !std::exchange(told_, true)) {
    log_warning(kComponent, "no stream; connecting again until there is one: " + why, {{"source", context_.name}});
  }
  connect_later(retry_after_ms_);
}

void SseSource::connect_later(int64_t retry_after_ms) {
  const int64_t first_ms = config_.reconnect.initial.ms;
  const int64_t jitter_ms =
      full_jitter_ms(first_ms, std::max(first_ms, config_.reconnect.max.ms), ++failures_, context_.random);
  // On top of what the stream has said, or all whom it said that to would come together.
  const int64_t wait_ms = parser_->retry_ms().value_or(0) + jitter_ms;
  connect_timer_ = context_.loop.start_timer(std::max(wait_ms, retry_after_ms), [this] { connect(); });
}

// {"event":…,"id":…,"data":…}. What is no JSON, or was cut, is left to the door as it is, which refuses it.
std::string SseSource::message_of(const net::StreamedEvent& event) const {
  const bool is_text = config_.format && config_.format->name != "json";
  if (event.truncated || (!is_text && !json::parse(event.data, "data"))) return std::string(event.data);
  formats::JsonText& text = formats::JsonText::local();
  text.clear();
  text.add("{\"event\":");
  text.add_string(event.type);
  text.add(",\"id\":");
  text.add_string(event.id);
  text.add(",\"data\":");
  if (is_text) {
    text.add_string(event.data);
  } else {
    text.add(event.data);
  }
  text.add("}");
  return std::string(text.view());
}

void SseSource::push(const net::StreamedEvent& event) {
  RawBatch batch;
  RawMessage& message = batch.messages.emplace_back();
  message.value = config_.value == SseValue::kMessage ? message_of(event) : std::string(event.data);
  message.headers.emplace_back("sse_event", event.type);
  if (!event.id.empty()) message.headers.emplace_back("sse_id", event.id);
  batch.decoder = config_.value == SseValue::kData ? decoder_ : nullptr;
  batch.bad_event = BadEventPolicy::kDeadLetter;
  batch.position = position_++;
  batch.cursor = to_text({position_, std::string(event.id)});
  queue_.push_message(std::move(batch));
}

void SseSource::pump() {
  if (stopped_) return;
  queue_.pump();
  const bool full = !queue_.drops() && queue_.waiting_bytes() >= kWaitingBytesMax;
  if (stream_ == 0 || full == resting_) return;
  resting_ = full;
  if (full) return client_.pause(stream_);
  client_.resume(stream_);
}

void SseSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  connect_timer_ = nullptr;
  queue_.stop();
  if (stream_ != 0) client_.cancel(stream_);
}

void SseSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  context_.loop.post(std::move(closed));
}

}  // namespace colloquium::components
