#include "app/provider_count.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "ai/access_reader.h"
#include "ai/http_transport.h"
#include "ai/token_counter.h"
#include "ai/token_estimate.h"
#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "config/ai_config.h"
#include "io/file_system.h"
#include "loop/uv_loop.h"

namespace colloquium::app {
namespace {

// A chat with this text, as a stage would ask it.
AiRequest chat_of(std::string model, std::string text) {
  AiRequest request;
  request.model = std::move(model);
  request.messages.push_back({AiRole::kUser, {AiText{std::move(text)}}});
  request.parameters.max_output_tokens = 1;  // which some want to be told
  request.stream = false;
  return request;
}

Result<const config::ComponentConfig*> provider_of(const config::PipelineConfig& config, const std::string& name) {
  const auto found = std::find_if(config.providers.begin(), config.providers.end(),
                                  [&](const config::ComponentConfig& each) { return each.name == name; });
  if (found != config.providers.end()) return &*found;
  std::string known;
  for (const config::ComponentConfig& each : config.providers) known += (known.empty() ? "" : ", ") + each.name;
  return fail(ErrorCode::kInvalidConfig, "pipeline '" + config.name + "' has no AI provider '" + name + "'" +
                                             (known.empty() ? "" : "; it has " + known));
}

// Of a loop that turns until there is an answer.
class Count {
 public:
  explicit Count(std::unique_ptr<loop::UvLoop> loop) : loop_(std::move(loop)) {}
  ~Count() {
    counter_.reset();
    transport_.reset();
    reader_.reset();
    loop_->close();
  }

  Result<int64_t> ask(const config::ComponentConfig& component, const std::string& base_dir,
                      const AiRequest& request) {
    TRY_ASSIGN(AiConnection connection, component.descriptor->create_provider(component.parsed, base_dir));
    TRY_ASSIGN(reader_, ai::AccessReader::create(*loop_, io::posix_file_system(), component.name,
                                                 std::move(connection.access), connection.key_file,
                                                 std::move(connection.read_key)));
    ai::ProviderSettings provider;
    provider.name = component.name;
    provider.provider = std::move(connection.provider);
    provider.access = [this] {
      AiAccess access = reader_->access();
      access.wall_ms = clock_.wall_ms();
      return access;
    };
    TRY(provider.provider->check(request));
    transport_ = std::make_unique<ai::HttpTransport>(*loop_, clock_, net::ClientOptions());
    counter_ = std::make_unique<ai::TokenCounter>(*loop_, clock_, *transport_);
    std::optional<ai::TokenCounter::Counted> counted;
    const bool asked = counter_->count(provider, request, [&](ai::TokenCounter::Counted said) {
      counted = std::move(said);
      loop_->stop();
    });
    if (!asked) {
      return fail(ErrorCode::kInvalidConfig,
                  "provider '" + component.name +
                      "' has no API that counts tokens; without --model they are counted here");
    }
    loop_->run();
    if (const auto* failure = std::get_if<AiFailure>(&*counted)) {
      return fail(ErrorCode::kUnavailable, "provider '" + component.name + "' did not count: " + failure->message);
    }
    return std::get<int64_t>(*counted);
  }

 private:
  SystemClock clock_;
  std::unique_ptr<loop::UvLoop> loop_;
  std::unique_ptr<ai::AccessReader> reader_;
  std::unique_ptr<ai::HttpTransport> transport_;
  std::unique_ptr<ai::TokenCounter> counter_;
};

}  // namespace

Result<ProviderCount> count_by_provider(const config::PipelineConfig& config, const std::string& model,
                                        std::string text) {
  const auto name = config::parse_model_name(model);
  if (!name) {
    return fail(
        ErrorCode::kInvalidConfig,
        "'" + model +
            "' is no model; write the provider's name, '/', and the model's, as in claude/claude-haiku-4-5");
  }
  TRY_ASSIGN(const config::ComponentConfig* const provider, provider_of(config, name->provider));
  const AiRequest request = chat_of(name->model, std::move(text));
  ThreadExecutor executor;
  TRY_ASSIGN(auto loop, loop::UvLoop::create(executor));
  Count count(std::move(loop));
  ProviderCount counted;
  TRY_ASSIGN(counted.tokens, count.ask(*provider, config.base_dir, request));
  counted.estimate =
      ai::TokenEstimates().input({provider->descriptor->name, provider->name, name->model}, request).tokens;
  return counted;
}

}  // namespace colloquium::app
