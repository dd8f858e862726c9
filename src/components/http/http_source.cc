#include "components/http/http_source.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "components/http/http_source_metrics.h"
#include "net/http_server.h"

namespace colloquium::components {
namespace {

constexpr int64_t kRetryAfterMs = 1000;
// Room for the answer to what went to one partition.
constexpr size_t kAnswerBytes = 96;
// How much of a content type that is not taken is quoted.
constexpr size_t kQuotedTypeBytes = 100;
constexpr std::array<std::string_view, 3> kNdjsonTypes = {"application/x-ndjson", "application/ndjson",
                                                          "application/jsonlines"};

// Nearly always the first try with `curl -d`, which calls every body a form; so it says what to type.
net::Problem unknown_type(const net::RequestHead& head) {
  const std::string_view type = net::media_type(head.find("content-type").value_or(""));
  std::string detail = "a body is application/json, or application/x-ndjson with an event per line; got '";
  detail.append(type.substr(0, kQuotedTypeBytes)).append("'; add -H 'Content-Type: application/json'");
  return net::Problem{.status = 415, .detail = std::move(detail)}.header("Accept",
                                                                         "application/json, application/x-ndjson");
}

net::Problem unavailable(std::string detail, int64_t retry_after_ms = kRetryAfterMs) {
  return net::Problem{.status = 503, .detail = std::move(detail)}.retry_after(retry_after_ms);
}

net::Problem stopping() {
  net::Problem problem = unavailable("this pipeline is stopping");
  problem.close = true;
  return problem;
}

void append_number(std::string& out, int64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<size_t>(end - digits.data()));
}

// {"accepted":2,"duplicates":0,"offsets":{"0":[17,18]}}
std::string accepted_json(const Ack& ack) {
  std::string out;
  out.reserve(kAnswerBytes);
  out += "{\"accepted\":";
  append_number(out, static_cast<int64_t>(ack.accepted));
  out += ",\"duplicates\":";
  append_number(out, static_cast<int64_t>(ack.duplicates));
  out += ",\"offsets\":{";
  for (const Ack::Range& range : ack.offsets) {
    if (out.back() != '{') out += ',';
    out += '"';
    append_number(out, range.partition);
    out += "\":[";
    append_number(out, range.first);
    out += ',';
    append_number(out, range.last);
    out += ']';
  }
  out += "}}\n";
  return out;
}

// Which line of the body (from 1) a byte stands in.
int64_t line_of(const std::string& body, uint64_t byte) {
  const auto end = body.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(byte, body.size()));
  return std::count(body.begin(), end, '\n') + 1;
}

net::Problem bad_event(const Ack& ack, int status, const std::string& body, BodyFormat format) {
  auto problem = net::Problem{.status = status, .detail = ack.error->message}
                     .member("byte", static_cast<int64_t>(ack.bad_byte))
                     .member("line", line_of(body, ack.bad_byte));
  if (format == BodyFormat::kJson) return problem;
  return std::move(problem).member("event", static_cast<int64_t>(ack.bad_event));
}

void refuse(const Ack& ack, const std::string& body, BodyFormat format, net::Responder& responder) {
  const Error& error = *ack.error;
  switch (error.code) {
    case ErrorCode::kInvalidInput:
      return responder.fail(bad_event(ack, 400, body, format));
    case ErrorCode::kLimit:
      return responder.fail(bad_event(ack, 413, body, format));
    case ErrorCode::kConflict:
      return responder.fail(bad_event(ack, 409, body, format));
    default:
      break;
  }
  // What the log says of its disk is not for whoever posts; the operator has it in the messages and metrics.
  if (error.code == ErrorCode::kNoSpace) {
    return responder.fail(unavailable("there is no room for more events at the moment",
                                      std::max(ack.retry_after_ms, kRetryAfterMs)));
  }
  if (error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kCancelled || error.retryable) {
    return responder.fail(
        unavailable("no more events can be taken at the moment", std::max(ack.retry_after_ms, kRetryAfterMs)));
  }
  responder.fail({.status = 500, .detail = "the events could not be stored; nothing of this request was kept"});
}

void answer(const Ack& ack, const std::string& body, BodyFormat format, net::Responder& responder) {
  if (ack.error) return refuse(ack, body, format, responder);
  const std::string json = accepted_json(ack);
  responder.send({.content_type = "application/json", .body = json});
}

net::MethodSet method_set(const std::vector<HttpSourceMethod>& methods) {
  net::MethodSet set;
  for (const HttpSourceMethod method : methods) {
    switch (method) {
      case HttpSourceMethod::kPost:
        set.add(net::Method::kPost);
        break;
      case HttpSourceMethod::kPut:
        set.add(net::Method::kPut);
        break;
      case HttpSourceMethod::kPatch:
        set.add(net::Method::kPatch);
        break;
    }
  }
  return set;
}

std::shared_ptr<const net::CorsPolicy> cors_policy(const HttpCorsConfig& config) {
  return std::make_shared<const net::CorsPolicy>(
      net::CorsPolicy{config.origins, config.headers, config.max_age.ms / 1000});
}

std::shared_ptr<const net::WebSocketRules> websocket_rules(const HttpWebSocketConfig& config) {
  return std::make_shared<const net::WebSocketRules>(
      net::WebSocketRules{.answers = config.acks,
                          .idle_timeout_ms = config.idle_timeout.ms,
                          .connections = static_cast<size_t>(config.max_connections),
                          .counters = std::make_shared<net::WebSocketCounters>()});
}

}  // namespace

std::vector<std::string> paths_of(const HttpSourceConfig& config) {
  std::vector<std::string> paths;
  if (!config.path.empty()) paths.push_back(config.path);
  paths.insert(paths.end(), config.paths.begin(), config.paths.end());
  return paths;
}

HttpSource::HttpSource(SourceContext context, const HttpSourceConfig& config, net::HttpServer& server)
    : context_(std::move(context)), config_(config), server_(server), paths_(paths_of(config)) {
  if (config_.auth) auth_ = std::make_unique<const RequestAuth>(*config_.auth);
  if (config_.websocket) websocket_ = websocket_rules(*config_.websocket);
}

HttpSource::~HttpSource() {
  ASSERT_WHY(serving_ == 0, "close() comes first");
}

Status HttpSource::start(std::string) {
  LOOP_ASSERT(context_.loop);
  for (const std::string& path : paths_) {
    TRY(server_.add_route(route_of(path)));
    ++serving_;
  }
  auto* const registry = context_.services.find<metrics::Registry>();
  if (registry == nullptr) return {};
  const metrics::Labels labels{.pipeline = context_.pipeline, .component = context_.name, .kind = "http_source"};
  registrations_ = register_http_source(*registry, labels, auth_ == nullptr ? nullptr : &auth_->refusals(),
                                        websocket_ == nullptr ? nullptr : websocket_->counters.get());
  return {};
}

net::Route HttpSource::route_of(const std::string& path) {
  net::Route route;
  route.path = path;
  route.methods = method_set(config_.methods);
  route.max_body_bytes = static_cast<size_t>(config_.max_body.bytes);
  route.admit = [this](const net::RequestHead& head) { return admit(head); };
  if (auth_ != nullptr && auth_->checks_bodies()) {
    route.check_body = [this](const net::RequestHead& head) { return auth_->check_body(head); };
  }
  if (config_.cors) route.cors = cors_policy(*config_.cors);
  route.websocket = websocket_;
  route.handle = [this](const net::Request& request, net::Responder responder) {
    handle(request, std::move(responder));
  };
  return route;
}

std::optional<BodyFormat> HttpSource::body_format(const net::RequestHead& head) const {
  if (config_.format) return config_.format->format->body_format();
  const std::string_view type = net::media_type(head.find("content-type").value_or(""));
  const auto is = [type](std::string_view wanted) { return net::equals_ignoring_case(type, wanted); };
  if (std::any_of(kNdjsonTypes.begin(), kNdjsonTypes.end(), is)) return BodyFormat::kNdjson;
  if (type.empty() || is("application/json")) return config_.split ? BodyFormat::kJsonArray : BodyFormat::kJson;
  return std::nullopt;
}

// Whoever is not known learns nothing else of what is served here.
net::Admission HttpSource::admit(const net::RequestHead& head) {
  if (stopped_) return net::Admission::refuse(stopping());
  if (auth_ != nullptr) {
    auto problem = auth_->check_head(head, context_.clock.wall_ms());
    if (problem) return net::Admission::refuse(std::move(*problem));
  }
  if (!body_format(head)) return net::Admission::refuse(unknown_type(head));
  if (context_.intake.ready()) return {};
  wait_for_door();
  return net::Admission::wait();
}

void HttpSource::wait_for_door() {
  if (std::exchange(waits_for_door_, true)) return;
  context_.intake.when_ready(alive_.guard([this] {
    waits_for_door_ = false;
    resume_routes();
  }));
}

void HttpSource::resume_routes() {
  for (size_t i = 0; i < serving_; ++i) server_.resume_route(paths_[i]);
}

void HttpSource::handle(const net::Request& request, net::Responder responder) {
  LOOP_ASSERT(context_.loop);
  // Its body had begun before. Accepted now, it could come behind everything that a stop still writes.
  if (stopped_) return responder.fail(stopping());
  // Also if the door has filled up since the head was admitted: it holds what is here in whole, up to a bound of
  // its own, and the client waits for its answer.
  RawBatch batch;
  batch.body = request.body;
  batch.format = *body_format(request.head);
  if (config_.format) {
    auto records = config_.format->format->open(*request.body);
    if (!records) return responder.fail({.status = 400, .detail = records.error().message});
    batch.decoder = std::move(records->decoder);
    batch.records_begin = records->begin;
  }
  batch.order_key = request.head.connection;
  batch.position = position_;
  position_ += static_cast<int64_t>(request.body->size()) + 1;
  add_headers(request.head, batch);
  const BodyFormat format = batch.format;
  context_.intake.emit(std::move(batch), [body = request.body, format, kept = std::move(responder)](
                                             Ack ack) mutable { answer(ack, *body, format, kept); });
}

void HttpSource::add_headers(const net::RequestHead& head, RawBatch& batch) const {
  if (!config_.path_header.empty()) batch.headers.emplace_back(config_.path_header, head.path);
  if (!config_.certificate_header.empty() && !head.peer_name.empty()) {
    batch.headers.emplace_back(config_.certificate_header, head.peer_name);
  }
  for (const std::string& name : config_.headers) {
    for (const net::HeaderField& field : head.headers) {
      if (net::equals_ignoring_case(field.name, name)) batch.headers.emplace_back(name, field.value);
    }
  }
}

void HttpSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  // Whoever waits for the door is answered now.
  resume_routes();
}

void HttpSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  for (; serving_ > 0; --serving_) server_.remove_route(paths_[serving_ - 1]);
  registrations_.clear();
  context_.loop.post(std::move(closed));
}

}  // namespace colloquium::components
