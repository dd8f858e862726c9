#include "components/http/http_sink.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "loop/uv_loop.h"

namespace colloquium::components {
namespace {

// From here on compressing takes longer than handing it over.
constexpr size_t kOffloadBytes = 64 * 1024;

io::Compression codec_of(HttpBodyCompression compression) {
  return compression == HttpBodyCompression::kGzip ? io::Compression::kGzip : io::Compression::kZstd;
}

// Replaces the body. A body that can't be compressed goes as it is: that is never wrong.
void compress(io::Compressor& compressor, HttpBodyCompression compression, net::ClientRequest& request) {
  std::string out;
  if (!compressor.compress(codec_of(compression), *request.body, out)) return;
  request.body = std::make_shared<const std::string>(std::move(out));
  request.headers.emplace_back("Content-Encoding", name_of(compression));
}

}  // namespace

Result<std::unique_ptr<Sink>> HttpSink::create(ComponentContext context, const HttpSinkConfig& config,
                                               loop::UvLoop& loop) {
  const auto variables = context.script_variables;
  std::unique_ptr<HttpSink> sink(new HttpSink(std::move(context), config, loop));
  TRY_ASSIGN(sink->requests_, SinkRequests::create(sink->config_, variables));
  return sink;
}

HttpSink::HttpSink(ComponentContext context, const HttpSinkConfig& config, loop::UvLoop& loop)
    : context_(std::move(context)),
      config_(config),
      method_(name_of(config.method)),
      client_(loop, context_.clock, config, context_.base_dir, static_cast<size_t>(config.concurrency)),
      rules_(config.status, client_.logs_in()) {}

HttpSink::~HttpSink() {
  ASSERT_WHY(jobs_ == 0, "close() waits for the writes under way");
}

Status HttpSink::restore(const std::string& token) {
  ASSERT_WHY(token.empty(), "an http sink has no token");
  return {};
}

void HttpSink::token(TokenDone) {
  ASSERT_WHY(false, "an http sink has no token");
}

void HttpSink::write(std::shared_ptr<const Batch> batch, WriteDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "no write after close");
  auto job = std::make_shared<Job>();
  job->outcomes.resize(batch->size());
  job->batch = std::move(batch);
  job->done = std::move(done);
  if (config_.batch) job->most = static_cast<size_t>(config_.batch->events);
  ++jobs_;
  pump(job);
}

// Sends what may be sent now, and ends the job when nothing is left.
void HttpSink::pump(const JobPtr& job) {
  const size_t most = config_.order == HttpSinkOrder::kNone ? static_cast<size_t>(config_.concurrency) : 1;
  if (job->held_back) hold_back(*job);
  while (job->under_way < most && send_next(job)) continue;
  if (job->under_way == 0) finish(job);
}

bool HttpSink::send_next(const JobPtr& job) {
  if (!job->parts.empty()) {
    Events events = std::move(job->parts.front());
    job->parts.pop_front();
    net::ClientRequest request = requests_->part(*job->batch, events);
    compress_and_send(job, std::move(events), std::move(request));
    return true;
  }
  Events events;
  auto request = requests_->cut(*job->batch, job->next, job->most, events, job->outcomes);
  if (!request) return false;
  compress_and_send(job, std::move(events), std::move(*request));
  return true;
}

// What was not sent yet is for another time.
void HttpSink::hold_back(Job& job) {
  const Error error{ErrorCode::kUnavailable, "not sent: an event before it has to be sent again", true, {}};
  for (const Events& events : std::exchange(job.parts, {})) {
    for (const uint32_t event : events) job.outcomes[event] = {Outcome::kRetry, error, 0};
  }
  for (; job.next < job.batch->size(); ++job.next) job.outcomes[job.next] = {Outcome::kRetry, error, 0};
}

void HttpSink::compress_and_send(const JobPtr& job, Events events, net::ClientRequest request) {
  ++job->under_way;
  if (config_.compression == HttpBodyCompression::kNone) {
    return send(job, std::move(events), std::move(request));
  }
  if (request.body->size() >= kOffloadBytes) {
    const auto shared = std::make_shared<net::ClientRequest>(std::move(request));
    const auto work = [shared, compression = config_.compression] {
      io::Compressor compressor;
      compress(compressor, compression, *shared);
    };
    const bool taken =
        context_.loop.offload(work, [this, job, events, shared] { send(job, events, std::move(*shared)); });
    if (taken) return;
    request = std::move(*shared);
  }
  compress(compressor_, config_.compression, request);
  send(job, std::move(events), std::move(request));
}

void HttpSink::send(const JobPtr& job, Events events, net::ClientRequest request) {
  std::string url = request.url;
  if (closing_) {
    Error error{ErrorCode::kCancelled, "not sent: the pipeline is stopping", true, {}};
    return ended(job, events, url, fail(std::move(error)));
  }
  const auto number = std::make_shared<uint64_t>(0);
  *number = client_.send(std::move(request), [this, job, events = std::move(events), url = std::move(url),
                                              number](Result<net::ClientResponse> answer) {
    under_way_.erase(*number);
    ended(job, events, url, answer);
  });
  under_way_.insert(*number);
}

void HttpSink::ended(const JobPtr& job, const Events& events, const std::string& url,
                     const Result<net::ClientResponse>& answer) {
  LOOP_ASSERT(context_.loop);
  ASSERT(job->under_way > 0 && !events.empty());
  --job->under_way;
  if (answer && events.size() > 1 && rules_.verdict(answer->status) == Verdict::kSplit) {
    split(*job, events);
  } else {
    const EventOutcome outcome = rules_.outcome(method_ + " " + net::shown_url(url), answer);
    for (const uint32_t event : events) job->outcomes[event] = outcome;
    const bool in_order = config_.order == HttpSinkOrder::kPartition;
    if (in_order && outcome.outcome == Outcome::kRetry) job->held_back = true;
  }
  if (closing_) job->held_back = true;
  pump(job);
}

// As two requests, and what follows in this write in requests no larger: the receiver has said what it takes.
void HttpSink::split(Job& job, const Events& events) {
  const auto middle = events.begin() + static_cast<ptrdiff_t>((events.size() + 1) / 2);
  job.parts.emplace_front(middle, events.end());
  job.parts.emplace_front(events.begin(), middle);
  job.most = std::min(job.most, job.parts.front().size());
}

void HttpSink::finish(const JobPtr& job) {
  ASSERT(jobs_ > 0 && job->next == job->batch->size() && job->parts.empty());
  const bool all_ok = std::all_of(job->outcomes.begin(), job->outcomes.end(),
                                  [](const EventOutcome& o) { return o.outcome == Outcome::kOk; });
  if (all_ok) job->outcomes.clear();
  --jobs_;
  job->done(std::move(job->outcomes));
  if (closing_ && jobs_ == 0 && closed_) context_.loop.post(std::move(closed_));
}

void HttpSink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "close once");
  closing_ = true;
  if (jobs_ == 0) {
    context_.loop.post(std::move(closed));
    return;
  }
  closed_ = std::move(closed);
  // Each ends with kCancelled, which is retryable.
  for (const uint64_t request : std::exchange(under_way_, {})) client_.cancel(request);
}

}  // namespace colloquium::components
