// ChildTransport: requests to a provider that is a program of the user's, over its standard streams.
//
//   it reads     {"id":7,"task":"chat",…}          it writes    {"id":7,"text":"Hel"}
//                {"id":7,"cancel":true}                         {"id":7,"text":"lo","finish":"stop"}
//
// Both are lines of JSON of at most 16 MiB. Many requests are with it at once, and it answers in any order, a
// piece of one between pieces of another. What else stands in a line is the provider's format's; here `id` tells
// whose it is, and a line with `finish` or `failure` is its last. Each request has one such line, also one that is
// cancelled.
//
//   a `failure` in a request's first line   refused: the head of an answer with such a status, the line is its
//   body any other first line                    the head of a 200; each line of it is one of an
//   application/x-ndjson body
//
// The program is started with the first request, and again, after a while, whenever it ends; requests wait for
// that as for a connection. One line at a time is in the hands of the system, and the next only when the program's
// pipe has taken that: a request counts as sent from then on. What is with a program when it ends has failed, and
// may have been paid; what waits is for the next one. It is killed, and so
// started again, if a line is too long, if it says nothing that can be understood a hundred times in a row, if it
// is silent for `stall_ms` while it owes an answer, or if it doesn't stop telling what nobody waits for.
//
// Ownership: loop, clock and random outlive it. Destroyed without close(), it kills the program. Thread safety:
// loop only. Memory: a line, the requests that wait or are in the pipe, and the numbers of those it owes an
// answer.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "colloquium/ai_provider.h"
#include "colloquium/clock.h"

#include "ai/json_text.h"
#include "ai/transport.h"
#include "base/liveness.h"
#include "loop/supervised_child.h"

namespace colloquium::ai {

class ChildTransport final : public AiTransport {
 public:
  static constexpr size_t kLineBytesMax = size_t{16} << 20;
  static constexpr size_t kWaitingBytesMax = size_t{64} << 20;    // above, requests are refused
  static constexpr size_t kUnwantedBytesMax = size_t{64} << 20;   // in a row
  static constexpr size_t kStrayLinesMax = 100;                   // in a row
  static constexpr size_t kOwedMax = 10'000;

  // `name` is for messages: "orders/local".
  ChildTransport(loop::UvLoop& loop, const Clock& clock, Random& random, std::string name, AiProgram program);

  // Of the request, its body alone is sent. REQUIRES: that is a JSON object, with a member at least and no `id`.
  Number send(AiHttpRequest request, int64_t connect_timeout_ms, AiSending sending) override;
  void cancel(Number number) override;

  // SIGTERM, and SIGKILL after `stop_ms`; `closed` runs once nothing is left of it. REQUIRES: nothing is under
  // way.
  void close(Task closed);

  size_t under_way() const { return calls_.size(); }

 private:
  struct Call {
    std::shared_ptr<AiSending> sending;
    std::shared_ptr<const std::string> line;  // until it is sent
    int64_t connect_timeout_ms = 0;
    std::unique_ptr<Timer> connecting;  // while there is no program
    bool has_head = false;
  };

  void start();
  void has_started();
  bool takes_lines();
  void await_program(Number number, Call& call);
  void write_next();
  void write(std::shared_ptr<const std::string> line);
  void has_sent(Number number, Call& call);
  void take_out(Number number, const Call& call);
  void has_output(std::string_view bytes);
  void take_line(std::string_view line);
  void deliver(Number number, std::string_view line, const std::optional<json::ValueView>& root);
  void unwanted(size_t bytes);
  void stray(std::string_view line);
  void has_ended(loop::ChildExit exit);
  void is_missing(const std::string& why);
  void fail_call(Number number, Error why);
  void watch();
  void kill(std::string why);

  loop::UvLoop& loop_;
  const Clock& clock_;
  const AiProgram program_;
  const std::string name_;
  loop::SupervisedChild child_;
  JsonReader reader_;

  std::map<Number, Call> calls_;
  std::set<Number> waiting_;  // those of them that have not been sent
  size_t waiting_bytes_ = 0;
  std::deque<Number> cancels_;  // that the program is to be told
  bool takes_nothing_ = false;  // the program has closed its input
  std::set<Number> owed_;  // those the program has got and not ended, cancelled ones among them
  Number last_ = 0;
  uint64_t runs_ = 0;  // of the program, that have ended
  bool started_ = false;
  bool closing_ = false;
  std::string rest_;           // of a line whose end has not come
  std::string why_killed_;     // while the end of a program that was killed has not come
  std::string away_;           // why there is none
  size_t strays_ = 0;          // in a row
  size_t unwanted_bytes_ = 0;  // in a row
  int64_t heard_ns_ = 0;       // when it last said something, or began to owe something
  std::unique_ptr<Timer> watch_;
  Liveness alive_;
};

}  // namespace colloquium::ai
