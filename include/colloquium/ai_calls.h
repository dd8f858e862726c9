// AiCalls: calls to language models, with what a pipeline promises of them. Stages and sources ask; limits,
// budgets, retries, failover, records and caches are behind this, once for all of them (src/ai).
//
// Paid once when answered: a call's intent is written before it is sent, and its answer is on disk before anybody
// is given it. Whoever asks again for the same event, after a crash or in a replay, is given the recorded answer.
// What is asked while the same is under way waits for that, and what was answered a short while ago is answered
// from memory; both cost nothing.
//
// Ownership: the engine makes one for each pipeline that has an `ai` section; it outlives the components. Thread
// safety: loop only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/ai_provider.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

namespace colloquium {

// For which event something is asked.
struct AiEvent {
  std::string id;         // the same in a replay (Batch::id)
  std::string partition;  // where it was read: partition_id() (batch.h) …
  int64_t offset = 0;     // … and its place there
};

// Which of several models is tried first. The others follow in their order.
enum class AiRouting : uint8_t {
  kOrder,
  kWeighted,  // by `weight`, drawn from a hash of the event's id: the same again when it is asked again
  kCheapest,  // the least that the call may cost at most
};

struct AiModelChoice {
  std::string provider;  // its name in the pipeline
  std::string model;
  double weight = 1;
};

// What becomes of a question whose answer nobody will ever know: it was sent when the process died.
enum class AiOnUnknown : uint8_t {
  kRetry,  // it is asked again, and perhaps paid twice
  kFail,   // it has failed for good
};

// Asked with others of the same stage and model as one batch (ai_batches.h), which costs less and takes up to a
// day.
struct AiBatching {
  size_t size = 1;       // of a batch: it goes out once there are so many …
  int64_t every_ms = 0;  // … or this long after its first
  int64_t look_ms = 0;   // between looks at one that is out
};

struct AiQuestion {
  std::string who;               // the stage or source that asks
  std::optional<AiEvent> event;  // nothing: a client's, who asks again by itself
  AiRequest request;             // its `model` is set by the choice
  std::vector<AiModelChoice> models;
  AiRouting routing = AiRouting::kOrder;
  AiOnUnknown on_unknown = AiOnUnknown::kRetry;
  // How long an answer may be given again to whoever asks the same; 0: not at all. By `cache_key`, or where that
  // is empty by all of the request.
  int64_t cache_ttl_ms = 0;
  std::string cache_key;
  bool renews = false;                 // no kept answer is given; what comes takes the place of the one there is
  bool shares = true;                  // with another that asks the same at the same time
  std::optional<AiBatching> batching;  // nothing: by itself, at once
  // For records and reports.
  std::string prompt;  // "triage@3"
  std::string arm;     // of an experiment
  std::string tenant;  // who shares nothing with others: part of what makes two questions the same
};

enum class AiAnswerFrom : uint8_t { kProvider, kRecord, kCache, kShared };

struct AiAnswer {
  std::string call;  // the id of the call that was paid
  AiAnswerFrom from = AiAnswerFrom::kProvider;
  AiModelChoice model;  // that answered
  std::string text;
  std::vector<AiToolCall> tool_calls;
  std::vector<std::vector<float>> embeddings;  // by input
  AiFinished finished;
  AiUsage usage;
  int64_t cost_nano_usd = 0;  // of that call; nothing of it is paid again unless `from` is kProvider
  bool estimated = false;     // the provider did not say what it took
};

struct AiRefusal {
  AiFailure failure;  // of the last model that was tried
  AiModelChoice model;
  bool budget = false;   // a budget did not allow it; nothing was sent
  bool unknown = false;  // AiOnUnknown::kFail
  std::string partial;   // text that came before it broke off
  Error error() const;   // retryable where it is worth asking again later
};

struct AiOutcome {
  std::optional<AiAnswer> answer;
  AiRefusal refusal;  // without an answer
};
using AiAnswered = UniqueFunction<void(AiOutcome)>;

// For whoever passes an answer on as it comes. Text, reasoning and tool calls come as the provider sends them; the
// end of the answer, and its usage, only behind the sync, with AiAnswered. Where another model takes over nothing
// had come.
using AiListen = std::function<void(const AiOutput&)>;

// How many tokens something is for a model.
struct AiCount {
  int64_t tokens = 0;
  bool estimated = false;            // the provider has no way to count
  std::optional<AiFailure> failure;  // it has one, and did not count
};
using AiCounted = UniqueFunction<void(AiCount)>;

class AiCalls {
 public:
  using Number = uint64_t;
  virtual ~AiCalls() = default;

  // What it can't do is told before anything is asked: an unknown provider, something a model's provider can't be
  // asked, a model without a price where that is refused. kInvalidConfig.
  virtual Status check(const AiQuestion& question) const = 0;

  // `answered` runs once, in this turn or a later one. `listen` may be empty.
  virtual Number ask(AiQuestion question, AiAnswered answered, AiListen listen = nullptr) = 0;

  // What this call answered is no good to who asked: it is kept for nobody else. The event it was for is given it
  // again, as what follows from it is recorded, too. A restart keeps it again unless another has taken its place
  // since: whoever is given it then rejects it as well.
  virtual void reject(const std::string& call) = 0;

  // Nobody wants it any more: `answered`, or `counted`, never runs. What was sent is paid as far as it came; a
  // call that others wait for, too, goes on.
  virtual void cancel(Number number) = 0;

  // How long the input of a question is for the first of its models: as its provider counts, else by estimate. Nothing
  // is paid or recorded. `counted` runs once, in a later turn, unless the calls are closed before.
  virtual Number count(AiQuestion question, AiCounted counted) = 0;

  // Everything that `who` asked for events below `offset` is committed, and will not be asked again but in a
  // replay.
  virtual void settled(const std::string& who, const std::string& partition, int64_t offset) = 0;
};

}  // namespace colloquium
