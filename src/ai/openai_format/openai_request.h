// What is asked in the wire format of OpenAI's chat completions and embeddings, which OpenAI, Azure and many other
// servers speak; where it is sent, and as whom, is theirs to say.
//
// Source: OpenAI's published OpenAPI description, paths /chat/completions and /embeddings.
//
// Thread safety: pure functions.
#pragma once

#include <vector>

#include "colloquium/ai_provider.h"

#include "json/writer.h"

namespace colloquium::ai {

struct OpenAiDialect {
  // Reasoning models refuse `max_tokens`, older servers do not know `max_completion_tokens`.
  bool old_max_tokens = false;
  // False: the server does not know `stream_options`.
  bool stream_usage = true;
};

// The members that a schema has in this API and in the other one of OpenAI's. REQUIRES: there is one.
void write_schema_terms(json::Writer& out, const AiRequest& request);

Status check_openai(const AiRequest& request);

// REQUIRES: check_openai() holds. A stream is asked for its usage, as without it its cost is not known.
std::vector<char> openai_body(const AiRequest& request, const OpenAiDialect& dialect);

}  // namespace colloquium::ai
