// AnswerDecoder: what the decoders of all providers do alike with an HTTP answer: keep its head, cut a stream into
// pieces or keep a body whole, both bounded, end once, and see to it that an answer that breaks off has failed.
// What they keep to read an answer goes with its end, not with the decoder, which may be there as long as its
// connection.
//
// What a piece is differs: EventAnswerDecoder has events (text/event-stream), LineAnswerDecoder has lines
// (application/x-ndjson); a provider with another kind of stream takes its bytes itself.
//
// Thread safety: one thread.
#pragma once

#include <optional>
#include <string>

#include "colloquium/ai_provider.h"

#include "ai/json_text.h"
#include "net/event_stream.h"

namespace colloquium::ai {

// How messages quote what a provider sent: its beginning, which ends with a whole character.
std::string_view quoted(std::string_view text);

class AnswerDecoder : public AiDecoder {
 public:
  static constexpr size_t kPieceBytesMax = size_t{16} << 20;
  // Of an answer that is no stream.
  static constexpr size_t kBodyBytesMax = size_t{64} << 20;
  // Each takes a place on the tape, which is larger than the value may be. 2048 vectors of 3072 numbers fit.
  static constexpr size_t kValuesMax = 8'000'000;

  // The media type of an answer that is a stream; anything else is whole. REQUIRES: a literal.
  explicit AnswerDecoder(std::string_view stream_type) : stream_type_(stream_type) {}

  void head(const AiHead& head, const AiTake& take) final;
  void bytes(std::string_view bytes, const AiTake& take) final;
  void end(const AiTake& take) final;

 protected:
  // Bytes of a stream, as they come.
  virtual void stream(std::string_view bytes, const AiTake& take) = 0;
  // The stream has ended, and nothing said that the answer is complete: it broke off, unless this knows better.
  virtual void stream_end(const AiTake& take);
  // All of an answer that is no stream. It has to end the call.
  virtual void whole(std::string_view body, const AiTake& take) = 0;
  // Once it has ended, or behind a piece: memory that nothing more needs is given back.
  virtual void let_go();
  // What an answer that is no 2xx means; of the body, as much as is kept of one.
  virtual AiFailure refusal(const AiHead& head, std::string_view body) = 0;

  // The end of the call, each of them.
  void finish(AiFinished finished, const AiTake& take);
  // As the provider says; a refusal where nothing came before it, so what else an answer has goes first.
  void failed(AiFailure failure, const AiTake& take);
  void broken(std::string message, const AiTake& take);
  // Of what is sent at no other size if it is asked again: the caller's matter.
  void too_large(std::string message, const AiTake& take);
  void too_long(const AiTake& take);  // a piece
  bool ended() const { return ended_; }
  const AiHead& answer_head() const { return head_; }

  JsonReader reader_;

 private:
  void keep(std::string_view bytes, const AiTake& take);
  void fail(AiFailure failure, const AiTake& take);
  AiTake noting(const AiTake& take);

  const std::string_view stream_type_;
  AiHead head_;
  std::string body_;
  size_t commas_ = 0;  // in it: an answer has about as many values
  bool streams_ = false;
  bool has_given_ = false;  // anything
  bool ended_ = false;
};

class EventAnswerDecoder : public AnswerDecoder {
 public:
  EventAnswerDecoder();

 protected:
  virtual void event(const net::StreamedEvent& event, const AiTake& take) = 0;

 private:
  void stream(std::string_view bytes, const AiTake& take) final;
  void let_go() final;

  std::optional<net::EventStreamParser> events_;  // until the end
};

class LineAnswerDecoder : public AnswerDecoder {
 public:
  LineAnswerDecoder() : AnswerDecoder("application/x-ndjson") {}

 protected:
  // Without its line break, and never empty.
  virtual void line(std::string_view line, const AiTake& take) = 0;

 private:
  void stream(std::string_view bytes, const AiTake& take) final;
  // The last line may come without its break.
  void stream_end(const AiTake& take) final;
  void let_go() final;
  void hand_on(std::string_view line, const AiTake& take);

  std::string rest_;  // of a line whose end has not come
};

}  // namespace colloquium::ai
