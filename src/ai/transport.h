// AiTransport: how a request gets to a provider and its answer back, so that tests can stand for both.
//
// Ownership: it outlives whoever sends. Thread safety: loop only; callbacks run in turns of the loop, never before
// send() has returned.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "colloquium/ai_provider.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

namespace colloquium::ai {

struct AiSending {
  UniqueFunction<void(const AiHead&)> head;      // once, if one comes
  UniqueFunction<void(std::string_view)> bytes;  // of the body, in order
  // Once, last: the body is complete, or why nothing more comes.
  UniqueFunction<void(Status)> done;
  // Becomes true as the request begins to go out: until then the provider cannot have got any of it. Never null.
  std::shared_ptr<bool> sent = std::make_shared<bool>(false);
};

class AiTransport {
 public:
  using Number = uint64_t;
  virtual ~AiTransport() = default;

  // Only making the connection has a time limit; whoever sends watches over the rest.
  virtual Number send(AiHttpRequest request, int64_t connect_timeout_ms, AiSending sending) = 0;

  // None of its callbacks runs any more. Nothing if it is done.
  virtual void cancel(Number number) = 0;
};

}  // namespace colloquium::ai
