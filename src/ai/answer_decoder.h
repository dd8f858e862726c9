// AnswerDecoder: what the decoders of all providers do alike with an HTTP answer: keep its head, cut a stream into
// events or keep a body whole, both bounded, end once, and see to it that an answer that breaks off has failed.
//
// Thread safety: one thread.
#pragma once

#include <string>

#include "colloquium/ai_provider.h"

#include "ai/json_text.h"
#include "net/event_stream.h"

namespace colloquium::ai {

// How messages quote what a provider sent.
std::string_view quoted(std::string_view text);

class AnswerDecoder : public AiDecoder {
 public:
  AnswerDecoder();

  void head(const AiHead& head, const AiTake& take) final;
  void bytes(std::string_view bytes, const AiTake& take) final;
  void end(const AiTake& take) final;

 protected:
  // An event of a stream.
  virtual void event(const net::StreamedEvent& event, const AiTake& take) = 0;
  // The stream has ended, and nothing said that the answer is complete: it broke off, unless this knows better.
  virtual void stream_end(const AiTake& take);
  // All of an answer that is no stream. It has to end the call.
  virtual void whole(std::string_view body, const AiTake& take) = 0;
  // What an answer that is no 2xx means; of the body, as much as is kept of one.
  virtual AiFailure refusal(const AiHead& head, std::string_view body) = 0;

  // The end of the call, each of them.
  void finish(AiFinished finished, const AiTake& take);
  void failed(AiFailure failure, const AiTake& take);
  void broken(std::string message, const AiTake& take);
  bool ended() const { return ended_; }

  JsonReader reader_;

 private:
  AiHead head_;
  net::EventStreamParser events_;
  std::string body_;
  bool streams_ = false;
  bool ended_ = false;
};

}  // namespace colloquium::ai
