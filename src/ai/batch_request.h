// BatchRequest: one request on a batch's way, and its answer: whole, or line by line.
//
// Ownership: loop and transport outlive it. Destroyed while it is under way, it is stopped and tells nobody.
// Thread safety: loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/ai_provider.h"
#include "colloquium/function.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "ai/call_settings.h"
#include "ai/transport.h"
#include "base/liveness.h"

namespace colloquium::ai {

// What came of it.
struct BatchReply {
  std::optional<AiHead> head;
  std::string body;     // unless it went line by line
  Status complete;      // or why it is not
  bool is_sent = true;  // false: the provider cannot have got any of it
};

class BatchRequest {
 public:
  // Of a line that is too long, only its beginning.
  using Line = std::function<void(std::string_view line, bool is_whole)>;
  using Done = UniqueFunction<void(BatchReply)>;
  // A longer answer has failed, where it is kept whole.
  static constexpr size_t kBodyBytesMax = size_t{16} << 20;
  // What is kept of a line that is too long: enough to see whose it is.
  static constexpr size_t kBeginningBytes = 4096;

  BatchRequest(Loop& loop, AiTransport& transport, const CallTimeouts& timeouts);
  ~BatchRequest();
  BatchRequest(const BatchRequest&) = delete;
  BatchRequest& operator=(const BatchRequest&) = delete;

  // Once. With `line` the body of a success goes there, without line breaks and empty lines. `done` runs once, in
  // a turn of its own.
  void send(AiHttpRequest request, Line line, size_t line_bytes_max, Done done);

 private:
  void take_bytes(std::string_view bytes);
  void take_lines(std::string_view bytes);
  void hand_on();
  void watch(int64_t limit_ms, const char* what);
  void end(Status status);

  Loop& loop_;
  AiTransport& transport_;
  const CallTimeouts timeouts_;
  Line line_;
  size_t line_bytes_max_ = 0;
  Done done_;
  BatchReply reply_;
  std::string rest_;          // of a line whose end has not come
  bool is_too_long_ = false;  // that line
  std::shared_ptr<bool> sent_;
  std::optional<AiTransport::Number> number_;
  std::unique_ptr<Timer> timer_;
  Liveness alive_;
};

}  // namespace colloquium::ai
