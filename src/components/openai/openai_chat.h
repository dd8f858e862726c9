// OpenAiChat: the wire format of OpenAI's chat completions and embeddings, which many other servers speak, too.
//
// Source: OpenAI's published OpenAPI description, paths /chat/completions and /embeddings. What other servers leave out
// is not missed: `usage`, the `[DONE]` at the end, ids of tool calls. `stream_options.include_usage` is always asked
// for, as without it a stream's cost is not known.
//
// Thread safety: immutable, any thread.
#pragma once

#include "colloquium/ai_provider.h"

namespace colloquium::components {

struct OpenAiDialect {
  // Reasoning models refuse `max_tokens`, older servers do not know `max_completion_tokens`.
  bool old_max_tokens = false;
  // False: the server does not know `stream_options`.
  bool stream_usage = true;
};

class OpenAiChat final : public AiProvider {
 public:
  explicit OpenAiChat(OpenAiDialect dialect = {}) : dialect_(dialect) {}

  Status check(const AiRequest& request) const override;
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;

 private:
  const OpenAiDialect dialect_;
};

// What an answer that is no 2xx means. `body` may be anything.
AiFailure openai_failure(const AiHead& head, std::string_view body);

}  // namespace colloquium::components
