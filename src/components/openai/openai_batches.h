// OpenAiBatches: batches of OpenAI: a file of requests, one a line, a batch made of it, and files of answers.
//
// Source: OpenAI's published OpenAPI description, paths /files and /batches. A batch is named by its metadata, so
// one that nobody knows the fate of is found again in the list of all of them, which is read page by page.
//
// Thread safety: immutable, any thread.
#pragma once

#include "colloquium/ai_batches.h"

namespace colloquium::components {

class OpenAiBatches final : public AiBatches {
 public:
  // Where chats are asked: "/v1/chat/completions", or "/v1/responses". REQUIRES: a literal.
  explicit OpenAiBatches(const char* chat_path) : chat_path_(chat_path) {}

  Limits limits() const override;
  AiBatchPlace first() const override { return {AiBatchStep::kUpload, {}, {}, {}}; }
  bool can_find() const override { return true; }
  AiHttpRequest encode(const AiBatchPlace& at, const AiBatchSending& sending,
                       const AiAccess& access) const override;
  AiBatchTurn read(const AiBatchPlace& at, const AiBatchSending& sending, const AiHead& head,
                   std::string_view body) const override;
  bool is_own_error(std::string_view body) const override;
  Result<AiBatchResult> result(std::string_view line) const override;
  std::string result_of(std::string_view beginning) const override;

 private:
  const char* path(AiTask task) const;
  AiHttpRequest upload(const AiBatchSending& sending, const AiAccess& access) const;
  AiHttpRequest create(const AiBatchPlace& at, const AiBatchSending& sending, const AiAccess& access) const;

  const char* const chat_path_;
};

}  // namespace colloquium::components
