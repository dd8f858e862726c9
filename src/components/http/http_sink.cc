#include "components/http/http_sink.h"

#include <algorithm>
#include <array>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "components/http/config_checks.h"
#include "loop/uv_loop.h"
#include "net/http_message.h"

namespace colloquium {

template <>
struct ConfigEnum<components::HttpSinkMethod> {
  static constexpr std::pair<std::string_view, components::HttpSinkMethod> values[] = {
      {"POST", components::HttpSinkMethod::kPost},
      {"PUT", components::HttpSinkMethod::kPut},
      {"PATCH", components::HttpSinkMethod::kPatch}};
};

template <>
struct ConfigEnum<components::HttpSinkOrder> {
  static constexpr std::pair<std::string_view, components::HttpSinkOrder> values[] = {
      {"partition", components::HttpSinkOrder::kPartition}, {"none", components::HttpSinkOrder::kNone}};
};

namespace components {
namespace {

constexpr char kIdempotencyKey[] = "Idempotency-Key";
// How much of a receiver's answer is read, and how much of that goes into a dead letter.
constexpr size_t kAnswerBytesMax = 4096;
constexpr size_t kAnswerBytesShown = 256;
// These the client sets from the request itself; another value would break its framing.
constexpr std::array<std::string_view, 5> kReservedHeaders = {"Content-Length", "Transfer-Encoding", "Connection",
                                                              "Host", kIdempotencyKey};

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  auto* loop = context.services.find<loop::UvLoop>();
  if (loop == nullptr) {
    return fail(ErrorCode::kInternal, "an http sink needs the process's event loop",
                context.pipeline + "/" + context.name);
  }
  return std::make_unique<HttpSink>(std::move(context), config_of<HttpSinkConfig>(parsed), *loop);
}

bool is_http_url(std::string_view url) {
  const size_t host = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  return host != 0 && url.size() > host && url[host] != '/' && url.find_first_of(" \t\r\n") == url.npos;
}

void check_config(const HttpSinkConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  if (!config.url.empty() && !is_http_url(config.url)) {
    add_problem(node, "url", "url is a whole address, such as https://example.org/in", problems);
  }
  for (const auto& [name, value] : config.headers) {
    const auto is_name = [&name = name](std::string_view other) { return net::equals_ignoring_case(name, other); };
    if (std::any_of(kReservedHeaders.begin(), kReservedHeaders.end(), is_name)) {
      add_problem(node, "headers", name + " is set for every event and cannot be given", problems);
    } else if (!is_header_name(name) || !is_header_value(value)) {
      add_problem(node, "headers", "'" + name + "' and its value are no header", problems);
    }
  }
}

ConfigSpec<HttpSinkConfig> spec() {
  return ConfigSpec<HttpSinkConfig>()
      .field("url", &HttpSinkConfig::url, {.description = "Where each event is sent.", .required = true})
      .field("method", &HttpSinkConfig::method, {.description = "How it is sent."})
      .field("headers", &HttpSinkConfig::headers,
             {.description = "Further headers of every request.", .secret = true})
      .field("timeout", &HttpSinkConfig::timeout,
             {.description = "For one request, until the end of its answer.", .minimum = 1, .maximum = 3'600'000})
      .field("connect_timeout", &HttpSinkConfig::connect_timeout,
             {.description = "For the connection to the receiver.",
              .advanced = true,
              .minimum = 1,
              .maximum = 600'000})
      .field("order", &HttpSinkConfig::order,
             {.description = "`partition`: an event is sent when the one before it in its partition has ended. "
                             "`none`: several at once, in any order."})
      .field("concurrency", &HttpSinkConfig::concurrency,
             {.description = "Connections to the receiver, and with `order: none` requests under way per write.",
              .minimum = 1,
              .maximum = 1000})
      .field("proxy", &HttpSinkConfig::proxy,
             {.description = "URL of a proxy to go through. The environment's proxy variables are not read.",
              .advanced = true});
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "http";
  d.summary = "Sends each event to a URL, one request per event.";
  d.description =
      "The body is the event's bytes as application/json, and Idempotency-Key is its stable id. 2xx is done. "
      "408, 425, 429, 5xx, a failed connection and no answer in time are tried again, after Retry-After where one "
      "is given: for as long as it takes, but for 500 and 501, which may be about the event and count as one of "
      "its `attempts`. Any other answer, redirects included, makes the event a dead letter with the status and the "
      "beginning of the answer. A tombstone is not sent.";
  d.input_trust =
      "The receiver's answers are untrusted: no redirect is followed, and no more than 4 KiB of one is read.";
  d.guarantee = "At least once; effectively once if the receiver ignores an Idempotency-Key it has seen.";
  d.delivery = Guarantee::kAtLeastOnce;
  d.examples = {{"Post every event", "http: {url: \"https://example.org/in\"}"},
                {"With a token, several at once",
                 "http: {url: \"https://example.org/in\", method: PUT, order: none, headers: {X-Token: \"t\"}}"}};
  bind_spec(d, spec());
  d.parse = [read = d.parse](const ConfigNode& node, ConfigProblems& problems) {
    ParsedConfig parsed = read(node, problems);
    check_config(config_of<HttpSinkConfig>(parsed), node, problems);
    return parsed;
  };
  d.create_sink = create;
  d.repeats = [](const ParsedConfig&, const std::string&) -> std::string {
    return "sends each request again, with the Idempotency-Key it had: a receiver that does not look at that takes "
           "every event twice";
  };
  return d;
}

std::string method_name(HttpSinkMethod method) {
  for (const auto& [name, value] : ConfigEnum<HttpSinkMethod>::values) {
    if (value == method) return std::string(name);
  }
  return "POST";
}

bool is_worth_retrying(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

// 500 and 501 are also what a receiver answers when it chokes on one event. Every other answer worth a retry
// speaks of the receiver or of what stands before it (RFC 9110 15.6), and another event would fare no better.
bool may_be_the_event(int status) {
  return status == 500 || status == 501;
}

EventOutcome outcome_of(const std::string& what, const Result<net::ClientResponse>& answer) {
  if (!answer) {
    const bool again = answer.error().retryable;
    return {again ? Outcome::kRetry : Outcome::kDeadLetter, answer.error(), 0};
  }
  const int status = answer->status;
  if (status >= 200 && status < 300) return {};
  std::string message = what + " answered " + std::to_string(status);
  if (!answer->body.empty()) message += ": " + answer->body.substr(0, kAnswerBytesShown);
  if (is_worth_retrying(status)) {
    return {Outcome::kRetry,
            {ErrorCode::kUnavailable, std::move(message), true, {}},
            answer->retry_after_ms.value_or(0),
            may_be_the_event(status)};
  }
  return {Outcome::kDeadLetter, {ErrorCode::kInvalidInput, std::move(message), false, {}}, 0};
}

}  // namespace

const Descriptor& http_sink() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

HttpSink::HttpSink(ComponentContext context, const HttpSinkConfig& config, loop::UvLoop& loop)
    : context_(std::move(context)),
      config_(config),
      method_(method_name(config.method)),
      target_(method_ + " " + net::shown_url(config.url)),
      client_(loop, context_.clock,
              {.connections_per_host = static_cast<size_t>(config.concurrency),
               .connections = static_cast<size_t>(config.concurrency),
               .proxy = config.proxy}) {}

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
  ++jobs_;
  pump(job);
}

// Sends what may be sent now, and ends the job when nothing is left.
void HttpSink::pump(const JobPtr& job) {
  const size_t most = config_.order == HttpSinkOrder::kNone ? static_cast<size_t>(config_.concurrency) : 1;
  while (job->next < job->batch->size() && job->under_way < most) {
    const size_t event = job->next++;
    if (job->held_back) {
      Error error{ErrorCode::kUnavailable, "not sent: an event before it has to be sent again", true, {}};
      job->outcomes[event] = {Outcome::kRetry, std::move(error), 0};
    } else if (job->batch->is_tombstone(event)) {
      job->outcomes[event].outcome = Outcome::kDrop;
    } else {
      send(job, event);
    }
  }
  if (job->under_way == 0) finish(job);
}

net::ClientRequest HttpSink::request_for(const Batch& batch, size_t event) const {
  net::ClientRequest request;
  request.method = method_;
  request.url = config_.url;
  request.connect_timeout_ms = config_.connect_timeout.ms;
  request.timeout_ms = config_.timeout.ms;
  request.response_bytes_max = kAnswerBytesMax;
  request.truncate_response = true;
  request.body = std::make_shared<const std::string>(batch.value(event));
  request.headers.emplace_back(kIdempotencyKey, batch.id(event));
  bool typed = false;
  for (const auto& [name, value] : config_.headers) {
    typed = typed || net::equals_ignoring_case(name, "content-type");
    request.headers.emplace_back(name, value);
  }
  if (!typed) request.headers.emplace_back("Content-Type", "application/json");
  return request;
}

void HttpSink::send(const JobPtr& job, size_t event) {
  ++job->under_way;
  const auto number = std::make_shared<uint64_t>(0);
  *number = client_.send(request_for(*job->batch, event),
                         [this, job, event, number](Result<net::ClientResponse> answer) {
                           requests_.erase(*number);
                           ended(job, event, std::move(answer));
                         });
  requests_.insert(*number);
}

void HttpSink::ended(const JobPtr& job, size_t event, Result<net::ClientResponse> answer) {
  LOOP_ASSERT(context_.loop);
  ASSERT(job->under_way > 0);
  --job->under_way;
  EventOutcome& outcome = job->outcomes[event];
  outcome = outcome_of(target_, answer);
  const bool in_order = config_.order == HttpSinkOrder::kPartition;
  if (closing_ || (in_order && outcome.outcome == Outcome::kRetry)) job->held_back = true;
  pump(job);
}

void HttpSink::finish(const JobPtr& job) {
  ASSERT(jobs_ > 0 && job->next == job->batch->size());
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
  for (const uint64_t request : std::exchange(requests_, {})) client_.cancel(request);
}

}  // namespace components
}  // namespace colloquium
