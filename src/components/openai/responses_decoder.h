// ResponsesDecoder: what an answer of OpenAI's responses API says, as it comes.
//
// A stream is of typed events about items of output, and ends with one that holds the whole response: completed,
// incomplete or failed. An `error` may come instead.
//
// Thread safety: one thread.
#pragma once

#include <map>
#include <string>

#include "colloquium/ai_provider.h"

#include "ai/answer_decoder.h"

namespace colloquium::components {

class ResponsesDecoder final : public ai::EventAnswerDecoder {
 private:
  struct Call {
    size_t number = 0;  // among the calls
    bool told = false;  // its arguments, or a part of them
  };

  void event(const net::StreamedEvent& event, const AiTake& take) override;
  void whole(std::string_view body, const AiTake& take) override;
  AiFailure refusal(const AiHead& head, std::string_view body) override;

  void item_begins(const json::ValueView& root, const AiTake& take);
  void arguments(const json::ValueView& root, const char* key, const AiTake& take);
  void whole_item(int64_t index, const json::ValueView& item, const AiTake& take);
  // The end of the call, as the response tells it.
  void end_by(const std::optional<json::ValueView>& response, std::string_view text, const AiTake& take);

  std::map<int64_t, Call> calls_;  // by their place among the items
  std::string scratch_[2];
};

}  // namespace colloquium::components
