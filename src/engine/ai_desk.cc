#include "engine/ai_desk.h"

#include <algorithm>
#include <set>
#include <utility>

#include "ai/http_transport.h"
#include "ai/redaction.h"
#include "base/assert.h"
#include "base/logging.h"
#include "config/paths.h"
#include "engine/replay.h"
#include "io/file_system.h"
#include "loop/uv_loop.h"

namespace colloquium::engine {

namespace {

constexpr size_t kPricesBytesMax = size_t{16} << 20;

ai::RateLimitSpec rate_of(const config::AiLimitsConfig& limits) {
  return {.requests = limits.requests,
          .tokens = limits.tokens,
          .per_ms = limits.per.ms,
          .request_burst = limits.request_burst,
          .token_burst = limits.token_burst};
}

ai::ProviderSettings provider_of(const config::ComponentConfig& component) {
  const config::ProviderSettings& from = component.provider;
  ai::ProviderSettings to;
  to.name = component.name;
  to.kind = component.descriptor->name;
  to.key = component.name;
  if (from.limits) to.rate = rate_of(*from.limits);
  for (const auto& [name, model] : from.models) {
    ai::ModelSettings& settings = to.models[name];
    settings.rate = model.limits ? rate_of(*model.limits) : to.rate;
    settings.max_output_tokens = model.max_output_tokens;
  }
  to.connections = static_cast<size_t>(from.connections);
  to.timeouts = {.connect_ms = from.timeouts.connect.ms,
                 .first_byte_ms = from.timeouts.first_byte.ms,
                 .silence_ms = from.timeouts.silence.ms,
                 .total_ms = from.timeouts.total.ms};
  to.retry.attempts = from.retry.attempts;
  to.retry.first_ms = from.retry.initial.ms;
  to.retry.max_ms = from.retry.max.ms;
  to.breaker.failures = from.breaker.failures;
  to.breaker.open_ms = from.breaker.open.ms;
  return to;
}

ai::BudgetWindow window_of(config::AiWindow window) {
  switch (window) {
    case config::AiWindow::kHour:
      return ai::BudgetWindow::kHour;
    case config::AiWindow::kDay:
      return ai::BudgetWindow::kDay;
    case config::AiWindow::kMonth:
      return ai::BudgetWindow::kMonth;
    case config::AiWindow::kTotal:
      return ai::BudgetWindow::kTotal;
  }
  return ai::BudgetWindow::kDay;
}

ai::BudgetSettings budget_of(const config::AiBudgetConfig& from) {
  ai::BudgetSettings to;
  to.spec = {.name = from.name,
             .scope = {.pipeline = from.pipeline, .provider = from.provider, .model = from.model, .key = from.key},
             .window = window_of(from.window),
             .limit = from.limit,
             .alert_percents = {from.alerts.begin(), from.alerts.end()}};
  if (const auto model = config::parse_model_name(from.then.switch_to)) {
    to.on_exceeded = ai::OnExceeded::kSwitch;
    to.switch_to = AiModelChoice{model->provider, model->model, 1};
  } else if (from.then.action == config::AiBudgetAction::kDeadLetter) {
    to.on_exceeded = ai::OnExceeded::kFail;
  } else if (from.then.action == config::AiBudgetAction::kWait) {
    to.on_exceeded = ai::OnExceeded::kWait;
  }
  return to;
}

Result<ai::PriceTable> prices_of(const config::PipelineConfig& config) {
  if (config.ai->prices.empty()) return ai::PriceTable::built_in();
  const std::string path = config::resolved_path(config.base_dir, config.ai->prices);
  TRY_ASSIGN(const std::string text, io::read_file(io::posix_file_system(), path, kPricesBytesMax));
  TRY_ASSIGN(const ai::PriceTable own, ai::PriceTable::parse(text, path));
  return ai::PriceTable::built_in().overridden_by(own);
}

Status take_redaction(const config::AiConfig& config, ai::CallSettings& settings) {
  if (config.redact.empty()) return {};
  std::vector<std::string> kinds;
  std::vector<std::pair<std::string, std::string>> own;
  for (const config::AiRedactConfig& rule : config.redact) {
    if (rule.expression.empty()) {
      kinds.push_back(rule.name);
    } else {
      own.emplace_back(rule.name, rule.expression);
    }
  }
  TRY_ASSIGN(const std::shared_ptr<const ai::Redaction> redaction, ai::Redaction::create(kinds, own));
  settings.redact = [redaction](std::string text) { return (*redaction)(std::move(text)); };
  return {};
}

// A restart reads back what any of those who ask may still be given.
int64_t cache_ttl_of(const config::PipelineConfig& config) {
  int64_t longest_ms = 0;
  for (const auto* section : {&config.sources, &config.stages}) {
    for (const config::ComponentConfig& each : *section) {
      if (each.descriptor == nullptr || !each.descriptor->keeps_answers_ms) continue;
      longest_ms = std::max(longest_ms, each.descriptor->keeps_answers_ms(each.parsed));
    }
  }
  return config.ai->cache ? std::max(longest_ms, config.ai->cache->ttl.ms) : longest_ms;
}

// All of it that no process has a part in.
Result<ai::CallSettings> settings_of(const config::PipelineConfig& config) {
  const config::AiConfig& from = *config.ai;
  ai::CallSettings settings;
  settings.pipeline = config.name;
  settings.records = config.name;
  for (const auto* section : {&config.sources, &config.stages}) {
    for (const config::ComponentConfig& each : *section) settings.askers.push_back(each.name);
  }
  settings.retention_ms = from.calls.retention.time.ms;
  settings.retention_bytes = static_cast<uint64_t>(from.calls.retention.size.bytes);
  TRY_ASSIGN(settings.prices, prices_of(config));
  settings.unpriced = from.unpriced.reserve;
  for (const config::AiBudgetConfig& budget : from.budgets) settings.budgets.push_back(budget_of(budget));
  if (from.cache) settings.cache_bytes = static_cast<size_t>(from.cache->size.bytes);
  settings.cache_ttl_max_ms = cache_ttl_of(config);
  if (from.audit) {
    settings.audit = {.on = true,
                      .bodies = from.audit->bodies,
                      .retention_ms = from.audit->retention.time.ms,
                      .retention_bytes = static_cast<uint64_t>(from.audit->retention.size.bytes)};
  }
  TRY(take_redaction(from, settings));
  return settings;
}

// A generation of its own, so that nothing of it is taken for the pipeline's.
void take_replay(const Replay& replay, bool fresh, ai::CallSettings& settings) {
  const std::string pipeline = settings.records;
  settings.records = ai_records(replay, pipeline);
  if (fresh) return;
  settings.replay_of.push_back(pipeline);
  // "<pipeline>" or "<pipeline>.<stage>", of whichever pipeline that is: what is none has no records.
  for (const std::string& other : {replay.stream, replay.stream.substr(0, replay.stream.rfind('.'))}) {
    const auto& known = settings.replay_of;
    if (std::find(known.begin(), known.end(), other) == known.end()) settings.replay_of.push_back(other);
  }
}

}  // namespace

void check_ai(const config::PipelineConfig& config, ConfigProblems& problems) {
  if (!config.ai) return;
  const auto settings = settings_of(config);
  if (!settings) problems.push_back({config.ai->mark, "ai: " + settings.error().describe(), false});
  std::set<std::string> names;
  for (const config::ComponentConfig& provider : config.providers) names.insert(provider.name);
  for (const config::AiBudgetConfig& budget : config.ai->budgets) {
    const auto model = config::parse_model_name(budget.then.switch_to);
    if (!model || names.count(model->provider) > 0) continue;
    problems.push_back({budget.mark,
                        "budget " + budget.name + " switches to '" + budget.then.switch_to +
                            "', and there is no provider '" + model->provider + "'",
                        false});
  }
}

Result<ai::CallSettings> offline_ai(const config::PipelineConfig& config) {
  ASSERT(config.ai.has_value());
  TRY_ASSIGN(ai::CallSettings settings, settings_of(config));
  for (const config::ComponentConfig& component : config.providers) {
    TRY_ASSIGN(AiConnection connection, component.descriptor->create_provider(component.parsed, config.base_dir));
    settings.providers.push_back(provider_of(component));
    settings.providers.back().provider = std::move(connection.provider);
  }
  return settings;
}

Status AiDesk::take_providers(const config::PipelineConfig& config, const Environment& environment,
                              ai::CallSettings& settings) {
  auto* files = environment.services.find<io::FileSystem>();
  for (const config::ComponentConfig& component : config.providers) {
    TRY_ASSIGN(AiConnection connection, component.descriptor->create_provider(component.parsed, config.base_dir));
    TRY_ASSIGN(auto reader,
               ai::AccessReader::create(environment.loop, files == nullptr ? io::posix_file_system() : *files,
                                        component.name, std::move(connection.access), connection.key_file,
                                        std::move(connection.read_key)));
    ai::ProviderSettings provider = provider_of(component);
    provider.provider = std::move(connection.provider);
    provider.access = [reader = reader.get(), &clock = environment.clock] {
      AiAccess access = reader->access();
      access.wall_ms = clock.wall_ms();
      return access;
    };
    if (connection.program && environment.services.find<ai::AiTransport>() == nullptr) {
      take_program(config.name + "/" + component.name, *std::move(connection.program), environment, provider);
    }
    access_.push_back(std::move(reader));
    settings.providers.push_back(std::move(provider));
  }
  return {};
}

void AiDesk::take_program(const std::string& name, AiProgram program, const Environment& environment,
                          ai::ProviderSettings& provider) {
  auto* const loop = environment.services.find<loop::UvLoop>();
  ASSERT_WHY(loop != nullptr, "programs are the libuv loop's");
  programs_.push_back(std::make_unique<ai::ChildTransport>(*loop, environment.clock, environment.random, name,
                                                           std::move(program)));
  provider.transport = programs_.back().get();
}

Result<std::unique_ptr<AiDesk>> AiDesk::create(const config::PipelineConfig& config, Environment& environment,
                                               log::Log* log) {
  ASSERT(config.ai.has_value());
  const Replay* const replay = environment.replay.get();
  if (replay != nullptr && log == nullptr && !environment.fresh_ai) {
    return fail(ErrorCode::kConflict,
                "the recorded answers of models can't be read while another process has the data directory, and "
                "asking again would be paid again; stop that process, or say --fresh-ai",
                config.name);
  }
  std::unique_ptr<AiDesk> desk(new AiDesk());
  TRY_ASSIGN(ai::CallSettings settings, settings_of(config));
  if (replay != nullptr) take_replay(*replay, environment.fresh_ai, settings);
  TRY(desk->take_providers(config, environment, settings));
  auto* transport = environment.services.find<ai::AiTransport>();
  if (transport == nullptr) {
    auto* const loop = environment.services.find<loop::UvLoop>();
    ASSERT_WHY(loop != nullptr, "sockets are the libuv loop's");
    net::ClientOptions options;
    options.connections_per_host = 0;
    for (const auto& provider : settings.providers) options.connections_per_host += provider.connections;
    options.connections = std::max(options.connections, options.connections_per_host);
    desk->own_transport_ = std::make_unique<ai::HttpTransport>(*loop, environment.clock, options);
    transport = desk->own_transport_.get();
  }
  auto* book = environment.services.find<ai::BudgetBook>();
  if (book == nullptr) {
    desk->own_book_ = std::make_unique<ai::BudgetBook>();
    book = desk->own_book_.get();
  }
  ai::Models::Found found = nullptr;
  if (environment.metrics != nullptr) {
    desk->metrics_ = std::make_unique<AiMetrics>(config, *environment.metrics, environment.loop);
    found = [metrics = desk->metrics_.get()](const std::string& provider, const std::string& model,
                                             const ai::ModelCounters& counters) {
      metrics->add(provider, model, counters);
    };
  }
  TRY_ASSIGN(desk->calls_, ai::Calls::create(std::move(settings), {.log = log,
                                                                   .loop = environment.loop,
                                                                   .clock = environment.clock,
                                                                   .random = environment.random,
                                                                   .transport = *transport,
                                                                   .book = *book,
                                                                   .found_model = std::move(found)}));
  if (desk->metrics_ != nullptr) {
    desk->metrics_->watch_budgets([calls = desk->calls_.get()] { return calls->budgets(); });
  }
  return desk;
}

AiDesk::~AiDesk() {
  if (metrics_ != nullptr) metrics_->stop();
}

std::vector<ComponentHealth> AiDesk::health() const {
  std::vector<ComponentHealth> all;
  for (const ai::ModelHealth& model : calls_->health()) {
    ComponentHealth health{.name = "model " + model.provider + "/" + model.model, .healthy = true, .detail = {}};
    if (model.left_alone_ms) {
      health.healthy = false;
      health.detail = *model.left_alone_ms > 0
                          ? "left alone for " + std::to_string((*model.left_alone_ms + 999) / 1000) + " s: "
                          : "the next call shows whether it answers again: ";
      health.detail += model.last_error;
    }
    all.push_back(std::move(health));
  }
  return all;
}

void AiDesk::close(Task closed) {
  calls_->close([this, closed = std::move(closed)]() mutable { close_programs(std::move(closed)); });
}

void AiDesk::close_programs(Task closed) {
  // Each tells when it is gone; the last one of them closes the desk.
  const auto last = std::make_shared<Task>(std::move(closed));
  const auto left = std::make_shared<size_t>(programs_.size());
  if (*left == 0) return (*last)();
  for (const auto& program : programs_) {
    program->close([last, left] {
      if (--*left == 0) (*last)();
    });
  }
}

}  // namespace colloquium::engine
