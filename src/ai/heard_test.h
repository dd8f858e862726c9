// What tests of providers hear of a decoder: its outputs joined, and that exactly one of them ended the call.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/ai_provider.h"

namespace colloquium::ai {

struct Heard {
  std::string text, reasoning;
  std::vector<std::string> calls;  // "id name arguments"
  std::vector<AiEmbedding> embeddings;
  AiUsage usage;  // the newest of each bucket
  std::optional<AiFinished> finished;
  std::optional<AiFailure> failure;
  int ends = 0;

  void operator()(const AiOutput& output) {
    CHECK(ends == 0);
    if (const auto* delta = std::get_if<AiTextDelta>(&output)) text += delta->text;
    if (const auto* delta = std::get_if<AiReasoningDelta>(&output)) reasoning += delta->text;
    if (const auto* delta = std::get_if<AiToolCallDelta>(&output)) call(*delta);
    if (const auto* found = std::get_if<AiEmbedding>(&output)) embeddings.push_back(*found);
    if (const auto* found = std::get_if<AiUsage>(&output)) add(*found);
    if (const auto* found = std::get_if<AiFinished>(&output)) finished = *found;
    if (const auto* found = std::get_if<AiFailure>(&output)) failure = *found;
    if (finished || failure) ++ends;
  }

 private:
  void call(const AiToolCallDelta& delta) {
    if (delta.index >= calls.size()) calls.resize(delta.index + 1);
    std::string& all = calls[delta.index];
    if (!delta.id.empty()) all += std::string(delta.id) + " " + std::string(delta.name) + " ";
    all += delta.arguments;
  }
  void add(const AiUsage& newer) {
    for (const auto bucket : {&AiUsage::input, &AiUsage::cache_read, &AiUsage::cache_write_5m, &AiUsage::cache_write_1h,
                              &AiUsage::output, &AiUsage::reasoning}) {
      if (newer.*bucket) usage.*bucket = newer.*bucket;
    }
  }
};

struct Answer {
  std::string body;
  std::string type = "text/event-stream; charset=utf-8";
  int status = 200;
  size_t step = 1u << 20;  // bytes that come at a time
  std::vector<std::pair<std::string, std::string>> headers;
};

inline Heard hear(AiDecoder& decoder, const Answer& answer) {
  Heard heard;
  const AiTake take = [&heard](const AiOutput& output) { heard(output); };
  AiHead head{answer.status, answer.headers};
  head.headers.emplace_back("Content-Type", answer.type);
  decoder.head(head, take);
  for (size_t at = 0; at < answer.body.size(); at += answer.step) {
    decoder.bytes(std::string_view(answer.body).substr(at, answer.step), take);
  }
  decoder.end(take);
  CHECK(heard.ends == 1);
  return heard;
}

// `whole` with a few bytes changed, gone, or there twice.
inline std::string damaged(const std::string& whole, std::mt19937_64& random) {
  std::string text = whole;
  for (uint64_t changes = random() % 4 + 1; changes > 0 && !text.empty(); --changes) {
    const size_t at = random() % text.size();
    switch (random() % 3) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, random() % 20);
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 30));
    }
  }
  return text;
}

}  // namespace colloquium::ai
