#include "components/bedrock/bedrock_embedding.h"

#include "base/assert.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;

void write_titan(json::Writer& out, const AiRequest& request, const ai::Extra& extra) {
  ASSERT(request.inputs.size() == 1);
  ai::write_member(out, "inputText", request.inputs.front());
  extra.write(out);
}

// What an embedding is for has to be said; most are stored, and questions say so by hand.
void write_cohere(json::Writer& out, const AiRequest& request, const ai::Extra& extra) {
  extra.set(out, "texts", request.inputs);
  if (!extra.has("input_type")) ai::write_member(out, "input_type", "search_document");
  extra.write(out);
}

}  // namespace

std::optional<EmbeddingShape> embedding_shape(std::string_view model) {
  if (model.find("amazon.titan-embed") != std::string_view::npos) return EmbeddingShape::kTitan;
  if (model.find("cohere.embed") != std::string_view::npos) return EmbeddingShape::kCohere;
  return std::nullopt;
}

Status check_embedding(const AiRequest& request) {
  const auto shape = embedding_shape(request.model);
  if (!shape) {
    return fail(ErrorCode::kInvalidConfig,
                "embeddings of Bedrock's are those of amazon.titan-embed… and cohere.embed…");
  }
  if (shape == EmbeddingShape::kTitan && request.inputs.size() > 1) {
    return fail(ErrorCode::kInvalidConfig, "'" + request.model + "' embeds one text at a time");
  }
  return {};
}

void write_embedding(json::Writer& out, const AiRequest& request) {
  const ai::Extra extra(request.parameters.extra);
  out.begin_object();
  if (embedding_shape(request.model) == EmbeddingShape::kTitan) {
    write_titan(out, request, extra);
  } else {
    write_cohere(out, request, extra);
  }
  out.end_object();
}

// Titan: `embedding`. Cohere: `embeddings`, or its `float` where more than one type can be asked for.
std::optional<std::vector<std::vector<float>>> read_embeddings(const std::optional<json::ValueView>& root) {
  std::vector<std::vector<float>> all;
  bool good = true;
  const auto add = [&](const json::ValueView& value) {
    auto vector = JsonReader::floats(value);
    good = good && vector && !vector->empty();
    if (good) all.push_back(*std::move(vector));
  };
  const auto many = JsonReader::member(root, "embeddings");
  if (const auto one = JsonReader::member(root, "embedding")) add(*one);
  JsonReader::for_each(many, add);
  JsonReader::for_each(JsonReader::member(many, "float"), add);
  if (!good || all.empty()) return std::nullopt;
  return all;
}

}  // namespace colloquium::components
