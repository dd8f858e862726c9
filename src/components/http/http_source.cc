#include "components/http/http_source.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "components/http/config_checks.h"
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

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  auto* server = context.services.find<net::HttpServer>();
  if (server == nullptr) {
    return fail(ErrorCode::kInvalidConfig, "an http source needs the ingest server; give --listen an address",
                context.pipeline + "/" + context.name);
  }
  return std::make_unique<HttpSource>(std::move(context), config_of<HttpSourceConfig>(parsed), *server);
}

void check_config(const HttpSourceConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  const bool plain = config.path.find_first_of(" \t\r\n?#") == std::string::npos;
  if (!config.path.empty() && (config.path.front() != '/' || !plain)) {
    add_problem(node, "path", "path begins with '/' and holds no space, '?' or '#', as in /orders", problems);
  }
  if (config.format && config.split) {
    add_problem(node, "split", "split is for JSON bodies, as their content type says; leave it or format out",
                problems);
  }
  for (const std::string& name : config.headers) {
    const bool secret =
        net::equals_ignoring_case(name, "authorization") || net::equals_ignoring_case(name, "cookie");
    if (secret) {
      add_problem(node, "headers", name + " is never kept: it would put secrets into the event log", problems);
    } else if (!is_header_name(name)) {
      add_problem(node, "headers", "'" + name + "' is no name of a header", problems);
    }
  }
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "http";
  d.summary = "Takes events that are posted to a path of the ingest server.";
  d.description =
      "A body is one JSON value; a JSON array of events with `split: true`; or NDJSON, by its content type; or, "
      "whatever its content type, what `format` says. The "
      "answer is 200 with how many events were accepted and where they stand, sent when the declared `ack` "
      "holds; or a problem (RFC 9457) with the position of the first bad byte, and nothing of that request is "
      "kept. Bodies may be gzip or zstd encoded.";
  d.input_trust =
      "Anyone who reaches the port: every request is bounded in size and time, and every byte is checked before "
      "it is accepted.";
  d.guarantee =
      "What was answered 200 is accepted. A client that retries after a lost answer sends its events twice: "
      "exactly once needs `dedupe` with the client's id.";
  d.examples = {{"Webhooks", "http: {path: /orders}"},
                {"Batches of events with a header kept", "http: {path: /bulk, split: true, headers: [X-Tenant]}"},
                {"Lines of logfmt, as log drains send them", "http: {path: /drain, format: logfmt}"}};
  bind_spec(d,
            ConfigSpec<HttpSourceConfig>()
                .field("path", &HttpSourceConfig::path,
                       {.description = "Where to post to: the whole path of the URL.", .required = true})
                .field("split", &HttpSourceConfig::split,
                       {.description = "A JSON body is an array, and each of its elements an event."})
                .field("format", &HttpSourceConfig::format,
                       {.description = "What bodies of any content type are. Not given: the content type says "
                                       "whether they are JSON or NDJSON."})
                .field("max_body", &HttpSourceConfig::max_body,
                       {.description = "Longest body taken, before and after decompression; 413 beyond it.",
                        .minimum = 1,
                        .maximum = 1 << 30})
                .field("max_event", &HttpSourceConfig::max_event,
                       {.description = "Longest event taken; a request that holds a longer one is answered 413.",
                        .minimum = 1,
                        .maximum = 64 << 20})
                .field("headers", &HttpSourceConfig::headers,
                       {.description = "Headers of the request that become headers of its events."}));
  d.parse = [read = d.parse](const ConfigNode& node, ConfigProblems& problems) {
    ParsedConfig parsed = read(node, problems);
    check_config(config_of<HttpSourceConfig>(parsed), node, problems);
    return parsed;
  };
  d.create_source = create;
  d.source_traits = [](const ParsedConfig& parsed) {
    return SourceTraits{.rereadable = false,
                        .finite = false,
                        .max_event_bytes = config_of<HttpSourceConfig>(parsed).max_event.bytes};
  };
  d.claims = [](const ParsedConfig& parsed, const std::string&) -> std::vector<Claim> {
    const std::string& path = config_of<HttpSourceConfig>(parsed).path;
    if (path.empty()) return {};
    return {{"the path " + path, "path", false, "give every http source a path of its own"}};
  };
  return d;
}

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

}  // namespace

const Descriptor& http_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

HttpSource::HttpSource(SourceContext context, const HttpSourceConfig& config, net::HttpServer& server)
    : context_(std::move(context)), config_(config), server_(server) {}

HttpSource::~HttpSource() {
  ASSERT_WHY(!serving_, "close() comes first");
}

Status HttpSource::start(std::string) {
  LOOP_ASSERT(context_.loop);
  net::Route route;
  route.path = config_.path;
  route.methods = {net::Method::kPost, net::Method::kPut};
  route.max_body_bytes = static_cast<size_t>(config_.max_body.bytes);
  route.admit = [this](const net::RequestHead& head) { return admit(head); };
  route.handle = [this](const net::Request& request, net::Responder responder) {
    handle(request, std::move(responder));
  };
  TRY(server_.add_route(std::move(route)));
  serving_ = true;
  return {};
}

std::optional<BodyFormat> HttpSource::body_format(const net::RequestHead& head) const {
  if (config_.format) return config_.format->format->body_format();
  const std::string_view type = net::media_type(head.find("content-type").value_or(""));
  const auto is = [type](std::string_view wanted) { return net::equals_ignoring_case(type, wanted); };
  if (std::any_of(kNdjsonTypes.begin(), kNdjsonTypes.end(), is)) return BodyFormat::kNdjson;
  if (type.empty() || is("application/json")) return config_.split ? BodyFormat::kJsonArray : BodyFormat::kJson;
  return std::nullopt;
}

net::Admission HttpSource::admit(const net::RequestHead& head) {
  if (stopped_) return net::Admission::refuse(stopping());
  if (!body_format(head)) return net::Admission::refuse(unknown_type(head));
  if (context_.intake.ready()) return {};
  wait_for_door();
  return net::Admission::wait();
}

void HttpSource::wait_for_door() {
  if (std::exchange(waits_for_door_, true)) return;
  context_.intake.when_ready([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    waits_for_door_ = false;
    server_.resume_route(config_.path);
  });
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
  for (const std::string& name : config_.headers) {
    for (const net::HeaderField& field : request.head.headers) {
      if (net::equals_ignoring_case(field.name, name)) batch.headers.emplace_back(name, field.value);
    }
  }
  const BodyFormat format = batch.format;
  context_.intake.emit(std::move(batch), [body = request.body, format, kept = std::move(responder)](
                                             Ack ack) mutable { answer(ack, *body, format, kept); });
}

void HttpSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  // Whoever waits for the door is answered now.
  if (serving_) server_.resume_route(config_.path);
}

void HttpSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  if (std::exchange(serving_, false)) server_.remove_route(config_.path);
  context_.loop.post(std::move(closed));
}

}  // namespace colloquium::components
