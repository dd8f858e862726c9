#include "components/http/http_client_source.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/full_jitter.h"
#include "base/logging.h"
#include "components/http/http_sink_config.h"
#include "loop/uv_loop.h"
#include "net/http_message.h"
#include "net/url.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "http_client";
constexpr int64_t kRetryMs = 1000;
constexpr int64_t kMostRetryMs = 60'000;
constexpr int64_t kNsPerMs = 1'000'000;
// A page that fails so often in a row may have run out; the poll begins again with the first one.
constexpr int64_t kPageFailures = 5;
// From here on opening a document takes longer than handing it over.
constexpr size_t kOffloadBytes = 64 * 1024;
constexpr size_t kAnswerBytesShown = 200;

}  // namespace

HttpClientSource::HttpClientSource(SourceContext context, const HttpClientConfig& config, loop::UvLoop& loop)
    : context_(std::move(context)),
      config_(config),
      target_(name_of(config.method) + " " + net::shown_url(config.url)),
      client_(loop, context_.clock, config, context_.base_dir, 1),
      queue_(context_.loop, context_.intake, {kComponent, context_.name, "", 1}, [this] { moved(); }) {
  if (config_.rate) bucket_.emplace(config_.rate->requests, config_.rate->per.ms);
}

Status HttpClientSource::start(std::string cursor) {
  LOOP_ASSERT(context_.loop);
  if (!cursor.empty()) {
    TRY_ASSIGN(cursor_, poll_cursor_of(cursor));
  }
  // The server may say something else than what was accepted behind the cursor.
  cursor_.position = std::max(cursor_.position, context_.intake.free_position());
  const std::string url = digest_of(config_.url);
  // What is known of another document says nothing of this one.
  if (context_.from_start || cursor_.url != url) cursor_.etag = cursor_.last_modified = "";
  cursor_.url = url;
  tick_later(0);
  return {};
}

void HttpClientSource::start_timer(int64_t delay_ms, void (HttpClientSource::*then)()) {
  ASSERT_WHY(timer_ == nullptr, "one thing at a time");
  timer_ = context_.loop.start_timer(delay_ms, [this, then] {
    const auto fired = std::move(timer_);
    (this->*then)();
  });
}

void HttpClientSource::tick_later(int64_t delay_ms) {
  start_timer(delay_ms, &HttpClientSource::begin_poll);
}

void HttpClientSource::begin_poll() {
  due_ns_ = context_.clock.monotonic_ns();
  poll_ = Poll{.url = config_.url, .page = 0, .etag = {}, .last_modified = {}, .failures = poll_.failures};
  ask();
}

void HttpClientSource::ask_later(int64_t delay_ms) {
  start_timer(delay_ms, &HttpClientSource::ask);
}

void HttpClientSource::ask() {
  ASSERT(request_ == 0 && document_ == nullptr);
  if (stopped_) return;
  const int64_t now_ns = context_.clock.monotonic_ns();
  if (bucket_ && !bucket_->take(now_ns)) {
    return ask_later(std::max<int64_t>(1, (bucket_->wait_ns(now_ns) + kNsPerMs - 1) / kNsPerMs));
  }
  request_ = client_.send(request(), alive_.guard([this](Result<net::ClientResponse> answer) {
    request_ = 0;
    if (!stopped_) answered(std::move(answer));
  }));
}

net::ClientRequest HttpClientSource::request() const {
  net::ClientRequest request;
  request.method = name_of(config_.method);
  request.url = poll_.url;
  request.timeout_ms = config_.timeout.ms;
  request.response_bytes_max = static_cast<size_t>(config_.max_body.bytes);
  request.decompress = true;
  for (const auto& header : config_.headers) request.headers.push_back(header);
  if (config_.method == PollMethod::kPost) request.body = std::make_shared<const std::string>(config_.body);
  if (poll_.page > 0) return request;
  if (!cursor_.etag.empty()) request.headers.emplace_back("If-None-Match", cursor_.etag);
  if (!cursor_.last_modified.empty()) request.headers.emplace_back("If-Modified-Since", cursor_.last_modified);
  return request;
}

void HttpClientSource::answered(Result<net::ClientResponse> answer) {
  LOOP_ASSERT(context_.loop);
  if (!answer) return failed(answer.error().message, 0);
  const int status = answer->status;
  if (status != 200 && status != 204 && status != 304) {
    std::string why = target_ + " answered " + std::to_string(status);
    if (!answer->body.empty()) why += ": " + answer->body.substr(0, kAnswerBytesShown);
    return failed(why, answer->retry_after_ms.value_or(0));
  }
  poll_.failures = 0;
  if (std::exchange(told_, false)) log_info(kComponent, "polls succeed again", {{"source", context_.name}});
  if (status != 200 || answer->body.empty()) return end_poll();
  take(std::move(*answer));
}

// Asked again, later each time, but no later than the next poll would come.
void HttpClientSource::failed(const std::string& why, int64_t retry_after_ms) {
  if (!std::exchange(told_, true)) {
    log_warning(kComponent, "a poll has failed and is tried again until it succeeds: " + why,
                {{"source", context_.name}});
  }
  ++poll_.failures;
  const int64_t most_ms = std::min(kMostRetryMs, std::max(kRetryMs, config_.every.ms));
  const int64_t wait_ms = full_jitter_ms(kRetryMs, most_ms, poll_.failures, context_.random);
  const int64_t delay_ms = std::max(wait_ms, retry_after_ms);
  if (poll_.page > 0 && poll_.failures % kPageFailures == 0) return tick_later(delay_ms);
  ask_later(delay_ms);
}

void HttpClientSource::take(net::ClientResponse answer) {
  if (poll_.page == 0) {
    poll_.etag = answer.find("etag").value_or("");
    poll_.last_modified = answer.find("last-modified").value_or("");
  }
  next_.clear();
  if (config_.next && config_.next->link) {
    for (const auto& [name, value] : answer.headers) {
      if (next_.empty() && net::equals_ignoring_case(name, "link")) next_ = net::link_target(value, "next");
    }
  }
  const auto body = std::make_shared<const std::string>(std::move(answer.body));
  const std::string pointer = config_.next ? config_.next->pointer : std::string();
  if (body->size() >= kOffloadBytes && !(config_.split.pointer.empty() && pointer.empty())) {
    const auto result = std::make_shared<Result<PolledDocument>>();
    const bool taken = context_.loop.offload(
        [result, body, split = config_.split, pointer] { *result = open_document(body, split, pointer); },
        alive_.guard([this, result] {
          if (!stopped_) opened(std::move(*result));
        }));
    if (taken) return;
  }
  opened(open_document(body, config_.split, pointer));
}

void HttpClientSource::opened(Result<PolledDocument> document) {
  LOOP_ASSERT(context_.loop);
  if (!document) return bad_document(document.error().message);
  document_ = std::move(document->events);
  if (next_.empty()) next_ = std::move(document->next);
  next_ = next_.empty() ? next_ : next_url(next_);
  auto made = batch();
  if (!made) return bad_document(made.error().message);
  queue_.push(std::move(*made));
  queue_.pump();
  moved();
}

// Somebody has to look at it; the next one may be good.
void HttpClientSource::bad_document(const std::string& why) {
  log_warning(kComponent, "an answer of " + target_ + " is left out: " + why, {{"source", context_.name}});
  document_ = nullptr;
  end_poll();
}

// Whoever writes the answers shall not send our credentials elsewhere.
std::string HttpClientSource::next_url(const std::string& reference) const {
  const auto url = net::resolve_url(poll_.url, reference);
  std::string why;
  if (!url) {
    why = url.error().message;
  } else if (!net::same_server(*url, config_.url)) {
    why = "it is on another server, " + net::shown_url(*url);
  } else if (*url == poll_.url) {
    why = "it is the same page";
  } else if (poll_.page + 1 >= config_.max_pages) {
    why = "max_pages is reached";
  } else {
    return *url;
  }
  log_warning(kComponent, "the next page is not asked for: " + why,
              {{"source", context_.name}, {"page", poll_.page + 1}});
  return {};
}

Result<RawBatch> HttpClientSource::batch() const {
  RawBatch batch;
  batch.body = document_;
  batch.format = config_.split.on ? BodyFormat::kJsonArray : BodyFormat::kJson;
  if (config_.format) {
    const formats::SourceFormat& format = *config_.format->format;
    TRY_ASSIGN(formats::OpenedRecords records, format.open(*document_));
    batch.decoder = std::move(records.decoder);
    batch.records_begin = records.begin;
    if (!config_.split.on) batch.format = format.body_format();
  }
  batch.bad_event = BadEventPolicy::kDeadLetter;
  batch.position = cursor_.position;
  PollCursor behind = cursor_;
  behind.position += static_cast<int64_t>(document_->size()) + 1;
  if (next_.empty()) {
    behind.etag = poll_.etag;
    behind.last_modified = poll_.last_modified;
  }
  batch.cursor = to_text(behind);
  return batch;
}

void HttpClientSource::moved() {
  if (document_ == nullptr || !queue_.empty()) return;
  cursor_.position += static_cast<int64_t>(document_->size()) + 1;
  document_ = nullptr;
  if (next_.empty()) {
    cursor_.etag = poll_.etag;
    cursor_.last_modified = poll_.last_modified;
    return end_poll();
  }
  poll_.url = std::exchange(next_, {});
  ++poll_.page;
  ask();
}

void HttpClientSource::end_poll() {
  const int64_t gone_ms = (context_.clock.monotonic_ns() - due_ns_) / kNsPerMs;
  tick_later(std::max<int64_t>(1, config_.every.ms - gone_ms));
}

void HttpClientSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  timer_ = nullptr;
  queue_.stop();
  if (request_ != 0) client_.cancel(request_);
}

void HttpClientSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  context_.loop.post(std::move(closed));
}

}  // namespace colloquium::components
