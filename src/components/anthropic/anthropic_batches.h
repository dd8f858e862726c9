// AnthropicBatches: message batches of Anthropic: made of all requests in one, and answered in one list of lines.
//
// Source: Anthropic's published SDKs, resources/messages/batches. Nothing names a batch by what its maker called
// it: one that nobody knows the fate of stays unknown.
//
// Thread safety: immutable, any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "colloquium/ai_batches.h"

#include "components/anthropic/anthropic_dialect.h"

namespace colloquium::components {

class AnthropicBatches final : public AiBatches {
 public:
  explicit AnthropicBatches(AnthropicDialect dialect) : dialect_(std::move(dialect)) {}

  Limits limits() const override;
  AiBatchPlace first() const override { return {AiBatchStep::kCreate, {}, {}, {}}; }
  bool can_find() const override { return false; }
  AiHttpRequest encode(const AiBatchPlace& at, const AiBatchSending& sending,
                       const AiAccess& access) const override;
  AiBatchTurn read(const AiBatchPlace& at, const AiBatchSending& sending, const AiHead& head,
                   std::string_view body) const override;
  bool is_own_error(std::string_view body) const override;
  Result<AiBatchResult> result(std::string_view line) const override;
  std::string result_of(std::string_view beginning) const override;

 private:
  const AnthropicDialect dialect_;
};

}  // namespace colloquium::components
