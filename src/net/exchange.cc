#include "net/exchange.h"

#include "base/assert.h"

namespace colloquium::net {

Responder::~Responder() {
  if (exchanges_ != nullptr) fail({.status = 500, .detail = "the request was given up without an answer"});
}

void Responder::give_back() {
  ASSERT_WHY(exchanges_ != nullptr, "a request is answered once");
  exchanges_->give_back(exchange_);
}

void Responder::send(const Response& response) {
  ASSERT_WHY(exchanges_ != nullptr, "a request is answered once");
  // Taken out first: the answer may let the connection go, and with it whoever holds this Responder.
  const std::shared_ptr<Exchanges> exchanges = std::move(exchanges_);
  exchanges->answer(exchange_, response);
}

void Responder::fail(const Problem& problem) {
  ASSERT_WHY(exchanges_ != nullptr, "a request is answered once");
  const std::shared_ptr<Exchanges> exchanges = std::move(exchanges_);
  answer_problem(*exchanges, exchange_, problem);
}

AnswerStream Responder::stream(const Response& head) {
  ASSERT_WHY(exchanges_ != nullptr, "a request is answered once");
  std::shared_ptr<Exchanges> exchanges = std::move(exchanges_);
  exchanges->begin(exchange_, head);
  return {std::move(exchanges), exchange_};
}

AnswerStream::~AnswerStream() {
  if (exchanges_ != nullptr) exchanges_->end(exchange_, false);
}

void AnswerStream::write(std::string_view piece) {
  ASSERT_WHY(exchanges_ != nullptr, "nothing is written behind the end");
  // Kept: what is written may let the connection go, and with it whoever holds this.
  const std::shared_ptr<Exchanges> exchanges = exchanges_;
  if (!piece.empty()) exchanges->write(exchange_, piece);
}

void AnswerStream::finish() {
  ASSERT_WHY(exchanges_ != nullptr, "an answer ends once");
  const std::shared_ptr<Exchanges> exchanges = std::move(exchanges_);
  exchanges->end(exchange_, true);
}

void answer_problem(Exchanges& exchanges, uint64_t exchange, const Problem& problem) {
  std::vector<HeaderField> headers;
  headers.reserve(problem.headers.size());
  for (const auto& [name, value] : problem.headers) headers.push_back({name, value});
  const bool worded = !problem.body.empty();
  const std::string body = worded ? problem.body : problem.to_json();
  exchanges.answer(exchange, {.status = problem.status,
                              .content_type = worded ? "application/json" : "application/problem+json",
                              .body = body,
                              .headers = headers,
                              .close = problem.close,
                              .problem = problem.detail});
}

}  // namespace colloquium::net
