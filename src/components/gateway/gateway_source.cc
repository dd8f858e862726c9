#include "components/gateway/gateway_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "components/gateway/gateway_event.h"
#include "io/hmac.h"
#include "net/http_server.h"

namespace colloquium::components {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kRetryMs = 1'000;
// Of a client whose key is not known no more than this is read, so that it is told in the API's own words.
constexpr uint64_t kStrangerBytesMax = 64 * 1024;
constexpr int kOk = 200;
constexpr int kClientGone = 499;
constexpr const char* kStranger = "this key is not known here";

ApiFailure stopping() {
  return {ApiProblem::kUnavailable, "this pipeline is stopping", kRetryMs};
}

std::string hex(uint64_t value) {
  std::string out(16, '0');
  for (size_t i = out.size(); i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  return out;
}

std::string request_id(const std::string& id) {
  return "req_" + id;
}

// Where gateways stand below one path, Anthropic's clients are those that name a version of its API.
const GatewayApi& words_of(const GatewayApi& api, ApiEndpoint endpoint, const net::RequestHead& head) {
  static const auto anthropic = anthropic_gateway_api();
  const bool shared = endpoint == ApiEndpoint::kModels || endpoint == ApiEndpoint::kOther;
  return shared && head.find("anthropic-version") ? *anthropic : api;
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

}  // namespace

std::optional<AiModelChoice> model_choice(const std::string& text, double weight) {
  const size_t slash = text.find('/');
  if (slash == text.npos || slash == 0 || slash + 1 == text.size()) return std::nullopt;
  return AiModelChoice{text.substr(0, slash), text.substr(slash + 1), weight};
}

Result<std::unique_ptr<Source>> GatewaySource::create(SourceContext context, const GatewayConfig& config,
                                                      std::shared_ptr<const GatewayApi> api,
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
                             std::shared_ptr<const GatewayApi> api, net::HttpServer& server)
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
  ASSERT_WHY(serving_.empty() && exchanges_.empty(), "close() comes first");
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
    Status added = server_.add_route(route_of(path));
    if (!added && path.shared && added.error().code == ErrorCode::kAlreadyExists) continue;
    if (!added) {
      stop_serving();
      return added;
    }
    serving_.push_back(path.path);
  }
  if (auto* const registry = context_.services.find<metrics::Registry>()) {
    const metrics::Labels labels{
        .pipeline = context_.pipeline, .component = context_.name, .kind = api_->name() + "_api_source"};
    registrations_ = register_gateway(*registry, labels, counters_);
  }
  return {};
}

void GatewaySource::stop_serving() {
  for (; !serving_.empty(); serving_.pop_back()) server_.remove_route(serving_.back());
}

net::Route GatewaySource::route_of(const ApiPath& path) {
  using net::Method;
  const ApiEndpoint endpoint = path.endpoint;
  net::Route route;
  route.path = path.path;
  route.methods = {endpoint == ApiEndpoint::kModels ? Method::kGet : Method::kPost};
  if (endpoint == ApiEndpoint::kOther) {
    route.methods = {Method::kGet, Method::kPost, Method::kPut, Method::kPatch, Method::kDelete};
  }
  route.max_body_bytes = static_cast<size_t>(config_.max_body.bytes);
  route.admit = [this, endpoint](const net::RequestHead& head) {
    return admit(words_of(*api_, endpoint, head), endpoint, head);
  };
  // What it refers to is there as long as the server.
  route.reword = [api = api_, counters = counters_, endpoint, &random = context_.random](
                     const net::RequestHead& head, net::Problem& problem) {
    counters->count(endpoint, problem.status);
    ApiFailure failure = failure_of(problem);
    failure.request_id = request_id(hex(random.next()));
    const GatewayApi& words = words_of(*api, endpoint, head);
    problem.body = words.failure(failure);
    problem.headers.emplace_back(words.id_header(), failure.request_id);
  };
  route.handle = [this, endpoint](const net::Request& request, net::Responder responder) {
    handle(endpoint, request, std::move(responder));
  };
  return route;
}

net::Admission GatewaySource::admit(const GatewayApi& api, ApiEndpoint endpoint, const net::RequestHead& head) {
  if (stopped_) {
    return net::Admission::refuse(net::Problem{.status = 503, .detail = stopping().message}.retry_after(kRetryMs));
  }
  if (endpoint == ApiEndpoint::kOther) {
    return net::Admission::refuse({.status = 404, .detail = api.unserved(to_string(head.method), head.path)});
  }
  // Whoever has a page open would spend without knowing: a browser says whose page asks, and nobody else does.
  if (keys_.empty() && head.find("origin")) {
    return net::Admission::refuse(
        {.status = 403,
         .detail = "pages in browsers may not ask here, as no key is asked for: give the source 'keys'"});
  }
  if (!tenant_of(head)) {
    const bool is_short = !head.chunked && head.content_length.value_or(0) <= kStrangerBytesMax;
    return is_short ? net::Admission{} : net::Admission::refuse({.status = 401, .detail = kStranger});
  }
  if (endpoint == ApiEndpoint::kModels || context_.intake.ready()) return {};
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
  for (const std::string& path : serving_) server_.resume_route(path);
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
  const GatewayApi& api = words_of(*api_, endpoint, request.head);
  auto tenant = tenant_of(request.head);
  if (!tenant) return refuse(api, endpoint, responder, {ApiProblem::kKey, kStranger, std::nullopt});
  if (stopped_) return refuse(api, endpoint, responder, stopping());
  if (endpoint == ApiEndpoint::kModels) return send_models(api, responder);
  if (const auto refused = too_much(request.body->size())) return refuse(api, endpoint, responder, *refused);
  auto asked = api_->parse(endpoint, *request.body, config_);
  if (!asked) return refuse(api, endpoint, responder, {ApiProblem::kRequest, asked.error().message, std::nullopt});
  if (endpoint == ApiEndpoint::kCount) {
    return count(*asked, *tenant, request.body->size(), std::move(responder));
  }
  ask(endpoint, std::move(*asked), std::move(*tenant), request, std::move(responder));
}

void GatewaySource::send_models(const GatewayApi& api, net::Responder& responder) {
  std::vector<std::string> names;
  for (const auto& [name, models] : config_.models) names.push_back(name);
  const std::string json = api.models(names, context_.clock.wall_ms());
  const std::string id = request_id(hex(context_.random.next()));
  const net::HeaderField header{api.id_header(), id};
  counters_->count(ApiEndpoint::kModels, kOk);
  responder.send({.content_type = "application/json", .body = json, .headers = {&header, 1}});
}

AiQuestion GatewaySource::question_of(const ApiRequest& asked, const std::string& tenant) const {
  AiQuestion question;
  question.who = context_.name;
  question.request = asked.request;
  question.models = choices_of(asked.model);
  auto& most = question.request.parameters.max_output_tokens;
  if (question.request.task == AiTask::kChat && !most) most = config_.max_output_tokens;
  question.routing = routing_of(config_.route);
  question.cache_ttl_ms = config_.cache ? config_.cache->ttl.ms : 0;
  question.tenant = tenant;
  return question;
}

void GatewaySource::count(const ApiRequest& asked, const std::string& tenant, size_t body_bytes,
                          net::Responder responder) {
  AiQuestion question = question_of(asked, tenant);
  if (const auto refused = refusal_of(question, asked.model)) {
    return refuse(*api_, ApiEndpoint::kCount, responder, *refused);
  }
  const Number number = next_++;
  responder.give_back();
  counting_.emplace(number, Counting{std::move(responder), body_bytes, asked.model, tenant});
  begun(body_bytes);
  const AiCalls::Number call = calls_.count(
      std::move(question), alive_.guard([this, number](const AiCount& found) { counted(number, found); }));
  const auto still = counting_.find(number);
  if (still != counting_.end()) still->second.call = call;
  look_later();
}

void GatewaySource::counted(Number number, const AiCount& count) {
  auto waiting = counting_.extract(number);
  if (waiting.empty()) return;
  net::Responder& responder = waiting.mapped().responder;
  ended(waiting.mapped().body_bytes);
  if (count.failure) {
    AiRefusal refusal;
    refusal.failure = *count.failure;
    refuse(*api_, ApiEndpoint::kCount, responder, failure_of(refusal));
  } else {
    if (!count.estimated) has_answered(waiting.mapped().model, waiting.mapped().tenant);
    const std::string id = request_id(hex(context_.random.next()));
    const std::array<net::HeaderField, 2> headers = {
        {{"X-Colloquium-From", count.estimated ? "estimate" : "provider"}, {api_->id_header(), id}}};
    const std::string body = api_->count(count.tokens);
    counters_->count(ApiEndpoint::kCount, kOk);
    responder.send({.content_type = "application/json", .body = body, .headers = headers});
  }
  tell_when_done();
}

std::optional<ApiFailure> GatewaySource::too_much(size_t body_bytes) const {
  if (exchanges_.size() + counting_.size() >= static_cast<size_t>(config_.max_requests)) {
    return ApiFailure{ApiProblem::kTooMuch, "as many requests are under way here as may be", kRetryMs};
  }
  if (body_bytes_ > 0 && body_bytes_ + body_bytes > kBodyBytesMax) {
    return ApiFailure{ApiProblem::kTooMuch, "the requests under way here are together as large as they may be",
                      kRetryMs};
  }
  return std::nullopt;
}

// Of a model that its provider can be asked for. Some providers have a price for any name there is.
std::optional<ApiFailure> GatewaySource::no_room_for(const std::string& model, const std::string& tenant) {
  if (config_.models.contains(model) || own_names_.contains(model)) return std::nullopt;
  const int64_t now_ms = context_.clock.monotonic_ns() / kNsPerMs;
  auto& tried = tried_names_[tenant];
  std::erase_if(tried, [now_ms](const auto& each) { return each.second + kTriedMs <= now_ms; });
  if (tried.contains(model)) return std::nullopt;
  if (model.size() > kOwnNameBytesMax) {
    return ApiFailure{ApiProblem::kModel, "there is no such model here", std::nullopt};
  }
  const bool full = own_names_.size() >= kOwnNamesMax;
  if (full || tried.size() >= kTriedNamesMax) {
    return ApiFailure{ApiProblem::kModel,
                      "as many models have been asked for by 'provider/model' as may be (" +
                          (full ? std::to_string(kOwnNamesMax)
                                : std::to_string(kTriedNamesMax) + " that did not answer, in a day") +
                          "): to ask for this one, it has to be in 'models'",
                      std::nullopt};
  }
  tried.emplace(model, now_ms);
  return std::nullopt;
}

void GatewaySource::has_answered(const std::string& model, const std::string& tenant) {
  const auto tried = tried_names_.find(tenant);
  if (tried == tried_names_.end() || own_names_.size() >= kOwnNamesMax) return;
  if (tried->second.erase(model) > 0) own_names_.insert(model);
}

// A name that nobody set up is no model at all; what else is wrong is the request's.
std::optional<ApiFailure> GatewaySource::refusal_of(const AiQuestion& question, const std::string& model) {
  Status fits = question.models.empty() ? fail(ErrorCode::kNotFound, "") : calls_.check(question);
  if (fits) return no_room_for(model, question.tenant);
  const bool known = !question.models.empty() && calls_.check(sample(question.models));
  return ApiFailure{known ? ApiProblem::kRequest : ApiProblem::kModel,
                    known ? fits.error().message : "there is no such model here", std::nullopt};
}

void GatewaySource::ask(ApiEndpoint endpoint, ApiRequest asked, std::string tenant, const net::Request& request,
                        net::Responder responder) {
  AiQuestion question = question_of(asked, tenant);
  if (const auto refused = refusal_of(question, asked.model)) return refuse(*api_, endpoint, responder, *refused);

  const Number number = next_++;
  Exchange& exchange = exchanges_[number];
  exchange.endpoint = endpoint;
  exchange.id = hex(context_.random.next());
  exchange.writer = api_->writer(asked, {exchange.id, context_.clock.wall_ms()});
  exchange.asked = std::move(asked);
  exchange.asked.request = {};
  exchange.tenant = std::move(tenant);
  if (config_.bodies) exchange.body = *request.body;
  // Counted here from now on, and not by the server, whose other sources have small requests.
  exchange.body_bytes = request.body->size();
  begun(exchange.body_bytes);
  responder.give_back();
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
    const std::string id = request_id(exchange.id);
    const std::array<net::HeaderField, 2> headers = {{{"Cache-Control", "no-cache"}, {api_->id_header(), id}}};
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
    has_answered(exchange.asked.model, exchange.tenant);
    succeed(exchange, *outcome.answer);
    emit(exchange, kOk, &*outcome.answer);
  } else {
    ApiFailure failure = failure_of(outcome.refusal);
    failure.request_id = request_id(exchange.id);
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
  const std::string id = request_id(exchange.id);
  const std::array<net::HeaderField, 4> headers = {{{api_->id_header(), id},
                                                    {"X-Colloquium-Call", answer.call},
                                                    {"X-Colloquium-Model", model},
                                                    {"X-Colloquium-From", name_of(answer.from)}}};
  const std::string body = exchange.writer->whole(answer);
  exchange.responder->send({.content_type = "application/json", .body = body, .headers = headers});
}

// Behind the head all that is left is to say so in the stream, which then ends without its last word.
void GatewaySource::fail_with(Exchange& exchange, const ApiFailure& failure) {
  if (!exchange.stream) return send_failure(*api_, *exchange.responder, failure);
  std::string events;
  exchange.writer->fail(failure, events);
  exchange.stream->write(events);
  exchange.stream->finish();
}

// A request that has become none under way.
void GatewaySource::refuse(const GatewayApi& api, ApiEndpoint endpoint, net::Responder& responder,
                           ApiFailure failure) const {
  counters_->count(endpoint, failure.status());
  failure.request_id = request_id(hex(context_.random.next()));
  send_failure(api, responder, failure);
}

void GatewaySource::send_failure(const GatewayApi& api, net::Responder& responder,
                                 const ApiFailure& failure) const {
  const int64_t wait_ms = failure.retry_after_ms.value_or(0);
  const std::string seconds = std::to_string(wait_ms / 1000 + (wait_ms % 1000 > 0 ? 1 : 0));
  const std::array<net::HeaderField, 2> headers = {
      {{api.id_header(), failure.request_id}, {"Retry-After", seconds}}};
  const std::string body = api.failure(failure);
  responder.send({.status = failure.status(),
                  .content_type = "application/json",
                  .body = body,
                  .headers = {headers.data(), failure.retry_after_ms ? size_t{2} : size_t{1}},
                  .problem = failure.message});
}

void GatewaySource::look_later() {
  if (look_timer_ != nullptr || (exchanges_.empty() && counting_.empty())) return;
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
  for (auto each = counting_.begin(); each != counting_.end();) {
    Counting& counting = each->second;
    if (counting.responder.awaited()) {
      ++each;
      continue;
    }
    if (counting.call) calls_.cancel(*counting.call);
    counters_->count(ApiEndpoint::kCount, kClientGone);
    ended(counting.body_bytes);
    each = counting_.erase(each);
  }
  look_later();
  tell_when_done();
}

void GatewaySource::begun(size_t body_bytes) {
  counters_->under_way.add(1);
  body_bytes_ += body_bytes;
}

void GatewaySource::ended(size_t body_bytes) {
  counters_->under_way.add(-1);
  body_bytes_ -= body_bytes;
}

// It has ended.
void GatewaySource::emit(const Exchange& exchange, int status, const AiAnswer* answer) {
  counters_->count(exchange.endpoint, status);
  ended(exchange.body_bytes);
  const std::string api = api_->name();
  std::string json = to_json({.api = api,
                              .id = exchange.id,
                              .model = exchange.asked.model,
                              .key = exchange.tenant,
                              .status = status,
                              .stream = exchange.asked.stream,
                              .took_ms = (context_.clock.monotonic_ns() - exchange.begun_ns) / kNsPerMs,
                              .answer = answer,
                              .request = config_.bodies ? &exchange.body : nullptr});
  RawBatch batch;
  batch.position = position_;
  position_ += static_cast<int64_t>(json.size()) + 1;
  batch.body = std::make_shared<const std::string>(std::move(json));
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
  if (!offered_ || !exchanges_.empty() || !counting_.empty()) return;
  context_.loop.post(std::exchange(offered_, nullptr));
}

void GatewaySource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  offered_ = nullptr;
  look_timer_.reset();
  for (auto& [number, exchange] : std::exchange(exchanges_, {})) {
    if (exchange.call) calls_.cancel(*exchange.call);
    ended(exchange.body_bytes);
    if (exchange.responder) refuse(*api_, exchange.endpoint, *exchange.responder, stopping());
  }
  for (auto& [number, counting] : std::exchange(counting_, {})) {
    if (counting.call) calls_.cancel(*counting.call);
    ended(counting.body_bytes);
    refuse(*api_, ApiEndpoint::kCount, counting.responder, stopping());
  }
  stop_serving();
  context_.loop.post(std::move(closed));
}

}  // namespace colloquium::components
