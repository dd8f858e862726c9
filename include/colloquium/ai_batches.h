// AiBatches: a provider's way of answering many requests at once, within a day and for less. Like AiProvider it is
// a wire format and nothing else: what to send next, and what an answer to that means.
//
//   upload ──> create ──> wait … wait ──> fetch … fetch
//                │ nobody knows whether it was created
//                └──> find
//
// Where a batch is, is an AiBatchPlace: whoever runs it keeps that, and goes on from it after a crash. A provider
// may leave out `upload`, and `find` where it has no way to; `create` is the only step that costs something.
//
// Thread safety: immutable, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "colloquium/ai_provider.h"

namespace colloquium {

enum class AiBatchStep : uint8_t { kUpload, kCreate, kFind, kWait, kFetch, kEnd };

struct AiBatchPlace {
  AiBatchStep step = AiBatchStep::kUpload;
  std::string file;                  // what was uploaded
  std::string batch;                 // the provider's name for it
  std::vector<std::string> results;  // what is left to be fetched, the next one first

  bool operator==(const AiBatchPlace&) const = default;
};

// One request of it.
struct AiBatchCall {
  std::string id;    // letters, digits, '-' and '_', at most 64: its answer has it, too
  std::string body;  // AiProvider::encode, not streamed
};

struct AiBatchSending {
  AiTask task = AiTask::kChat;  // of all of them
  // What the batch is called by whoever makes it, for `find`: letters and digits.
  std::string mark;
  // With kUpload; with kCreate where nothing is uploaded. A provider that can find creates without them.
  std::span<const AiBatchCall> calls;
};

// It is under way: to be looked at again later.
struct AiBatchWaits {};
// The batch as a whole was refused after it was made, and nothing of it is paid.
struct AiBatchRefused {
  AiFailure failure;
};
// The place to go on at, or why that does not go.
using AiBatchTurn = std::variant<AiBatchPlace, AiBatchWaits, AiBatchRefused, AiFailure>;

// One line of the results.
struct AiBatchResult {
  std::string id;
  AiHead head;       // as if it were an answer of its own …
  std::string body;  // … for AiProvider::decoder
};

class AiBatches {
 public:
  virtual ~AiBatches() = default;

  struct Limits {
    size_t calls;
    size_t bytes;  // of all bodies together
  };
  virtual Limits limits() const = 0;
  virtual AiBatchPlace first() const = 0;
  // False: what nobody knows of stays unknown.
  virtual bool can_find() const = 0;

  // REQUIRES: the place is not at its end.
  virtual AiHttpRequest encode(const AiBatchPlace& at, const AiBatchSending& sending,
                               const AiAccess& access) const = 0;
  // The answer, whole; of `fetch` a successful one goes to result() line by line, and its body is empty here. A
  // find that finds nothing leads to kCreate.
  virtual AiBatchTurn read(const AiBatchPlace& at, const AiBatchSending& sending, const AiHead& head,
                           std::string_view body) const = 0;
  // Whether an answer that is no success says so in the provider's own words, and not in those of something in
  // front of it, which may have handed the request on.
  virtual bool is_own_error(std::string_view body) const = 0;
  // kCorrupt for what is no line of results.
  virtual Result<AiBatchResult> result(std::string_view line) const = 0;
  // Whose result the line is that begins like this, of one that is too long to be read; empty: it does not say.
  virtual std::string result_of(std::string_view beginning) const = 0;
};

}  // namespace colloquium
