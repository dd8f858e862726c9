// CallRecord: what is kept of a call in the stream `<pipeline>.calls`, an event of JSON each.
//
//   intent    it may be sent from here on, and may cost what is reserved at most
//   answer    all of the answer, and what it cost
//   failure   it cost what is told, mostly nothing; its text is what came before it broke off
//   unknown   it was sent, and nobody will ever say what became of it: what was reserved counts as paid
//   reuse     an event was given the answer that another call had paid, all of which stands here again
//   batch     where a batch is by now, in which the calls are that name it: what a restart goes on from
//
// A call has one intent, and then exactly one of the next three. Each record says by itself whose call it was.
//
//   {"kind":"answer","call":"5f…","who":"triage","event":"in.x-0-7","partition":"in.x-0","offset":7,
//    "question":"91…","provider":"eu","model":"m","key":"team","prompt":"triage@3","arm":"","attempt":1,"at":1764000000000,
//    "reserved":1200,"tokens":31,"cost":420,"estimated":false,"usage":[31,0,0,0,12,0],"took":830,"first":210,
//    "text":"…","tools":[["id","name","{}"]],"embeddings":["0000803f…"],"finish":"stop","said":"end_turn",
//    "cache":"7a…","until":1764000060000,"failure":"transient","message":"…","status":529,"from":"cache",
//    "batch":"c0…","embeds":true,"look":60000,"step":"wait","file":"file-1","job":"batch_1","results":["file-2"]}
//
// Members that say nothing are left out. Money is in billionths of a dollar, an embedding the bytes of its 32-bit
// numbers, little end first.
//
// Thread safety: values and functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/ai_batches.h"
#include "colloquium/ai_calls.h"
#include "colloquium/result.h"

#include "ai/usage.h"
#include "base/money.h"
#include "io/digest.h"

namespace colloquium::ai {

enum class RecordKind : uint8_t { kIntent, kAnswer, kFailure, kUnknown, kReuse, kBatch };
std::string_view to_string(RecordKind kind);

// Whose call it is and what was asked of whom: the same in all records of a call.
struct CallTags {
  std::string call;
  std::string who;
  std::optional<AiEvent> event;
  io::Digest128 question{};
  std::string provider, model, key;
  std::string prompt, arm;
  int64_t attempt = 1;
  int64_t at_ms = 0;  // when it was to be sent
  NanoUsd reserved;
  int64_t tokens = 0;   // that were expected, of input and output together
  std::string batch;    // the id of that it is sent in; empty: by itself
  bool embeds = false;  // in a batch: what its answer is
};

struct CallContent {
  std::string text;
  std::vector<AiToolCall> tool_calls;
  std::vector<std::vector<float>> embeddings;
  AiFinished finished;
};

// Until when, and under which key, an answer may be given again.
struct CacheMark {
  io::Digest128 key{};
  int64_t until_ms = 0;
};

struct CallRecord {
  RecordKind kind = RecordKind::kIntent;
  CallTags tags;
  // Of what ended:
  NanoUsd cost;            // of a reuse: what the call had cost, and nothing is paid again
  bool estimated = false;  // the cost, as the provider did not tell
  TokenUsage usage;
  int64_t took_ms = 0;
  std::optional<int64_t> first_ms;  // until its first byte
  CallContent content;              // of answer and reuse; of a failure the text so far
  std::optional<CacheMark> cache;
  AiFailure failure;
  AiAnswerFrom from = AiAnswerFrom::kProvider;  // of a reuse: kCache or kShared
  AiBatchPlace place;                           // of a batch, whose id is the tags' `call` …
  int64_t look_ms = 0;                          // … and how often it is looked after
};

std::string to_json(const CallRecord& record);
// kCorrupt, for what is none.
Result<CallRecord> parse_record(std::string_view json);

// Who asks what for which event: what an answer is found by again.
io::Digest128 event_key(const std::string& who, const AiEvent& event, const io::Digest128& question);

std::string_view to_string(AiFailureKind kind);

// Records are JSON, whatever a provider sent: U+FFFD stands for what is no UTF-8.
std::string valid_utf8(std::string_view text);

std::string digest_text(const io::Digest128& digest);
std::optional<io::Digest128> parse_digest(std::string_view text);

// The answer as it is given to whoever asked.
AiAnswer answer_of(const CallRecord& record, AiAnswerFrom from);

}  // namespace colloquium::ai
