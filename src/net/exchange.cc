#include "net/exchange.h"

#include "base/assert.h"

namespace colloquium::net {

Responder::~Responder() {
  if (exchanges_ != nullptr) fail({.status = 500, .detail = "the request was given up without an answer"});
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

void answer_problem(Exchanges& exchanges, uint64_t exchange, const Problem& problem) {
  std::vector<HeaderField> headers;
  headers.reserve(problem.headers.size());
  for (const auto& [name, value] : problem.headers) headers.push_back({name, value});
  const std::string body = problem.to_json();
  exchanges.answer(exchange, {.status = problem.status,
                              .content_type = "application/problem+json",
                              .body = body,
                              .headers = headers,
                              .close = problem.close,
                              .problem = problem.detail});
}

}  // namespace colloquium::net
