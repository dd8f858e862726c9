#include "components/gateway/gateway_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ai/json_text.h"
#include "base/assert.h"
#include "io/hmac.h"
#include "net/http_server.h"

namespace colloquium::components {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr double kNanoPerUsd = 1e9;
constexpr int64_t kBudgetRetryMs = 60'000;
constexpr int64_t kRetryMs = 1'000;
// Of a client whose key is not known no more than this is read, so that it is told in the API's own words.
constexpr uint64_t kStrangerBytesMax = 64 * 1024;
constexpr int kClientGone = 499;

net::Problem unavailable(const char* detail) {
  return net::Problem{.status = 503, .detail = detail}.retry_after(kRetryMs);
}

std::string hex(uint64_t value) {
  std::string out(16, '0');
  for (size_t i = out.size(); i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  return out;
}

AiRouting routing_of(GatewayRoute route) {
  switch (route) {
    case GatewayRoute::kWeighted:
      return AiRouting::kWeighted;
    case GatewayRoute::kCheapest:
      return AiRouting::kCheapest;
    case GatewayRoute::kOrder:
      break;
  }
  return AiRouting::kOrder;
}

const char* name_of(AiAnswerFrom from) {
  switch (from) {
    case AiAnswerFrom::kRecord:
      return "record";
    case AiAnswerFrom::kCache:
      return "cache";
    case AiAnswerFrom::kShared:
      return "shared";
    case AiAnswerFrom::kProvider:
      break;
  }
  return "provider";
}

// What this answer took of the budgets: nothing where it was paid before.
double cost_usd(const AiAnswer& answer) {
  return answer.from == AiAnswerFrom::kProvider ? static_cast<double>(answer.cost_nano_usd) / kNanoPerUsd : 0;
}

void write_usage(json::Writer& out, const AiUsage& usage) {
  out.key("usage");
  out.begin_object();
  const auto put = [&out](const char* key, const std::optional<int64_t>& count) {
    if (!count) return;
    out.key(key);
    out.integer(*count);
  };
  put("input", usage.input);
  put("cache_read", usage.cache_read);
  put("cache_write_5m", usage.cache_write_5m);
  put("cache_write_1h", usage.cache_write_1h);
  put("output", usage.output);
  put("reasoning", usage.reasoning);
  out.end_object();
}

}  // namespace

std::optional<AiModelChoice> model_choice(const std::string& text, double weight) {
  const size_t slash = text.find('/');
  if (slash == text.npos || slash == 0 || slash + 1 == text.size()) return std::nullopt;
  return AiModelChoice{text.substr(0, slash), text.substr(slash + 1), weight};
}

int ApiFailure::status() const {
  switch (problem) {
    case ApiProblem::kRequest:
      return 400;
    case ApiProblem::kKey:
      return 401;
    case ApiProblem::kModel:
      return 404;
    case ApiProblem::kTooMuch:
    case ApiProblem::kBudget:
      return 429;
    case ApiProblem::kProvider:
      return 502;
    case ApiProblem::kUnavailable:
      break;
  }
  return 503;
}

// A key of ours that a provider refuses is nothing that the client could mend.
ApiFailure failure_of(const AiRefusal& refusal) {
  const AiFailure& failure = refusal.failure;
  if (refusal.budget) {
    return {ApiProblem::kBudget, failure.message, failure.retry_after_ms.value_or(kBudgetRetryMs)};
  }
  switch (failure.kind) {
    case AiFailureKind::kCaller:
      return {failure.status == 404 ? ApiProblem::kModel : ApiProblem::kRequest, failure.message, std::nullopt};
    case AiFailureKind::kThrottled:
      return {ApiProblem::kTooMuch, failure.message, failure.retry_after_ms.value_or(kRetryMs)};
    case AiFailureKind::kQuota:
      return {ApiProblem::kBudget, failure.message, failure.retry_after_ms.value_or(kBudgetRetryMs)};
    case AiFailureKind::kKey:
      return {ApiProblem::kProvider, "the provider refuses to answer this gateway", std::nullopt};
    case AiFailureKind::kTransient:
      break;
  }
  return {ApiProblem::kUnavailable, failure.message, failure.retry_after_ms.value_or(kRetryMs)};
}

Result<std::unique_ptr<Source>> GatewaySource::create(SourceContext context, const GatewayConfig& config,
                                                      std::unique_ptr<const GatewayApi> api,
                                                      net::HttpServer& server) {
  if (context.ai == nullptr) {
    return fail(ErrorCode::kInvalidConfig,
                "the source asks models, and the pipeline has no `ai` section with providers",
                context.pipeline + "/" + context.name);
  }
  std::unique_ptr<GatewaySource> source(new GatewaySource(std::move(context), config, std::move(api), server));
  TRY(source->check_models());
  return std::unique_ptr<Source>(std::move(source));
}

GatewaySource::GatewaySource(SourceContext context, const GatewayConfig& config,
                             std::unique_ptr<const GatewayApi> api, net::HttpServer& server)
    : context_(std::move(context)),
      config_(config),
      api_(std::move(api)),
      server_(server),
      calls_(*context_.ai),
      paths_(api_->paths(config_.path)) {
  for (const GatewayKey& key : config_.keys) {
    const std::string name = key.name.empty() ? "key-" + std::to_string(keys_.size() + 1) : key.name;
    keys_.push_back({name, io::sha256(key.key.value)});
  }
}

GatewaySource::~GatewaySource() {
  ASSERT_WHY(serving_ == 0 && exchanges_.empty(), "close() comes first");
}

// A question that stands for those of clients.
AiQuestion GatewaySource::sample(std::vector<AiModelChoice> models) const {
  AiQuestion question;
  question.who = context_.name;
  question.models = std::move(models);
  question.request.messages.push_back({AiRole::kUser, {AiText{"text"}}});
  question.request.parameters.max_output_tokens = config_.max_output_tokens;
  return question;
}

// Each model can be asked one thing or the other.
Status GatewaySource::check_models() const {
  for (const auto& [name, models] : config_.models) {
    AiQuestion question = sample(choices_of(name));
    Status chats = calls_.check(question);
    if (chats) continue;
    question.request = {};
    question.request.task = AiTask::kEmbed;
    question.request.inputs = {"text"};
    if (!calls_.check(question)) return chats;
  }
  return {};
}

Status GatewaySource::start(std::string) {
  LOOP_ASSERT(context_.loop);
  for (const ApiPath& path : paths_) {
    net::Route route;
    route.path = path.path;
    route.methods = {path.endpoint == ApiEndpoint::kModels ? net::Method::kGet : net::Method::kPost};
    route.max_body_bytes = static_cast<size_t>(config_.max_body.bytes);
    route.admit = [this](const net::RequestHead& head) { return admit(head); };
    route.handle = [this, endpoint = path.endpoint](const net::Request& request, net::Responder responder) {
      handle(endpoint, request, std::move(responder));
    };
    Status added = server_.add_route(std::move(route));
    if (!added) {
      for (; serving_ > 0; --serving_) server_.remove_route(paths_[serving_ - 1].path);
      return added;
    }
    ++serving_;
  }
  return {};
}

net::Admission GatewaySource::admit(const net::RequestHead& head) {
  if (stopped_) return net::Admission::refuse(unavailable("this pipeline is stopping"));
  if (!tenant_of(head)) {
    const bool is_short = !head.chunked && head.content_length.value_or(0) <= kStrangerBytesMax;
    return is_short ? net::Admission{}
                    : net::Admission::refuse({.status = 401, .detail = "this key is not known here"});
  }
  if (context_.intake.ready()) return {};
  wait_for_door();
  return net::Admission::wait();
}

void GatewaySource::wait_for_door() {
  if (std::exchange(waits_for_door_, true)) return;
  context_.intake.when_ready(alive_.guard([this] {
    waits_for_door_ = false;
    resume_routes();
  }));
}

void GatewaySource::resume_routes() {
  for (size_t i = 0; i < serving_; ++i) server_.resume_route(paths_[i].path);
}

// All keys are compared, in a time that does not depend on them.
std::optional<std::string> GatewaySource::tenant_of(const net::RequestHead& head) const {
  if (keys_.empty()) return std::string();
  constexpr std::string_view kBearer = "bearer ";
  std::string_view given = head.find("x-api-key").value_or("");
  const std::string_view authorization = head.find("authorization").value_or("");
  if (given.empty() && authorization.size() > kBearer.size() &&
      net::equals_ignoring_case(authorization.substr(0, kBearer.size()), kBearer)) {
    given = authorization.substr(kBearer.size());
  }
  const std::string digest = io::sha256(given);
  std::optional<std::string> name;
  for (const KnownKey& key : keys_) {
    if (io::equal_in_constant_time(digest, key.digest)) name = key.name;
  }
  return name;
}

std::vector<AiModelChoice> GatewaySource::choices_of(const std::string& model) const {
  std::vector<AiModelChoice> choices;
  const auto named = config_.models.find(model);
  if (named == config_.models.end()) {
    if (auto choice = model_choice(model)) choices.push_back(std::move(*choice));
    return choices;
  }
  for (const GatewayModel& each : named->second) {
    if (auto choice = model_choice(each.model, each.weight)) choices.push_back(std::move(*choice));
  }
  return choices;
}

void GatewaySource::handle(ApiEndpoint endpoint, const net::Request& request, net::Responder responder) {
  LOOP_ASSERT(context_.loop);
  auto tenant = tenant_of(request.head);
  if (!tenant) return send_failure(responder, {ApiProblem::kKey, "this key is not known here", std::nullopt});
  if (stopped_) return responder.fail(unavailable("this pipeline is stopping"));
  if (endpoint == ApiEndpoint::kModels) {
    std::vector<std::string> names;
    for (const auto& [name, models] : config_.models) names.push_back(name);
    const std::string json = api_->models(names, context_.clock.wall_ms());
    return responder.send({.content_type = "application/json", .body = json});
  }
  if (exchanges_.size() >= static_cast<size_t>(config_.max_requests)) {
    return send_failure(responder,
                        {ApiProblem::kTooMuch, "as many requests are under way here as may be", kRetryMs});
  }
  auto asked = api_->parse(endpoint, *request.body, config_);
  if (!asked) return send_failure(responder, {ApiProblem::kRequest, asked.error().message, std::nullopt});
  ask(std::move(*asked), std::move(*tenant), request, std::move(responder));
}

// A name that nobody set up is no model at all; what else is wrong is the request's.
std::optional<ApiFailure> GatewaySource::refusal_of(const AiQuestion& question) const {
  Status fits = question.models.empty() ? fail(ErrorCode::kNotFound, "") : calls_.check(question);
  if (fits) return std::nullopt;
  const bool known = !question.models.empty() && calls_.check(sample(question.models));
  return ApiFailure{known ? ApiProblem::kRequest : ApiProblem::kModel,
                    known ? fits.error().message : "there is no such model here", std::nullopt};
}

void GatewaySource::ask(ApiRequest asked, std::string tenant, const net::Request& request,
                        net::Responder responder) {
  AiQuestion question;
  question.who = context_.name;
  question.request = asked.request;
  question.models = choices_of(asked.model);
  auto& most = question.request.parameters.max_output_tokens;
  if (question.request.task == AiTask::kChat && !most) most = config_.max_output_tokens;
  question.routing = routing_of(config_.route);
  question.cache_ttl_ms = config_.cache ? config_.cache->ttl.ms : 0;
  question.tenant = tenant;
  if (const auto refused = refusal_of(question)) return send_failure(responder, *refused);

  const Number number = next_++;
  Exchange& exchange = exchanges_[number];
  exchange.id = hex(context_.random.next());
  exchange.writer = api_->writer(asked, {exchange.id, context_.clock.wall_ms()});
  exchange.asked = std::move(asked);
  exchange.asked.request = {};
  exchange.tenant = std::move(tenant);
  if (config_.bodies) exchange.body = *request.body;
  exchange.begun_ns = context_.clock.monotonic_ns();
  exchange.responder.emplace(std::move(responder));
  AiListen listen;
  if (exchange.asked.stream) listen = [this, number](const AiOutput& output) { heard(number, output); };
  const AiCalls::Number call = calls_.ask(
      std::move(question), [this, number](AiOutcome outcome) { answered(number, std::move(outcome)); },
      std::move(listen));
  // It may be answered by now.
  const auto still = exchanges_.find(number);
  if (still != exchanges_.end()) still->second.call = call;
  look_later();
}

net::AnswerStream& GatewaySource::begin(Exchange& exchange) {
  if (!exchange.stream) {
    const std::array<net::HeaderField, 1> headers = {{{"Cache-Control", "no-cache"}}};
    exchange.stream.emplace(exchange.responder->stream({.content_type = "text/event-stream", .headers = headers}));
    exchange.responder.reset();
  }
  return *exchange.stream;
}

void GatewaySource::heard(Number number, const AiOutput& output) {
  const auto found = exchanges_.find(number);
  if (found == exchanges_.end()) return;
  std::string events;
  found->second.writer->output(output, events);
  if (!events.empty()) begin(found->second).write(events);
}

void GatewaySource::answered(Number number, AiOutcome outcome) {
  auto ended = exchanges_.extract(number);
  if (ended.empty()) return;
  Exchange& exchange = ended.mapped();
  if (outcome.answer) {
    succeed(exchange, *outcome.answer);
    emit(exchange, 200, &*outcome.answer);
  } else {
    const ApiFailure failure = failure_of(outcome.refusal);
    fail_with(exchange, failure);
    emit(exchange, failure.status(), nullptr);
  }
  tell_when_done();
}

void GatewaySource::succeed(Exchange& exchange, const AiAnswer& answer) {
  if (exchange.asked.stream) {
    std::string events;
    exchange.writer->finish(answer, events);
    net::AnswerStream& stream = begin(exchange);
    stream.write(events);
    return stream.finish();
  }
  const std::string model = answer.model.provider + "/" + answer.model.model;
  const std::array<net::HeaderField, 3> headers = {{{"X-Colloquium-Call", answer.call},
                                                    {"X-Colloquium-Model", model},
                                                    {"X-Colloquium-From", name_of(answer.from)}}};
  const std::string body = exchange.writer->whole(answer);
  exchange.responder->send({.content_type = "application/json", .body = body, .headers = headers});
}

// Behind the head all that is left is to say so in the stream, which then ends without its last word.
void GatewaySource::fail_with(Exchange& exchange, const ApiFailure& failure) {
  if (!exchange.stream) return send_failure(*exchange.responder, failure);
  std::string events;
  exchange.writer->fail(failure, events);
  exchange.stream->write(events);
  exchange.stream->finish();
}

void GatewaySource::send_failure(net::Responder& responder, const ApiFailure& failure) const {
  const std::string seconds = std::to_string((failure.retry_after_ms.value_or(0) + 999) / 1000);
  const net::HeaderField retry{"Retry-After", seconds};
  const std::string body = api_->failure(failure);
  responder.send({.status = failure.status(),
                  .content_type = "application/json",
                  .body = body,
                  .headers = {&retry, failure.retry_after_ms ? size_t{1} : size_t{0}},
                  .problem = failure.message});
}

void GatewaySource::look_later() {
  if (look_timer_ != nullptr || exchanges_.empty()) return;
  look_timer_ = context_.loop.start_timer(kLookMs, [this] {
    look_timer_.reset();
    look();
  });
}

void GatewaySource::look() {
  for (auto each = exchanges_.begin(); each != exchanges_.end();) {
    Exchange& exchange = each->second;
    const bool awaited = exchange.stream ? exchange.stream->awaited() : exchange.responder->awaited();
    const bool behind = exchange.stream && exchange.stream->unsent_bytes() > kUnsentBytesMax;
    if (awaited && !behind) {
      ++each;
      continue;
    }
    if (exchange.call) calls_.cancel(*exchange.call);
    emit(exchange, kClientGone, nullptr);
    each = exchanges_.erase(each);
  }
  look_later();
  tell_when_done();
}

void GatewaySource::emit(const Exchange& exchange, int status, const AiAnswer* answer) {
  std::vector<char> bytes;
  json::Writer out(bytes, nullptr);
  out.begin_object();
  ai::write_member(out, "api", api_->name());
  ai::write_member(out, "id", exchange.id);
  ai::write_member(out, "model", exchange.asked.model);
  if (!exchange.tenant.empty()) ai::write_member(out, "key", exchange.tenant);
  out.key("status");
  out.integer(status);
  out.key("stream");
  out.boolean(exchange.asked.stream);
  out.key("took_ms");
  out.integer((context_.clock.monotonic_ns() - exchange.begun_ns) / kNsPerMs);
  if (answer != nullptr) {
    ai::write_member(out, "answered_by", answer->model.provider + "/" + answer->model.model);
    ai::write_member(out, "call", answer->call);
    ai::write_member(out, "from", name_of(answer->from));
    write_usage(out, answer->usage);
    out.key("cost_usd");
    out.number(cost_usd(*answer));
  }
  if (config_.bodies) {
    out.key("request");
    ai::write_json(out, exchange.body);
    if (answer != nullptr) ai::write_member(out, "answer", answer->text);
  }
  out.end_object();
  RawBatch batch;
  batch.body = std::make_shared<const std::string>(bytes.data(), bytes.size());
  batch.position = position_;
  position_ += static_cast<int64_t>(bytes.size()) + 1;
  // The client has its answer whatever becomes of this; the door counts what it does not take.
  context_.intake.emit(std::move(batch), [](Ack) {});
}

void GatewaySource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  resume_routes();
}

// Who has asked is answered.
void GatewaySource::when_offered(Task offered) {
  offered_ = std::move(offered);
  tell_when_done();
}

void GatewaySource::tell_when_done() {
  if (!offered_ || !exchanges_.empty()) return;
  context_.loop.post(std::exchange(offered_, nullptr));
}

void GatewaySource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  offered_ = nullptr;
  look_timer_.reset();
  for (auto& [number, exchange] : std::exchange(exchanges_, {})) {
    if (exchange.call) calls_.cancel(*exchange.call);
    if (exchange.responder) exchange.responder->fail(unavailable("this pipeline is stopping"));
  }
  for (; serving_ > 0; --serving_) server_.remove_route(paths_[serving_ - 1].path);
  context_.loop.post(std::move(closed));
}

}  // namespace colloquium::components
