#include "ai/token_counter.h"

#include <string>
#include <utility>

#include "ai/failure_text.h"
#include "ai/failures.h"
#include "base/assert.h"

namespace colloquium::ai {
namespace {

constexpr size_t kBodyBytesMax = size_t{64} << 10;

// The body of a 200 is the count's; what is refused, the provider's own decoder understands.
class CountDecoder final : public AiDecoder {
 public:
  CountDecoder(AiCounting counting, std::unique_ptr<AiDecoder> refusals)
      : read_(std::move(counting.read)), refusals_(std::move(refusals)) {}

  void head(const AiHead& head, const AiTake& take) override {
    is_success_ = is_success(head.status);
    if (!is_success_) refusals_->head(head, take);
  }
  void bytes(std::string_view bytes, const AiTake& take) override {
    if (!is_success_) return refusals_->bytes(bytes, take);
    body_ += bytes.substr(0, kBodyBytesMax - body_.size());
  }
  void end(const AiTake& take) override {
    if (!is_success_) return refusals_->end(take);
    const Result<int64_t> tokens = read_(body_);
    if (!tokens) return take(AiFailure{AiFailureKind::kTransient, tokens.error().message, std::nullopt, 0});
    AiUsage usage;
    usage.input = *tokens;
    take(usage);
    take(AiFinished{});
  }

 private:
  const std::function<Result<int64_t>(std::string_view)> read_;
  const std::unique_ptr<AiDecoder> refusals_;
  std::string body_;
  bool is_success_ = false;
};

}  // namespace

TokenCounter::TokenCounter(Loop& loop, const Clock& clock, AiTransport& transport)
    : loop_(loop), clock_(clock), transport_(transport) {}

TokenCounter::Number TokenCounter::count(const ProviderSettings& provider, const AiRequest& request, Done done) {
  LOOP_ASSERT(loop_);
  const AiAccess access = provider.access();
  std::optional<AiCounting> counting;
  if (request.task == AiTask::kChat) counting = provider.provider->counting(request, access);
  if (!counting) return 0;
  if (under_way_.size() >= kUnderWayMax) {
    (void)loop_.post(alive_.guard([done = std::move(done)]() mutable {
      done(AiFailure{AiFailureKind::kThrottled, "too many counts are under way", 1000, 0});
    }));
    return ++last_;
  }
  AiHttpRequest http = std::move(counting->request);
  auto decoder = std::make_unique<CountDecoder>(*std::move(counting), provider.provider->decoder(request));
  AiTransport& transport = provider.transport_or(transport_);
  const Number number = ++last_;
  auto& attempt = under_way_[number];
  attempt = std::make_unique<CallAttempt>(loop_, clock_, transport, provider.timeouts, kBodyBytesMax,
                                          std::move(decoder));
  attempt->send(std::move(http), nullptr,
                alive_.guard([this, number, access, done = std::move(done)](AttemptEnd end) mutable {
                  under_way_.erase(number);
                  make_presentable(end.failure, access);
                  if (end.how != AttemptEnds::kAnswered) return done(std::move(end.failure));
                  done(end.usage.input.value_or(0));
                }));
  return number;
}

}  // namespace colloquium::ai
