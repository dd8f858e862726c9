// Answers as OpenAI's API gives them.
//
// Thread safety: an OpenAiAnswerWriter belongs to one thread. Source: OpenAI's published OpenAPI description.
#pragma once

#include <cstdint>
#include <string>

#include "components/gateway/gateway_api.h"
#include "json/writer.h"

namespace colloquium::components {

class OpenAiAnswerWriter final : public AnswerWriter {
 public:
  OpenAiAnswerWriter(const ApiRequest& request, const ApiAnswerHead& head);

  void output(const AiOutput& output, std::string& out) override;
  void finish(const AiAnswer& answer, std::string& out) override;
  void fail(const ApiFailure& failure, std::string& out) override;
  std::string whole(const AiAnswer& answer) override;

 private:
  template <class Delta>
  void chunk(std::string& out, Delta delta, const char* finish);
  void begin(std::string& out);
  void usage_chunk(const AiUsage& usage, std::string& out);
  std::string embeddings(const AiAnswer& answer) const;
  void head_of(json::Writer& out, const char* object) const;

  const std::string model_;
  const bool embeds_;
  const bool base64_;
  const bool stream_usage_;
  const std::string id_;
  const int64_t created_s_;
  bool begun_ = false;
};

std::string openai_failure_json(const ApiFailure& failure);

}  // namespace colloquium::components
